"""Writes documents as Markdown and as one HTML page; whatever a text holds, it stays text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from bot.domain.paper import Block, Commands, Heading, Line, Mono, Points, Prose

_MARKS = re.compile(r"([\\`*_\[\]#|<>&~])")
_BLOCK = re.compile(r"^(\s*\d*)([-+=.)])")
"""What would begin a list or an underlined title."""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
    "pre{overflow-x:auto;padding:.75rem;border:1px solid #888;border-radius:6px}"
    "code{font-family:ui-monospace,monospace}"
    "@media print{pre{white-space:pre-wrap}}"
)


def as_markdown(blocks: Sequence[Block]) -> str:
    """CommonMark; ends with a line break."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_escaped(text)}"
        case Prose(line):
            return _spans(line)
        case Points(lines):
            return "\n".join(f"- {_spans(line)}" for line in lines)
        case Commands(text):
            fence = "`" * max(3, _longest_run(text) + 1)
            return f"{fence}sh\n{_seen(text, keep=chr(10))}\n{fence}"


def _spans(line: Line) -> str:
    return "".join(_mono(one.text) if isinstance(one, Mono) else _escaped(one) for one in line)


def _mono(text: str) -> str:
    plain = _seen(text)
    ticks = "`" * (_longest_run(plain) + 1)
    pad = " " if plain[:1] == "`" or plain[-1:] == "`" else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}" if plain.strip() else "(empty)"


def _escaped(text: str) -> str:
    return _BLOCK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", _seen(text)))


def _seen(text: str, keep: str = "") -> str:
    return "".join(one if one.isprintable() or one in keep else " " for one in text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """One page that needs nothing else: no script, no link to a style, readable when everything is down."""
    body = "\n".join(_html(block) for block in blocks)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _html(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{escape(_seen(text))}</h{level}>"
        case Prose(line):
            return f"<p>{_marked(line)}</p>"
        case Points(lines):
            return "<ul>" + "".join(f"<li>{_marked(line)}</li>" for line in lines) + "</ul>"
        case Commands(text):
            return f"<pre><code>{escape(_seen(text, keep=chr(10)))}</code></pre>"


def _marked(line: Line) -> str:
    return "".join(
        f"<code>{escape(_seen(one.text))}</code>" if isinstance(one, Mono) else escape(_seen(one)) for one in line
    )
