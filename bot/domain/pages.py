"""Pages: what wakes the one who is on duty, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from bot.domain.errors import BadInput
from bot.domain.incidents import Severity

PagerName = Literal["pagerduty", "opsgenie"]
PAGERS: tuple[PagerName, ...] = ("pagerduty", "opsgenie")
"""The paging services, as a policy's escalation names them."""

_DEDUP_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")


class PageState(StrEnum):
    """What is known of a page. Only a person's answer is one; a page that nobody can see is unknown."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True)
class Page:
    """One call for a person. `summary` and `details` may hold text from outside; the services show it as plain text.

    A dedup key is for one page: while it is open, handing it over again changes nothing, so a resend is safe.
    """

    dedup_key: str
    summary: str
    severity: Severity
    source: str
    """The service and environment that it is about."""
    link: str | None = None
    """The incident's page."""
    details: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_dedup_key(self.dedup_key)


@dataclass(frozen=True)
class PageReceipt:
    """A paging service has taken a page; nobody has seen it yet. `ref` is its name for the request, or empty."""

    pager: str
    dedup_key: str
    ref: str = ""


@dataclass(frozen=True)
class Acknowledgement:
    """A person took a page. `by` is an address where the service gives one, else a name; text from outside."""

    by: str
    at: datetime | None = None


@dataclass(frozen=True)
class PageStanding:
    """Where a page stands, as its service says; `why` in words where there is more to say."""

    state: PageState
    answer: Acknowledgement | None = None
    why: str = ""

    @property
    def is_answered(self) -> bool:
        """Somebody took it, or a person whose name is known ended it. Nothing else ends an escalation."""
        return self.state is PageState.ACKNOWLEDGED or (self.state is PageState.RESOLVED and self.answer is not None)


def check_dedup_key(key: str) -> None:
    """BadInput unless it has 1 to 255 letters, digits, `.`, `_`, `:` or `-`: what every service and address takes."""
    if not _DEDUP_KEY.fullmatch(key):
        raise BadInput(
            f"{key[:60]!r} cannot be the dedup key of a page",
            why="it has 1 to 255 letters, digits, '.', '_', ':' or '-', and starts with a letter or digit",
        )
