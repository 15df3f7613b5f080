"""The shapes of a postmortem as the API and `--json` show it."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from bot.flow.shapes import Time


class HintView(TypedDict):
    """A place in a text that could be put better."""

    said: str
    why: str
    better: str
    swap: str
    """What can take its place as it stands; empty where only the writer can say it better."""


class SectionView(TypedDict):
    """One section, with what people wrote into it; `text` is empty where only the record speaks."""

    name: str
    title: str
    text: str
    by: str | None
    at: Time | None
    revision: int
    """Give it as `seen` with the next text; 0 where nobody has written."""
    hints: list[HintView]


class CommentView(TypedDict):
    """What somebody said about it."""

    id: str
    at: Time
    by: str
    text: str
    section: str | None
    hints: list[HintView]


class LessonView(TypedDict):
    """What was learned, with the change that is proposed."""

    id: str
    at: Time
    by: str
    text: str
    diff: str
    verdict: str
    """Of the change: `none`, `valid` (it applies and passes the check) or `refused`."""
    faults: list[str]
    base: list[str]
    """The files in force that it was held against, each with its digest."""
    withdrawn_by: str | None
    withdrawn_at: Time | None
    hints: list[HintView]


class SignOffView(TypedDict):
    """One role's signature. It counts where it was given for the words as they are."""

    role: str
    by: str
    at: Time
    revision: int
    counts: bool


class PostmortemLine(TypedDict):
    """One line of a list of postmortems."""

    incident_id: str
    service: str
    state: str
    """`due`, `draft`, `reviewed`; empty where nobody began one and none is due."""
    owner: str | None
    due_at: Time | None
    overdue: bool
    revision: int
    reviewed_at: Time | None


class PostmortemView(PostmortemLine):
    """The account of one incident."""

    severity: str
    title: str
    sections: list[SectionView]
    comments: list[CommentView]
    lessons: list[LessonView]
    sign_offs: list[SignOffView]
    missing: list[str]
    """Roles that have not signed the words as they are."""
    draft: dict[str, Any]
    """What the record says, as the template reads it. People appear in it by their roles."""


class Postmortems(TypedDict):
    items: list[PostmortemLine]
    next: str | None
