"""Pages: calls to people who are asleep, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.incidents import Severity


class PageState(StrEnum):
    """What became of a page. Unknown is never acknowledged."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Page:
    """One call. The same `dedup_key` (255 characters at most) is the same call, however often it is sent."""

    dedup_key: str
    summary: str
    severity: Severity
    source: str
    link: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PageReading:
    """What a pager says of a page. `by` is the name that it gives, for people; no role is derived from it."""

    state: PageState
    by: str | None = None
    at: datetime | None = None
