"""When an audience is not to be disturbed, and how often it may be: the next moment at which a notice may go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.errors import BadInput

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class QuietHours:
    """Every day from `start` to `end` by the clocks of `zone`, over midnight where `end` is the earlier one.

    One night is one stretch, also when the clocks are changed in it: from the first time that they show the beginning
    to the last time that they show the end. A time that they skip counts as the moment at which they skip it.
    """

    start: time
    end: time
    zone: ZoneInfo

    def ends(self, now: datetime) -> datetime | None:
        """When the stretch around `now` (aware) is over, in UTC; None where `now` is in none. Its end is outside."""
        today = now.astimezone(self.zone).date()
        # A stretch that began yesterday may still go on, and by a change of clocks today's may begin a day off.
        for day in (today - _DAY, today, today + _DAY):
            starts, ends = self._stretch(day)
            if starts <= now < ends:
                return self.ends(ends) or ends  # where a whole night was skipped, the next one begins there
        return None

    def _stretch(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.start < self.end else day + _DAY
        return self._instant(day, self.start, is_last=False), self._instant(last, self.end, is_last=True)

    def _instant(self, day: date, clock: time, *, is_last: bool) -> datetime:
        """The first or last moment at which the clocks show this time, or at which they skip it, in UTC."""
        first = datetime.combine(day, clock, self.zone).astimezone(UTC)
        second = datetime.combine(day, clock.replace(fold=1), self.zone).astimezone(UTC)
        if first <= second:
            return second if is_last else first
        return self._change(second, first)

    def _change(self, before: datetime, after: datetime) -> datetime:
        """The moment between the two at which the clocks are put on, to the second."""
        offset = before.astimezone(self.zone).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            if middle.astimezone(self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after.replace(microsecond=0)


def parse_quiet_hours(text: str, zone: ZoneInfo) -> QuietHours:
    """`22:00-07:00`; BadInput on anything else, and where both times are the same."""
    found = _FORM.fullmatch(text)
    if not found:
        raise BadInput(f"{text[:40]!r} is no quiet time", next='write it like "22:00-07:00"')
    start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if start == end:
        raise BadInput(f"{text!r} begins and ends at the same time", next="leave it out, or write two times")
    return QuietHours(start, end, zone)


def next_in_rate(now: datetime, sent: Sequence[datetime], max_per_hour: int) -> datetime:
    """The earliest moment at which one more makes no hour with more than `max_per_hour`; `sent` in any order."""
    recent = sorted(at for at in sent if at > now - _HOUR)
    if len(recent) < max_per_hour:
        return now
    return max(now, recent[-max_per_hour] + _HOUR)


def next_moment(
    now: datetime,
    *,
    quiet: QuietHours | None = None,
    sent: Sequence[datetime] = (),
    max_per_hour: int | None = None,
) -> datetime:
    """The earliest moment from `now` on that an audience's quiet hours and its rate both allow."""
    at = now if max_per_hour is None else next_in_rate(now, sent, max_per_hour)
    # Waiting for the end of the quiet hours only makes room, so it is enough to look at them last.
    return at if quiet is None else quiet.ends(at) or at
