"""A postmortem as people read it: Markdown and HTML out of one set of facts, with a glossary of the words in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bot.adapters.glossary import load_glossary
from bot.adapters.report_pages import ReportPages
from bot.adapters.report_templates import ReportTemplates
from bot.domain.redaction import Redact, redacted


class PostmortemPapers:
    """Templates and glossary of these folders; the first folder that has a file wins. Secrets are in none of it."""

    def __init__(self, folders: Sequence[Path], redact: Redact) -> None:
        self._templates = ReportTemplates(folders)
        self._pages = ReportPages(folders)
        self._glossary = load_glossary(folders)
        self._redact = redact

    def markdown(self, facts: Mapping[str, Any]) -> str:
        """A file of its own; ends with a line break. StepFailed where a template is broken."""
        return self._templates.postmortem(redacted(facts, self._redact), self._glossary)

    def html(self, facts: Mapping[str, Any]) -> str:
        """A file of its own, which loads nothing and runs nothing."""
        title = self._redact(facts["incident"]["title"])
        return self._pages.page(f"Postmortem: {title}", self.markdown(facts))

    def parts(self, facts: Mapping[str, Any]) -> list[tuple[str, Markup]]:
        """For a page: each section by its title, what stands before the first under an empty one. Lessons are left out:
        the page shows them itself, with what can be done about them."""
        return self._pages.parts(self.markdown({**facts, "lessons": [], "suggestions": []}))
