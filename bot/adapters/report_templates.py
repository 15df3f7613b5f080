"""Writes reports as files to keep: Markdown out of `reports/*.md.j2`, in the same sandbox as notices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, TemplateError

from bot.adapters.filters import Unfillable
from bot.adapters.glossary import Glossary
from bot.adapters.notice_sandbox import NoticeSandbox
from bot.adapters.notice_words import Reader, plain
from bot.domain.errors import StepFailed
from bot.domain.times import parse_time

SUMMARY = "reports/summary.md.j2"
POSTMORTEM = "reports/postmortem.md.j2"
_SCALE = 50
"""Of the limits of a notice: hundreds of items, each with all its words."""
_MOST_TERMS = 30
"""In the glossary of a report."""


class ReportTemplates:
    """Templates of these folders; the first folder that has a file wins. Every value in a report is made plain."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._sandbox = NoticeSandbox(FileSystemLoader([str(folder) for folder in folders]))

    def summary(self, facts: Mapping[str, Any]) -> str:
        """The Markdown of `summary_report`; ends with a line break. StepFailed where the template is broken."""
        return self._render(SUMMARY, facts, "summary")

    def postmortem(self, facts: Mapping[str, Any], glossary: Glossary) -> str:
        """The Markdown of `draft_facts`, with a glossary of the technical words that are used in it."""
        used = glossary.explanations(self._render(POSTMORTEM, facts, "postmortem"), _MOST_TERMS)
        terms = [{"term": term, "line": line} for term, line in sorted(used, key=lambda one: one[0].casefold())]
        return self._render(POSTMORTEM, {**facts, "glossary": terms}, "postmortem")

    def _render(self, name: str, facts: Mapping[str, Any], called: str) -> str:
        try:
            text = self._sandbox.render(name, facts, Reader(parse_time(facts["as_of"])), scale=_SCALE)
        except (TemplateError, Unfillable) as error:
            why = str(plain(getattr(error, "message", None) or str(error)))
            raise StepFailed(f"The template of the {called} cannot be used", why=why) from None
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
