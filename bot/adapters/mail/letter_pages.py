"""The two forms of a letter's words: plain text, and a page of HTML that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from bot.adapters.web_links import FINAL, WEB_ADDRESS, is_web
from bot.domain.letters import Letter

FOLDER = "mail"
_RULES = ("newline", "backticks", "emphasis", "link", "list", "fence", "heading", "blockquote")
"""The light Markdown of letters. Pictures, HTML and references stay text."""

_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px"
_STYLES: Mapping[str, str] = {
    "paragraph_open": "margin:0 0 14px",
    "bullet_list_open": "margin:0 0 14px;padding:0 0 0 22px",
    "ordered_list_open": "margin:0 0 14px;padding:0 0 0 22px",
    "list_item_open": "margin:0 0 4px",
    "heading_open": "margin:18px 0 8px;font-size:16px;line-height:22px",
    "blockquote_open": "margin:0 0 14px;padding:0 0 0 12px;border-left:3px solid #98a2b3",
    "code_inline": f"{_MONO};overflow-wrap:anywhere",
    "fence": f"{_MONO};white-space:pre-wrap",
    "link_open": "color:#175cd3",
}
"""Mail programs that drop style sheets keep these; the dark scheme comes from the sheet, by class."""

_CLASSES: Mapping[str, str] = {"link_open": "link", "code_inline": "code"}
BARS: Mapping[str, str] = {"SEV-1": "#c0281c", "SEV-2": "#d1620a", "SEV-3": "#b7860b", "SEV-4": "#5b6b82"}
"""The colour over the page; the subject says the severity in words to those who shall read it."""

_NO_SEVERITY = "#2e6fd0"


class LetterPages:
    """Words of letters, with the template `mail/letter.html.j2` of the first folder that has it."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._markdown = _light_markdown()

    def text(self, letter: Letter, *, is_first: bool) -> str:
        """The plain form. In a thread the subject is that of the first mail, so the first line says what is new."""
        parts = [] if is_first else [letter.subject]
        parts.append(letter.body.strip("\n"))
        link = _web(letter.link)
        if link and letter.buttons:
            parts.append(f"Answer at {link} ({_labels(letter)})")
        elif link:
            parts.append(f"More at {link}")
        elif letter.buttons:
            parts.append(f"Answer on the page ({_labels(letter)})")
        # The two dashes with a space make what follows a signature, which answers leave out.
        parts.append("-- \nSent by Andon. Answers to this mail are not read.")
        return "\n\n".join(parts) + "\n"

    def html(self, letter: Letter, severity: str | None) -> str:
        """The page. Every value is escaped, links are http or https."""
        template = self._environment.get_template(f"{FOLDER}/letter.html.j2")
        link = _web(letter.link)
        return template.render(
            subject=letter.subject,
            body=Markup(self._markdown.render(letter.body)),  # noqa: S704 - the renderer escapes all text
            bar=BARS.get(severity or "", _NO_SEVERITY),
            link=link,
            host=urlsplit(link).netloc if link else "",
            labels=_labels(letter),
        )


def _labels(letter: Letter) -> str:
    return ", ".join(button.label for button in letter.buttons)


def _web(address: str | None) -> str | None:
    """The address where it is one of the web, else none."""
    return address if is_web(address) else None


def _light_markdown() -> MarkdownIt:
    markdown = MarkdownIt("zero", {"html": False, "breaks": True}).enable(list(_RULES))
    markdown.validateLink = lambda url: _web(url) is not None  # type: ignore[method-assign]
    markdown.core.ruler.push("styled", _style)
    markdown.add_render_rule("text", _linked_text)
    return markdown


def _style(state: Any) -> None:
    for token in state.tokens:
        for one in (token, *(token.children or ())):
            if one.type in _STYLES:
                one.attrSet("style", _STYLES[one.type])
            if one.type in _CLASSES:
                one.attrSet("class", _CLASSES[one.type])


def _linked_text(
    renderer: Any,  # noqa: ARG001 - the signature is the library's
    tokens: Sequence[Token],
    index: int,
    options: Any,  # noqa: ARG001
    env: MutableMapping[str, Any],  # noqa: ARG001
) -> str:
    """Text escaped, with addresses in it as links, but for text that is inside a link already."""
    text = tokens[index].content
    is_inside = sum(token.nesting for token in tokens[:index] if token.type.startswith("link_")) > 0
    if is_inside:
        return str(Markup.escape(text))
    parts, position = [], 0
    for match in WEB_ADDRESS.finditer(text):
        address = match[0].rstrip(FINAL)
        parts.append(Markup.escape(text[position : match.start()]))
        parts.append(
            Markup('<a href="{}" class="link" style="{}">{}</a>').format(address, _STYLES["link_open"], address)
        )
        position = match.start() + len(address)
    return "".join(map(str, (*parts, Markup.escape(text[position:]))))
