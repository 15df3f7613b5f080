"""What a policy says of releases: stages with their gates, frozen times, and the class for emergencies."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, StrictStr, model_validator

from bot.domain.evidence_sources import EvidenceSource
from bot.domain.fields import Duration, Name, PositiveDuration, Strict
from bot.domain.incidents import Severity
from bot.domain.quiet_hours import parse_quiet_hours
from bot.domain.written_values import quiet_hours, time_zone

CANARY = "canary"
"""The stage in which the candidate answers beside the incumbent, and the gate that reads the comparison."""
DRILL = "drill"
"""The gate that asks whether the way back was rehearsed lately."""
STAGING = "staging"
PRODUCTION = "production"
WATCH = "watch"
EMERGENCY = "emergency"
"""The class of releases for urgent changes, and its one stage."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class GateUse(Strict):
    """One gate of a stage: which kind, how it is called, and parameters that the kind's own model validates."""

    model_config = ConfigDict(extra="allow")

    use: Name
    name: Annotated[StrictStr, Field(min_length=1, max_length=120)] | None = None
    severity: Severity | None = None
    """Of the incident that its failing opens; unset: SEV-3 before traffic is at stake, SEV-2 from the canary on."""

    @property
    def params(self) -> dict[str, Any]:
        """What the gate's kind is given."""
        return dict(self.model_extra or {})


class Advance(StrEnum):
    """How a stage is left once its gates pass: when somebody asks, or by itself."""

    ASKED = "asked"
    AUTOMATIC = "automatic"


class Stage(Strict):
    """One row of a release: its gates, what it does once they pass, and who answers for it."""

    name: Name
    summary: Annotated[StrictStr, Field(max_length=500)] = ""
    gates: tuple[GateUse, ...] = ()
    evidence: tuple[EvidenceSource, ...] = ()
    """What is fetched before the gates are judged; whatever else they read is pushed."""
    do: Name | None = None
    """The playbook that runs once the gates pass, and has to succeed before the release goes on."""
    owner: StrictStr | None = None
    """A role or an id: told when a gate fails or cannot be judged."""
    environment: Name | None = None
    """Where `do` runs and gates look; unset: staging in the stage of that name, else production."""
    advance: Advance = Advance.ASKED
    window: Duration = timedelta(0)
    """The least time that a release stays here."""
    live: bool = False
    """Whoever passes it serves everybody; unset everywhere: the stage `production`, else the last before `watch`."""
    drilled_within: PositiveDuration | None = None
    """A gate besides: each playbook that the rollback criteria name passed its last drill, so long ago at most."""

    @property
    def place(self) -> str:
        """The environment of this stage."""
        return self.environment or (STAGING if self.name == STAGING else PRODUCTION)


def live_stage(stages: tuple[Stage, ...]) -> str | None:
    """The stage that puts the candidate before everybody; None where there are no stages."""
    named = next((one.name for one in stages if one.live), None)
    if named or not stages:
        return named
    if any(one.name == PRODUCTION for one in stages):
        return PRODUCTION
    return next((one.name for one in reversed(stages) if one.name != WATCH), stages[-1].name)


class Window(Strict):
    """Times of the calendar.

    Either `from` and `to` (both days included), or `days` of the week, or `hours` of the day; together all must hold.
    """

    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    days: tuple[Day, ...] = ()
    hours: Annotated[StrictStr, AfterValidator(quiet_hours)] | None = None
    timezone: Annotated[StrictStr, AfterValidator(time_zone)] = "UTC"

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("`from` and `to` go together")
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError(f"it ends on {self.to}, before it begins on {self.from_}")
        if not (self.from_ or self.days or self.hours):
            raise ValueError("say when: `from` and `to`, `days`, or `hours`")
        return self

    def holds(self, now: datetime) -> bool:
        """Whether this moment lies in it."""
        zone = ZoneInfo(self.timezone)
        local = now.astimezone(zone)
        if self.from_ and self.to and not self.from_ <= local.date() <= self.to:
            return False
        if self.days and _DAYS[local.weekday()] not in self.days:
            return False
        return self.hours is None or parse_quiet_hours(self.hours, zone).ends(now) is not None


class Freeze(Window):
    """A time in which nothing is promoted. It never keeps anybody from halting or rolling back."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=120)]


class Emergency(Strict):
    """The class for urgent changes, declared before it is needed: gates of its own, two persons, a retrospective."""

    gates: tuple[GateUse, ...] = Field(min_length=1)
    do: Name | None = None
    role: Name = "rollback_authority"
    """Of the second person, who is not the one who started it."""
    retrospective_within: Annotated[int, Field(ge=1, le=20, strict=True)] = 2
    """Working days."""

    def stages(self) -> tuple[Stage, ...]:
        """Its one stage."""
        return (Stage(name=EMERGENCY, gates=self.gates, do=self.do, live=True),)


def working_days_after(now: datetime, days: int) -> datetime:
    """The end (23:59 UTC) of the day that is so many working days later; Saturdays and Sundays do not count."""
    day = now.date()
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return datetime.combine(day, time(23, 59), tzinfo=now.tzinfo)
