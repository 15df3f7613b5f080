"""What somebody says to the bot in chat, and what it comes down to: an order, a question, a form, or an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.heard import KnownPerson
from bot.domain.words import Word


@dataclass(frozen=True)
class OpenIncident:
    """An incident that is not resolved, as far as words may be about it."""

    id: str
    service: str
    environment: str
    title: str = ""


@dataclass(frozen=True)
class ActiveRun:
    """A run that has not ended."""

    id: str
    service: str
    environment: str
    playbook: str
    waits_for_approval: bool = False
    plan_hash: str = ""
    """Of what it waits for: the plan as it stands now."""


@dataclass(frozen=True)
class Said:
    """Words behind a chat word, and what they may be about."""

    words: str
    """As written, without Slack's escapes; a mention is still `<@U…>`."""
    services: tuple[str, ...] = ()
    here: OpenIncident | None = None
    """The incident of the thread or the channel where it was said."""
    incidents: tuple[OpenIncident, ...] = ()
    runs: tuple[ActiveRun, ...] = ()
    environments: frozenset[str] = frozenset()
    """Every name of an environment that some policy has."""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When; aware."""
    zone: str = "UTC"
    """The speaker's, an IANA name."""
    speaker: str = ""
    """By id."""
    people: tuple[KnownPerson, ...] = ()
    """Whom the policies name, as far as their names are known."""

    @property
    def first(self) -> str:
        """The first of the words; empty where there is none."""
        return next(iter(self.words.split()), "")

    @property
    def rest(self) -> str:
        """What follows the first word."""
        return self.words.strip()[len(self.first) :].strip()

    def saying(self, words: str) -> Self:
        """The same place and people with other words."""
        return replace(self, words=words.strip())


class Question(StrEnum):
    """What can be shown."""

    STATUS = "status"
    TIMELINE = "timeline"
    GATE = "gate"
    POSTMORTEM = "postmortem"
    HELP = "help"


class Form(StrEnum):
    """What can be filled in."""

    REPORT = "report"
    DECISION = "decision"
    ACTION_ITEM = "action_item"
    UPDATE = "update"
    ANSWER = "answer"
    AMEND = "amend"
    SNOOZE = "snooze"
    REASSIGN = "reassign"
    HANDOVER = "handover"
    NOTES = "notes"
    SKIP_DRILL = "skip_drill"
    MOVE_DRILL = "move_drill"


@dataclass(frozen=True)
class Give:
    """An order: the parts of a `Command` that words can say."""

    word: Word
    subject: str
    reason: str = ""
    environment: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Show:
    """A question; `about` is an incident or a service, as said."""

    question: Question
    about: str = ""


@dataclass(frozen=True)
class Open:
    """A form about a record."""

    form: Form
    about: str
    text: str = ""
    """What is filled in already."""


@dataclass(frozen=True)
class Say:
    """Just an answer: what happened, why, what next."""

    text: str


Meaning = Give | Show | Open | Say
