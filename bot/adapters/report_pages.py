"""Reports as HTML: what Markdown says and no more; all text is escaped, links are of the web, nothing is loaded."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from bot.adapters.web_links import FINAL, WEB_ADDRESS, is_web

_RULES = ("newline", "backticks", "emphasis", "list", "code", "heading", "blockquote")
"""Links that hide where they lead, pictures, references and HTML stay text."""
_PAGE = "reports/page.html.j2"
_TITLE, _SECTION = "h1", "h2"


class ReportPages:
    """HTML out of the Markdown of reports."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._markdown = MarkdownIt("zero", {"html": False, "breaks": True}).enable(list(_RULES))
        self._markdown.add_render_rule("text", _linked_text)

    def parts(self, markdown: str) -> list[tuple[str, Markup]]:
        """For places in a page: what stands under each heading of the second level, by its words; what stands before
        the first, without the title, under an empty one. No styles and no ids."""
        found: list[tuple[str, list[Token]]] = [("", [])]
        level = ""
        for token in self._markdown.parse(markdown):
            level = token.tag if token.type == "heading_open" else level
            if level == _SECTION and token.type == "inline":
                found.append((token.content, []))
            elif level not in (_TITLE, _SECTION):
                found[-1][1].append(token)
            level = "" if token.type == "heading_close" else level
        return [(title, self._rendered(tokens)) for title, tokens in found]

    def _rendered(self, tokens: Sequence[Token]) -> Markup:
        rendered = self._markdown.renderer.render(tokens, self._markdown.options, {})
        return Markup(rendered)  # noqa: S704 - the renderer escapes all text

    def page(self, title: str, markdown: str) -> str:
        """A file of its own, which says so itself that it may load and run nothing."""
        body = Markup(self._markdown.render(markdown))  # noqa: S704 - the renderer escapes all text
        return self._environment.get_template(_PAGE).render(title=title, body=body)


def _linked_text(
    renderer: Any,  # noqa: ARG001 - the signature is the library's
    tokens: Sequence[Token],
    index: int,
    options: Any,  # noqa: ARG001
    env: MutableMapping[str, Any],  # noqa: ARG001
) -> str:
    """Text escaped, with the addresses in it as links."""
    text, parts, position = tokens[index].content, list[str](), 0
    for match in WEB_ADDRESS.finditer(text):
        address = match[0].rstrip(FINAL)
        parts.append(str(Markup.escape(text[position : match.start()])))
        shown = Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, address)
        parts.append(str(shown if is_web(address) else Markup.escape(address)))
        position = match.start() + len(address)
    return "".join([*parts, str(Markup.escape(text[position:]))])
