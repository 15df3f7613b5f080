"""Cron lines come round as crontab(5) of Debian says, in their time zone, on the days when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.schedules import CronSchedules, check_cron
from bot.domain.errors import BadInput

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The day before 2 o'clock becomes 3 in Berlin: 29 March 2026, 01:00 UTC."""
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""The day before 3 o'clock becomes 2 in Berlin: 25 October 2026, 01:00 UTC."""
US_SPRING = datetime(2026, 3, 7, 17, tzinfo=UTC)
"""The day before 2 o'clock becomes 3 in New York: 8 March 2026, 07:00 UTC."""
US_AUTUMN = datetime(2026, 10, 31, 17, tzinfo=UTC)
"""The day before 2 o'clock becomes 1 in New York: 1 November 2026, 06:00 UTC."""


def slots(cron: str, zone: str, after: datetime, count: int) -> list[str]:
    return [f"{one:%m-%d %H:%M}" for one in islice(CronSchedules().slots(cron, zone, after), count)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # 02:30 is in the gap: it comes at its end, 03:00 CEST
        ("30 2 * * *", BERLIN, SPRING, ["03-29 01:00", "03-30 00:30"]),
        # two times in the gap are one
        ("0,30 2 * * *", BERLIN, SPRING, ["03-29 01:00", "03-30 00:00", "03-30 00:30"]),
        # and one in the gap with the one at its end is one
        ("0 2,3 * * *", BERLIN, SPRING, ["03-29 01:00", "03-30 00:00", "03-30 01:00"]),
        # with a star it goes by the time that passes: nothing in the gap
        ("*/30 2 * * *", BERLIN, SPRING, ["03-30 00:00", "03-30 00:30"]),
        ("30 * * * *", BERLIN, datetime(2026, 3, 29, tzinfo=UTC), ["03-29 00:30", "03-29 01:30", "03-29 02:30"]),
        # 02:30 comes twice: the first one counts
        ("30 2 * * *", BERLIN, AUTUMN, ["10-25 00:30", "10-26 01:30"]),
        # also for whoever asks between the two
        ("30 2 * * *", BERLIN, datetime(2026, 10, 25, 1, 15, tzinfo=UTC), ["10-26 01:30"]),
        # with a star it comes in both hours
        ("30 * * * *", BERLIN, datetime(2026, 10, 25, tzinfo=UTC), ["10-25 00:30", "10-25 01:30", "10-25 02:30"]),
        ("*/30 2 * * *", BERLIN, AUTUMN, ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30", "10-26 01:00"]),
        ("30 2 * * *", NEW_YORK, US_SPRING, ["03-08 07:00", "03-09 06:30"]),
        ("30 1 * * *", NEW_YORK, US_AUTUMN, ["11-01 05:30", "11-02 06:30"]),
        ("15 * * * *", NEW_YORK, datetime(2026, 11, 1, 5, tzinfo=UTC), ["11-01 05:15", "11-01 06:15", "11-01 07:15"]),
        # 10:00 stays 10:00 for people
        ("0 10 * * *", BERLIN, SPRING - timedelta(days=1), ["03-28 09:00", "03-29 08:00"]),
        ("0 10 * * *", NEW_YORK, US_AUTUMN - timedelta(days=1), ["10-31 14:00", "11-01 15:00"]),
        ("0 10 * * *", "UTC", SPRING, ["03-29 10:00", "03-30 10:00"]),
    ],
)
def test_clocks_that_change_are_kept_to(cron: str, zone: str, after: datetime, expected: list[str]) -> None:
    assert slots(cron, zone, after, len(expected)) == expected


def test_sunday_is_0_and_7_and_the_thirteenth_or_a_friday_is_either() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        slots("0 0 * * 0", "UTC", start, 3)
        == slots("0 0 * * 7", "UTC", start, 3)
        == slots("0 0 * * SUN", "UTC", start, 3)
    )
    assert slots("0 0 * * 0", "UTC", start, 1) == ["01-04 00:00"]
    assert slots("0 0 13 * 5", "UTC", start, 4) == ["01-02 00:00", "01-09 00:00", "01-13 00:00", "01-16 00:00"]
    assert slots("0 0 */2 * 5", "UTC", start, 2) == ["01-09 00:00", "01-23 00:00"]


def test_a_slot_that_is_now_is_over_and_seconds_do_not_matter() -> None:
    at_ten = datetime(2026, 1, 6, 10, tzinfo=UTC)
    assert slots("0 10 * * 2", "UTC", at_ten, 1) == ["01-13 10:00"]
    assert slots("0 10 * * 2", "UTC", at_ten - timedelta(microseconds=1), 1) == ["01-06 10:00"]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Antarctica/Troll", "Asia/Kathmandu"])
@pytest.mark.parametrize("cron", ["* * * * *", "*/7 * * * *", "5 */3 * * *", "10-20/5 * * * *", "*/15 1-3 * * *"])
def test_with_a_star_every_minute_that_reads_so_on_the_wall_is_a_slot(cron: str, zone: str) -> None:
    for begin in (SPRING, AUTUMN, US_SPRING, US_AUTUMN, datetime(2026, 4, 4, tzinfo=UTC)):
        end = begin + timedelta(days=2)
        found = list(takewhile(lambda one: one <= end, CronSchedules().slots(cron, zone, begin)))  # noqa: B023
        minutes = (begin + timedelta(minutes=count) for count in range(1, 2 * 24 * 60 + 1))
        assert found == [one for one in minutes if _reads(cron, one.astimezone(ZoneInfo(zone)))]


def _reads(cron: str, local: datetime) -> bool:
    """Only for the lines above: minute and hour."""
    wanted = {
        "* * * * *": True,
        "*/7 * * * *": local.minute % 7 == 0,
        "5 */3 * * *": local.minute == 5 and local.hour % 3 == 0,
        "10-20/5 * * * *": local.minute in (10, 15, 20),
        "*/15 1-3 * * *": local.minute % 15 == 0 and local.hour in (1, 2, 3),
    }
    return wanted[cron]


@pytest.mark.parametrize(
    "cron", ["0 0 31 4 *", "0 0 30 2 *", "5-1 * * * *", "*/0 * * * *", "0 0 * * MOON", "0 0 * JANUARY *"]
)
def test_what_never_comes_or_means_nothing_is_refused(cron: str) -> None:
    with pytest.raises(BadInput, match="cron line"):
        check_cron(cron, BERLIN)


def test_a_zone_whose_clocks_change_by_half_an_hour_is_refused_because_slots_would_be_passed_over() -> None:
    with pytest.raises(BadInput, match="less than an hour: write the time in UTC"):
        check_cron("5 */3 * * *", "Australia/Lord_Howe")
    for zone in (BERLIN, NEW_YORK, "UTC", "Antarctica/Troll", "Asia/Kathmandu"):
        check_cron("5 */3 * * *", zone)
