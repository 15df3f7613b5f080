"""What an order about a minute may hold: one strict model for each, so that every door is as strict as the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, StrictStr, ValidationError

from bot.domain.errors import BadInput
from bot.domain.events import Command
from bot.domain.fields import Part, PositiveDuration
from bot.domain.report import Link
from bot.domain.strict_json import storable

LONGEST_TEXT = 4000
LONGEST_QUOTE = 500
LONGEST_SNOOZE = timedelta(days=90)

P = TypeVar("P", bound=Part)


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("say it in a few words")
    return storable(value).strip()


def _kept(value: str) -> str:
    return storable(value).strip()


def _cut(value: str) -> str:
    return _kept(value)[:LONGEST_QUOTE]


def _not_too_long(value: timedelta) -> timedelta:
    if value > LONGEST_SNOOZE:
        raise ValueError(f"a reminder is put off by {LONGEST_SNOOZE.days}d at most")
    return value


Text = Annotated[StrictStr, Field(max_length=LONGEST_TEXT), AfterValidator(_said)]
Words = Annotated[StrictStr, Field(max_length=LONGEST_TEXT), AfterValidator(_kept)]
Short = Annotated[StrictStr, Field(max_length=200), AfterValidator(_kept)]
Options = Annotated[tuple[Text, ...], Field(max_length=20, strict=False)]
Snooze = Annotated[PositiveDuration, AfterValidator(_not_too_long)]


class Source(Part):
    """Where it was said, as far as there is such."""

    medium: Short = ""
    channel: Short = ""
    ts: Short = ""
    name: Short = ""
    """Of the file."""
    line: int | None = Field(default=None, ge=1)
    quote: Annotated[StrictStr, Field(max_length=40_000), AfterValidator(_cut)] = ""
    link: Link | None = None

    def as_kept(self) -> dict[str, Any]:
        """Only what is known."""
        return {key: value for key, value in self.model_dump(mode="json").items() if value not in (None, "")}


class Saying(Part):
    """What everything that is recorded has."""

    text: Text
    evidence: Link | None = None
    source: Source = Source()
    source_key: Annotated[StrictStr, Field(min_length=1, max_length=400)] | None = None
    """The same for the same message or line: it is recorded once."""
    certain: bool = True
    """False: it was heard but not said for certain, and is only suggested."""
    why_uncertain: Short = ""


class Dated(Part):
    """A due date as an instant, or in people's words."""

    due_at: Short | None = None
    """RFC 3339."""
    due_text: Short = ""
    zone: Short = ""
    """IANA name of the speaker's time zone."""


class DecideDetails(Saying):
    """A decision: what was decided, out of which options, why, and by whom."""

    options: Options = ()
    choice: Words = ""
    reason: Words = ""
    decider: Short = ""


class ActionDetails(Saying, Dated):
    """Something to be done."""

    owner: Short = ""


class QuestionDetails(Saying, Dated):
    """Something to be answered."""

    owner: Short = ""


class AnswerDetails(Part):
    """An answer to a question."""

    text: Text


class FinishDetails(Part):
    """What came of it, if there is anything to say."""

    text: Words = ""


class SnoozeDetails(Part):
    """Until when nobody is reminded: an RFC 3339 time or people's words, or a span."""

    until: Short = ""
    for_: Snooze | None = Field(default=None, alias="for", strict=False)
    zone: Short = ""


class ReassignDetails(Part):
    """Who does it, or who is to answer, from now on."""

    owner: Annotated[Short, AfterValidator(_said)]


class AmendDetails(Dated):
    """What is said anew; what is left out stays, an empty text or null takes it away."""

    text: Text | None = None
    owner: Short | None = None
    options: Options | None = None
    choice: Words | None = None
    reason: Words | None = None
    evidence: Link | None = None


class NoDetails(Part):
    """Nothing besides the order itself."""


def details_of(command: Command, model: type[P]) -> P:
    """The details of an order; BadInput names what does not fit and what is allowed."""
    try:
        return model.model_validate(dict(command.details))
    except ValidationError as error:
        raise BadInput(
            f"This cannot be recorded ({command.word.replace('_', ' ')})",
            why="; ".join(_faults(error)[:3]),
            next=f"it takes {_allowed(model)}",
        ) from error


def _faults(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part)[:60] for part in one['loc']) or 'details'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _allowed(model: type[Part]) -> str:
    names = [
        f"{field.alias or name}{'' if field.is_required() else ' (optional)'}"
        for name, field in model.model_fields.items()
        if name not in ("source", "source_key", "certain", "why_uncertain", "zone")
    ]
    return ", ".join(names) or "no details"
