"""When schedules come round: standard crontab as Debian's cron reads it, in any time zone, by the library cronsim.

Day of month and day of week: either is enough where both are given; where one begins with `*`, both must hold. Sunday
is 0 or 7. Where clocks are put forward, a line that names a minute and an hour in the gap comes at the end of the gap,
once however many of its times lie in it; where they are put back, it comes at the first of the two times. A line with
`*` first in its minutes or hours goes by the time that really passes: nothing in the gap, and twice in the hour that
comes twice. See crontab(5) and cron(8) of Debian.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from bot.domain.errors import BadInput

_SPARE = timedelta(hours=3)
"""How far before a moment is looked: the library gives the first of two equal hours, also to whoever asks in the
second, and no change of clocks is longer."""
_PROBE = datetime(2026, 1, 1, tzinfo=UTC)


class CronSchedules:
    """`bot.ports.Schedules`."""

    def slots(self, cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
        """Aware UTC, ascending, each once, without end; BadInput where the line means nothing or never comes."""
        begin = (after - _SPARE).astimezone(ZoneInfo(timezone))
        latest = after
        try:
            for local in CronSim(cron, begin):
                slot = local.astimezone(UTC)
                if slot > latest:
                    latest = slot
                    yield slot
        except CronSimError as error:
            raise BadInput(f"The cron line {cron!r} cannot be read", why=_said(error)) from error


def check_cron(cron: str, timezone: str) -> None:
    """BadInput where a schedule cannot be read, has no slot in fifty years, or might lose one when clocks change."""
    if _changes_by_half_an_hour(timezone):
        raise BadInput(f"The clocks of {timezone} change by less than an hour", next="write the time in UTC instead")
    if next(CronSchedules().slots(cron, timezone, _PROBE), None) is None:
        raise BadInput(f"The cron line {cron!r} never comes", why="there is no such day")


def _changes_by_half_an_hour(timezone: str) -> bool:
    """Whether the clocks of a zone (of Lord Howe Island alone, today) change by a part of an hour: the library counts
    in whole hours, and would pass over slots on these days."""
    days = [(_PROBE + timedelta(days=day)).astimezone(ZoneInfo(timezone)) for day in range(366)]
    offsets = {one.utcoffset() or timedelta(0) for one in days}
    return any((one - other) % timedelta(hours=1) for one in offsets for other in offsets)


def _said(error: CronSimError) -> str:
    text = str(error)
    return f"{text[:1].lower()}{text[1:]}"
