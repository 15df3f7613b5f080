"""Writes reports as files to keep: Markdown out of `reports/*.md.j2`, in the same sandbox as notices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, TemplateError

from bot.adapters.filters import Unfillable
from bot.adapters.notice_sandbox import NoticeSandbox
from bot.adapters.notice_words import Reader, plain
from bot.domain.errors import StepFailed
from bot.domain.times import parse_time

SUMMARY = "reports/summary.md.j2"
CONTROLS = "reports/controls.md.j2"
_LONG_SCALE = 1_000
"""Of a report over a quarter of everything."""
_SCALE = 50
"""Of the limits of a notice: hundreds of items, each with all its words."""


class ReportTemplates:
    """Templates of these folders; the first folder that has a file wins. Every value in a report is made plain."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._sandbox = NoticeSandbox(FileSystemLoader([str(folder) for folder in folders]))

    def summary(self, facts: Mapping[str, Any]) -> str:
        """The Markdown of `summary_report`; ends with a line break. StepFailed where the template is broken."""
        return self._written(SUMMARY, facts, _SCALE)

    def controls(self, facts: Mapping[str, Any]) -> str:
        """The Markdown of `controls_report`, likewise."""
        return self._written(CONTROLS, facts, _LONG_SCALE)

    def _written(self, name: str, facts: Mapping[str, Any], scale: int) -> str:
        try:
            text = self._sandbox.render(name, facts, Reader(parse_time(facts["as_of"])), scale=scale)
        except (TemplateError, Unfillable) as error:
            why = str(plain(getattr(error, "message", None) or str(error)))
            raise StepFailed(f"The template {name} cannot be used", why=why) from None
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
