"""The report on controls as it is handed out: Markdown, or a signed envelope around its JSON; secrets in neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.adapters.envelopes import plain_json, seal_payload
from bot.adapters.report_templates import ReportTemplates
from bot.adapters.signing import SigningKey
from bot.domain.redaction import Redact, redacted


class ControlsPapers:
    """Templates of these folders; the first folder that has a file wins."""

    def __init__(self, folders: Sequence[Path], redact: Redact) -> None:
        self._folders = folders
        self._redact = redact

    def markdown(self, facts: Mapping[str, Any]) -> str:
        """A file of its own; ends with a line break. StepFailed where a template is broken."""
        return ReportTemplates(self._folders).controls(redacted(facts, self._redact))

    def sealed(self, facts: Mapping[str, Any], kind: str, key: SigningKey) -> bytes:
        """The DSSE envelope as JSON; the same facts, kind and key give the same bytes."""
        return seal_payload(plain_json(redacted(facts, self._redact)), kind, key)
