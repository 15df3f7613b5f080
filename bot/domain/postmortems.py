"""Postmortems: the blameless account of an incident, what people say in it, and how it gets from due to reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.errors import Refused

LONGEST_TEXT = 10_000
LONGEST_COMMENT = 4_000
LONGEST_DIFF = 30_000
MOST_LESSONS = 50
MOST_COMMENTS = 500

AHEAD = timedelta(days=1)
"""The first reminder comes so long before it is due, or half-way where there is less time than two of these."""


class PostmortemState(StrEnum):
    """States of a postmortem; see POSTMORTEM_MOVES."""

    DUE = "due"
    """Nobody has written into it yet: the draft of the record is all there is."""
    DRAFT = "draft"
    REVIEWED = "reviewed"


class PostmortemEvent(StrEnum):
    """What can happen to a postmortem."""

    EDIT = "edit"
    COMMENT = "comment"
    LESSON = "lesson"
    SIGN = "sign"
    """One of several roles signs; others are still missing."""
    SIGN_OFF = "sign_off"
    """The last role signs."""
    REOPEN = "reopen"


_S, _E = PostmortemState, PostmortemEvent

POSTMORTEM_MOVES: Mapping[tuple[PostmortemState, PostmortemEvent], PostmortemState] = {
    (_S.DUE, _E.EDIT): _S.DRAFT,
    (_S.DUE, _E.COMMENT): _S.DUE,
    (_S.DUE, _E.LESSON): _S.DRAFT,
    (_S.DRAFT, _E.EDIT): _S.DRAFT,
    (_S.DRAFT, _E.COMMENT): _S.DRAFT,
    (_S.DRAFT, _E.LESSON): _S.DRAFT,
    (_S.DRAFT, _E.SIGN): _S.DRAFT,
    (_S.DRAFT, _E.SIGN_OFF): _S.REVIEWED,
    (_S.REVIEWED, _E.COMMENT): _S.REVIEWED,
    (_S.REVIEWED, _E.REOPEN): _S.DRAFT,
}
"""Every move there is; a pair that is absent is refused. What is reviewed is changed only after it was reopened."""

_DEEDS: Mapping[PostmortemEvent, str] = {
    _E.EDIT: "be edited",
    _E.COMMENT: "be commented on",
    _E.LESSON: "get a lesson",
    _E.SIGN: "be signed off",
    _E.SIGN_OFF: "be signed off",
    _E.REOPEN: "be reopened",
}
_CHANGES_TEXT = frozenset({_E.EDIT, _E.LESSON, _E.REOPEN})
_REFUSALS: Mapping[PostmortemState, tuple[str, str]] = {
    _S.DUE: ("nobody has written into it yet", "write what was learned first"),
    _S.DRAFT: ("it is not reviewed yet", "just go on"),
    _S.REVIEWED: ("what was signed off stays as it is", "reopen it first, with a reason"),
}


class Section(StrEnum):
    """The parts of a postmortem, in their order. People may write into each."""

    SUMMARY = "summary"
    IMPACT = "impact"
    TIMELINE = "timeline"
    RESPONSE = "response"
    CONDITIONS = "conditions"
    WELL = "well"
    LUCK = "luck"
    LESSONS = "lessons"
    ACTIONS = "actions"
    GLOSSARY = "glossary"


TITLES: Mapping[Section, str] = {
    Section.SUMMARY: "Summary",
    Section.IMPACT: "Impact",
    Section.TIMELINE: "Timeline",
    Section.RESPONSE: "Detection and response",
    Section.CONDITIONS: "Contributing conditions",
    Section.WELL: "What went well",
    Section.LUCK: "Where luck helped",
    Section.LESSONS: "Lessons",
    Section.ACTIONS: "Action items",
    Section.GLOSSARY: "Glossary",
}


@dataclass(frozen=True)
class Postmortem:
    """The account of one incident. One row each; the words stand beside it."""

    incident_id: str
    service: str
    opened_at: datetime
    state: PostmortemState = PostmortemState.DUE
    owner: str | None = None
    """Who is reminded."""
    due_at: datetime | None = None
    """None: somebody began it although none was asked for."""
    remind_at: datetime | None = None
    """When somebody is to be reminded next; None: nobody."""
    reminders: int = 0
    """Sent since it is overdue."""
    revision: int = 1
    """Of its words; signatures count for the revision that they were given for."""
    reviewed_at: datetime | None = None

    @property
    def is_reviewed(self) -> bool:
        """Signed off as it stands."""
        return self.state is PostmortemState.REVIEWED

    def is_overdue(self, now: datetime) -> bool:
        """Not reviewed and past its time."""
        return not self.is_reviewed and self.due_at is not None and self.due_at <= now

    def allows(self, event: PostmortemEvent) -> bool:
        """Whether the event may happen now."""
        return (self.state, event) in POSTMORTEM_MOVES

    def moved(self, event: PostmortemEvent, now: datetime) -> Self:
        """The postmortem after the event; raises Refused where the table has no such move."""
        target = POSTMORTEM_MOVES.get((self.state, event))
        if target is None:
            why, following = _REFUSALS[self.state]
            what = f"The postmortem of {self.incident_id} is {self.state}: it cannot {_DEEDS[event]}"
            raise Refused(what, why=why, next=following)
        revision = self.revision + (1 if event in _CHANGES_TEXT else 0)
        moved = replace(self, state=target, revision=revision)
        if target is PostmortemState.REVIEWED and not self.is_reviewed:
            return replace(moved, reviewed_at=now, remind_at=None)
        if event is PostmortemEvent.REOPEN:
            again = first_reminder(self.due_at, now) if self.due_at else None
            return replace(moved, reviewed_at=None, remind_at=again, reminders=0)
        return moved

    def asked_for(self, due_at: datetime, now: datetime, owner: str | None) -> Self:
        """The postmortem once it is due by the policy, also where somebody had begun it before."""
        remind_at = None if self.is_reviewed else first_reminder(due_at, now)
        return replace(self, due_at=due_at, remind_at=remind_at, owner=self.owner or owner)

    def reminded(self, now: datetime, pause: timedelta) -> Self:
        """After a reminder: the next is when it is due, then after each pause until it is reviewed."""
        is_late = self.is_overdue(now)
        next_at = self.due_at if self.due_at is not None and not is_late else now + pause
        return replace(self, remind_at=next_at, reminders=self.reminders + (1 if is_late else 0))

    def silent(self) -> Self:
        """Nobody is to be reminded of it any more."""
        return replace(self, remind_at=None)


def first_reminder(due_at: datetime, now: datetime) -> datetime:
    """A day ahead; half-way where there is less time than two days; now where it is overdue."""
    return max(now, due_at - min(AHEAD, (due_at - now) / 2))


@dataclass(frozen=True)
class SectionText:
    """What somebody wrote into a section. The newest counts, none is ever changed; empty takes what was there away."""

    incident_id: str
    section: Section
    revision: int
    """Of the postmortem, that this text made."""
    text: str
    by: str
    at: datetime


@dataclass(frozen=True)
class PostmortemComment:
    """What somebody said about it, or about one section."""

    id: str
    incident_id: str
    at: datetime
    by: str
    text: str
    section: Section | None = None


class ChangeVerdict(StrEnum):
    """What became of a proposed change when it was looked at."""

    NONE = "none"
    """The lesson proposes none."""
    VALID = "valid"
    """It applies to what is in force, and the result passes the check."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Lesson:
    """What was learned, and the change of a policy or a playbook that follows from it."""

    id: str
    incident_id: str
    at: datetime
    by: str
    text: str
    diff: str = ""
    """Unified, exactly as it was given."""
    verdict: ChangeVerdict = ChangeVerdict.NONE
    faults: tuple[str, ...] = ()
    """Why it was refused: each with file and line where there is one."""
    base: tuple[str, ...] = ()
    """`policy/fraud-model 1a2b…`: the files that it was held against, each with its digest."""
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """It was not taken back."""
        return self.withdrawn_at is None


@dataclass(frozen=True)
class SignOff:
    """One role's signature, for the words of one revision."""

    incident_id: str
    role: str
    revision: int
    by: str
    at: datetime


def newest_texts(texts: Iterable[SectionText]) -> dict[Section, SectionText]:
    """What counts of each section now, in the order of the sections; `texts` are oldest first."""
    found = {one.section: one for one in texts}
    return {section: found[section] for section in Section if section in found and found[section].text}


def standing_signatures(postmortem: Postmortem, signatures: Sequence[SignOff]) -> dict[str, SignOff]:
    """By role, those given for the words as they are now."""
    return {one.role: one for one in signatures if one.revision == postmortem.revision}


def authors(texts: Iterable[SectionText], lessons: Iterable[Lesson]) -> tuple[str, ...]:
    """Everybody who has written into it, first come first."""
    return tuple(dict.fromkeys([*(one.by for one in texts), *(one.by for one in lessons)]))
