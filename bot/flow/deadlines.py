"""Due dates of what people promise: an exact instant out of RFC 3339 or out of people's words, said back to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.due_dates import read_due, zone_named
from bot.domain.errors import BadInput
from bot.domain.policies import Policy
from bot.domain.times import parse_time, spoken_time
from bot.domain.ways import ENGINEERING

_FURTHEST_AHEAD = timedelta(days=3660)
_FURTHEST_BACK = timedelta(days=366)


@dataclass(frozen=True)
class Deadline:
    """When something is due, as far as it was understood."""

    at: datetime | None
    text: str
    zone: ZoneInfo
    hour_assumed: bool = False

    @property
    def is_unclear(self) -> bool:
        """Something was said, but no instant could be read out of it."""
        return self.at is None and bool(self.text)

    def spoken(self, now: datetime) -> str:
        """A sentence that says it back, so that it can be corrected."""
        if self.at is None:
            return f"When {self.text!r} is was not understood: no date is kept." if self.text else "No date."
        assumed = " (the hour is assumed)" if self.hour_assumed else ""
        over = ", which is over" if self.at <= now else ""
        return f"Due {spoken_time(self.at, self.zone)}{assumed}{over}."


def zone_of(policy: Policy, named: str) -> ZoneInfo:
    """The speaker's time zone, else that of the engineers, else UTC. BadInput where the name is none."""
    if named:
        found = zone_named(named)
        if found is None:
            raise BadInput(f"{named!r} is no time zone", next="write it like Europe/Berlin")
        return found
    engineers = policy.audiences.get(ENGINEERING)
    return zone_named(engineers.timezone if engineers else None) or ZoneInfo("UTC")


def deadline_of(due_at: str | None, due_text: str, zone: ZoneInfo, now: datetime) -> Deadline:
    """From an instant where one is given, else from the words. BadInput for an instant that is none, or far off."""
    if due_at:
        return Deadline(_in_range(parse_time(due_at), now), due_text, zone)
    found = read_due(due_text, now, zone) if due_text else None
    if found is None:
        return Deadline(None, due_text, zone)
    return Deadline(_in_range(found.at.astimezone(UTC), now), due_text, zone, found.hour_assumed)


def moment_of(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """An instant ahead, written as RFC 3339 or in people's words. BadInput where it is neither, or over."""
    try:
        found: datetime | None = parse_time(text)
    except BadInput:
        due = read_due(text, now, zone)
        found = due.at.astimezone(UTC) if due else None
    if found is None:
        raise BadInput(
            f"When {text[:60]!r} is was not understood",
            next="write it like `tomorrow noon`, `by Friday`, `in 2 h` or 2026-12-04T16:00:00Z",
        )
    if found <= now:
        raise BadInput(f"{spoken_time(found, zone)} is over", next="give a time ahead")
    return _in_range(found, now)


def _in_range(moment: datetime, now: datetime) -> datetime:
    if not now - _FURTHEST_BACK <= moment <= now + _FURTHEST_AHEAD:
        raise BadInput(
            f"{moment:%Y-%m-%d} is too far away for a date of an incident",
            next="give one from a year ago to ten years from now",
        )
    return moment
