"""What a policy says of postmortems: which incidents get one, until when it is due, and who signs it off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from bot.domain.errors import BadInput
from bot.domain.fields import Name, Strict
from bot.domain.incidents import Severity
from bot.domain.times import format_duration, parse_duration

CHAMPION = "champion"
OFF = "off"
LONGEST = timedelta(days=366)
MOST_WORKING_DAYS = 260
"""A year of them."""

_WORKING_DAYS = re.compile(r"([1-9]\d{0,2}) working days?")
_SATURDAY = 5


@dataclass(frozen=True)
class Due:
    """How long people have: a span of the calendar, or so many working days. Neither: no postmortem is asked for."""

    span: timedelta | None = None
    working_days: int | None = None

    @property
    def is_off(self) -> bool:
        """No postmortem is asked for."""
        return self.span is None and self.working_days is None

    def after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """When it is due, aware UTC; None where it is off. Working days are Monday to Friday in `zone`."""
        if self.working_days is not None:
            return working_days_after(moment, self.working_days, zone)
        return None if self.span is None else moment + self.span

    def __str__(self) -> str:
        if self.working_days is not None:
            return f"{self.working_days} working day{'' if self.working_days == 1 else 's'}"
        return OFF if self.span is None else format_duration(self.span)


def working_days_after(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of the day in `zone`, so many working days later; aware UTC.

    What ends at a weekend counts from its Monday's first minute on. A time that a change of the clocks leaves out is
    the one behind it."""
    local = moment.astimezone(zone)
    day, clock = local.date(), local.time()
    if day.weekday() >= _SATURDAY:
        clock = time(0)
        day += timedelta(days=7 - day.weekday())
    for _ in range(days):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def parse_due(text: str) -> Due:
    """`3d`, `72h`, `5 working days`, `off`; BadInput for anything else, and for what is longer than a year."""
    if text == OFF:
        return Due()
    if match := _WORKING_DAYS.fullmatch(text):
        days = int(match[1])
        if days > MOST_WORKING_DAYS:
            raise BadInput(f"{text!r} is too long", next=f"give {MOST_WORKING_DAYS} working days at most")
        return Due(working_days=days)
    try:
        span = parse_duration(text)
    except BadInput:
        raise BadInput(f"{text!r} is no time until a postmortem", next="write 3d, 5 working days, or off") from None
    if not timedelta(0) < span <= LONGEST:
        raise BadInput(f"{text!r} is not above zero and at most {LONGEST.days}d")
    return Due(span=span)


def _due(value: object) -> Due:
    if isinstance(value, Due):
        return value
    if not isinstance(value, str):
        raise ValueError("write 3d, 5 working days, or off")  # noqa: TRY004 - pydantic reports ValueError only
    try:
        return parse_due(value)
    except BadInput as error:
        raise ValueError(str(error).rstrip(".")) from None


DueTime = Annotated[
    Due,
    BeforeValidator(_due),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["3d", "5 working days", "off"]}),
]


class PostmortemRule(Strict):
    """When an account of an incident is due, by its severity, and which roles sign it off."""

    sev_1: DueTime = Field(default=Due(span=timedelta(days=3)), alias="SEV-1")
    sev_2: DueTime = Field(default=Due(working_days=5), alias="SEV-2")
    sev_3: DueTime = Field(default=Due(), alias="SEV-3")
    sign_off: tuple[Name, ...] = Field(default=(CHAMPION,), min_length=1, max_length=5)
    """Each of these roles signs; the last signature makes it reviewed."""

    @model_validator(mode="before")
    @classmethod
    def _one_role(cls, value: Any) -> Any:
        """`sign_off: champion` is one role."""
        if isinstance(value, dict) and isinstance(value.get("sign_off"), str):
            return {**value, "sign_off": [value["sign_off"]]}
        return value

    def due_of(self, severity: Severity) -> Due:
        """How long people have after an incident of this severity. SEV-4 has none."""
        known = {Severity.SEV_1: self.sev_1, Severity.SEV_2: self.sev_2, Severity.SEV_3: self.sev_3}
        return known.get(severity, Due())
