"""What is heard in meetings and threads: utterances as they came, and the decisions, actions and questions in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

MAX_QUOTE = 500
"""Characters of the source that an item quotes."""


class HeardKind(StrEnum):
    """What an item is."""

    DECISION = "decision"
    ACTION = "action"
    QUESTION = "question"
    ANSWER = "answer"
    NOTE = "note"


@dataclass(frozen=True)
class KnownPerson:
    """Somebody whom the policy or the chat knows, so that a name in the text is known to be a person."""

    id: str = ""
    """As in `<@U0LEAD>`, without the brackets; "" where there is none."""
    name: str = ""
    mail: str = ""
    zone: ZoneInfo | None = None
    """Where this person's clocks are; None: where the meeting's are."""


@dataclass(frozen=True)
class Utterance:
    """One thing that one person said or wrote, as its source has it."""

    text: str
    line: int
    """1-based line of the source; of a Slack export, the 1-based number of the message."""
    speaker: str | None = None
    """As the source names them: "Maria", "Maria Lopez", "<@U0LEAD>"."""
    at: datetime | None = None
    """When, where the source gives an instant."""
    offset_seconds: float | None = None
    """When, counted from the start of the recording."""
    clock: time | None = None
    """When, as a time of day without a date or a zone, as chats are often copied."""
    thread: str | None = None
    """Slack's `thread_ts` (or the message's own `ts`): what belongs together."""
    ref: str | None = None
    """Slack's `ts` of the message."""
    heading: str = ""
    """The heading it stands under, in notes that have headings."""


@dataclass(frozen=True)
class HeardItem:
    """One decision, action, question or answer, and where it was heard. What is not certain is only offered."""

    kind: HeardKind
    text: str
    line: int
    quote: str
    owner: str | None = None
    """As written: "<@U0LEAD>", "@lead", "lead@example.com", "Maria"; the speaker where they spoke of themselves."""
    due_text: str | None = None
    due_at: datetime | None = None
    hour_assumed: bool = False
    """The hour of `due_at` is a default ("by Friday" is 17:00)."""
    options: tuple[str, ...] = ()
    choice: str | None = None
    reason: str | None = None
    speaker: str | None = None
    at: datetime | None = None
    offset_seconds: float | None = None
    ref: str | None = None
    certain: bool = True
    why_uncertain: str = ""
