"""Lines of an incident's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain.records import TimelineEntry
from bot.ports import Ids

_MOST = 1000


def line(
    ids: Ids,
    incident_id: str,
    at: datetime,
    kind: str,
    text: str,
    *,
    actor: str | None = None,
    run_id: str | None = None,
    link: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> TimelineEntry:
    """One line; a long text is cut, the record that it tells of has all of it."""
    return TimelineEntry(ids.new("tml"), incident_id, at, kind, text[:_MOST], actor, run_id, link, data or {})
