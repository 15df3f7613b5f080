"""The JSON shapes of what people say: minutes with their history, meetings, and the fields of the report."""

from __future__ import annotations

from typing import Any

# Pydantic reads these for the OpenAPI document, and before Python 3.12 it accepts only this TypedDict.
from typing_extensions import TypedDict

Time = str
"""RFC 3339 UTC with milliseconds."""


class ItemView(TypedDict):
    id: str
    incident_id: str
    kind: str
    """`decision`, `action_item` or `question`."""
    status: str
    """`suggested` (heard, not confirmed), `open`, `done` or `withdrawn`."""
    text: str
    by: str
    at: Time
    owner: str | None
    due_at: Time | None
    due_text: str
    """The words that `due_at` was read from."""
    overdue: bool
    options: list[str]
    reason: str
    answer: str
    """To a question; of a decision the option chosen, of an action item what came of it."""
    answered_by: str | None
    ended_at: Time | None
    evidence: str | None
    source: dict[str, Any]
    """Where it was said: `medium`, `channel`, `ts`, `name` of the file, `line`, `quote`, `link`."""
    source_link: str | None
    meeting_id: str | None
    remind_at: Time | None
    reminders: int
    revision: int


class ItemChangeView(TypedDict):
    at: Time
    by: str
    what: str
    before: dict[str, Any]
    after: dict[str, Any]


class ItemDetail(ItemView):
    history: list[ItemChangeView]
    """Oldest first."""


class MeetingView(TypedDict):
    id: str
    incident_id: str
    uid: str
    """Of its calendar entry (RFC 5545)."""
    sequence: int
    status: str
    starts_at: Time
    ends_at: Time
    called_by: str
    called_at: Time
    started_at: Time | None
    ended_at: Time | None
    invitees: list[str]
    link: str | None


class ReportFieldView(TypedDict):
    label: str
    value: Any
    """As it was said; null where nobody knows it."""
    text: str
    """In one line of words."""
    source: str
    by: str | None
    at: Time
    asked: str | None
    """Who was asked for it."""
