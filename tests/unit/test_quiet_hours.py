"""Quiet hours by the clocks of the audience, when these are changed too, and the rate of notices."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import BadInput
from bot.domain.quiet_hours import next_in_rate, next_moment, parse_quiet_hours

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def ends(quiet: str, zone: str, now: str) -> datetime | None:
    return parse_quiet_hours(quiet, ZoneInfo(zone)).ends(utc(now))


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "until"),
    [
        # Over midnight, in winter (UTC+1) and in summer (UTC+2)
        ("22:00-07:00", "Europe/Berlin", "2026-01-15T21:00:00+01:00", None),
        ("22:00-07:00", "Europe/Berlin", "2026-01-15T21:59:59+01:00", None),
        ("22:00-07:00", "Europe/Berlin", "2026-01-15T22:00:00+01:00", "2026-01-16T07:00:00+01:00"),
        ("22:00-07:00", "Europe/Berlin", "2026-01-16T03:00:00+01:00", "2026-01-16T07:00:00+01:00"),
        ("22:00-07:00", "Europe/Berlin", "2026-01-16T06:59:59+01:00", "2026-01-16T07:00:00+01:00"),
        ("22:00-07:00", "Europe/Berlin", "2026-01-16T07:00:00+01:00", None),
        ("22:00-07:00", "Europe/Berlin", "2026-07-15T20:30:00+00:00", "2026-07-16T05:00:00+00:00"),
        # Within a day
        ("12:00-13:30", "UTC", "2026-01-15T12:30:00+00:00", "2026-01-15T13:30:00+00:00"),
        ("12:00-13:30", "UTC", "2026-01-15T13:30:00+00:00", None),
        ("00:00-23:59", "UTC", "2026-01-15T23:59:30+00:00", None),
        # Far from UTC, where the date differs
        ("22:00-07:00", "Pacific/Auckland", "2026-06-15T11:00:00+00:00", "2026-06-15T19:00:00+00:00"),
        ("22:00-07:00", "Asia/Kolkata", "2026-06-15T18:00:00+00:00", "2026-06-16T01:30:00+00:00"),
        ("22:00-07:00", "Pacific/Kiritimati", "2026-06-15T09:00:00+00:00", "2026-06-15T17:00:00+00:00"),
        ("22:00-07:00", "Pacific/Niue", "2026-06-15T10:00:00+00:00", "2026-06-15T18:00:00+00:00"),
        # Put on at 02:00 on 29 March 2026: this night has 8 hours
        ("22:00-07:00", "Europe/Berlin", "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("02:30-07:00", "Europe/Berlin", "2026-03-29T01:59:59+01:00", None),
        ("02:30-07:00", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-29T07:00:00+02:00"),
        ("22:00-02:30", "Europe/Berlin", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00"),
        ("22:00-02:30", "Europe/Berlin", "2026-03-29T03:00:00+02:00", None),
        ("02:10-02:50", "Europe/Berlin", "2026-03-29T03:00:00+02:00", None),
        # Put back at 03:00 on 25 October 2026: this night has 10 hours, and 02:30 comes twice
        ("22:00-07:00", "Europe/Berlin", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("22:00-02:30", "Europe/Berlin", "2026-10-25T02:20:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("22:00-02:30", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("22:00-02:30", "Europe/Berlin", "2026-10-25T02:30:00+01:00", None),
        ("02:30-07:00", "Europe/Berlin", "2026-10-25T02:29:59+02:00", None),
        ("02:30-07:00", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-25T07:00:00+01:00"),
        # Half an hour (Lord Howe), and a whole day that was skipped (Apia, 30 December 2011)
        ("22:00-02:15", "Australia/Lord_Howe", "2026-10-04T01:59:00+10:30", "2026-10-04T02:30:00+11:00"),
        ("22:00-07:00", "Pacific/Apia", "2011-12-29T23:00:00-10:00", "2011-12-31T07:00:00+14:00"),
    ],
)  # fmt: skip
def test_quiet_hours_end_when_the_clocks_of_the_audience_say_so(
    quiet: str, zone: str, now: str, until: str | None
) -> None:
    assert ends(quiet, zone, now) == (None if until is None else utc(until))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
def test_at_any_moment_of_two_years_the_clocks_agree(zone: str, rng: random.Random) -> None:
    there = ZoneInfo(zone)
    quiet = parse_quiet_hours("22:00-07:00", there)
    for _ in range(2000):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(2 * 365 * 86400))
        shown = now.astimezone(there)
        until = quiet.ends(now)
        assert (until is not None) == (shown.hour >= 22 or shown.hour < 7)
        if until is not None:
            assert timedelta(0) < until - now <= timedelta(hours=10)
            assert (until.tzinfo, f"{until.astimezone(there):%H:%M:%S}") == (UTC, "07:00:00")
            assert quiet.ends(until) is None
            assert quiet.ends(until - timedelta(seconds=1)) == until


@pytest.mark.parametrize(
    "text", ["", "22-07", "22:00", "24:00-07:00", "22:60-07:00", "22:00-07:00 ", "22:00–07:00", "7:00-8:00"]
)
def test_what_is_no_quiet_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no quiet time"):
        parse_quiet_hours(text, BERLIN)


def test_a_quiet_time_of_no_length_is_refused() -> None:
    with pytest.raises(BadInput, match="same time"):
        parse_quiet_hours("07:00-07:00", BERLIN)


NOW = utc("2026-11-20T14:00:00+00:00")


def ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=number) for number in minutes]


@pytest.mark.parametrize(
    ("sent", "most", "minutes"),
    [
        ((), 1, 0),
        ((59,), 1, 1),
        ((60,), 1, 0),
        ((30, 10), 3, 0),
        ((30, 10), 2, 30),
        ((10, 30), 2, 30),
        ((50, 30, 10), 2, 30),  # more than allowed were sent before the limit was set
        ((120, 90, 61), 1, 0),
        ((-5,), 1, 65),  # recorded by a clock that is ahead
    ],
)
def test_one_more_goes_when_the_hour_has_room(sent: tuple[float, ...], most: int, minutes: float) -> None:
    assert next_in_rate(NOW, ago(*sent), most) == NOW + timedelta(minutes=minutes)


def test_no_hour_ever_has_more_than_is_allowed(rng: random.Random) -> None:
    for most in (1, 3, 7):
        sent: list[datetime] = []
        asked = NOW
        for _ in range(200):
            asked += timedelta(minutes=rng.choice((0, 1, 5, 40)))
            asked = next_in_rate(asked, sent, most)
            sent.append(asked)
        for at in sent:
            assert sum(at - timedelta(hours=1) < other <= at for other in sent) <= most


def test_what_the_rate_puts_into_the_quiet_hours_waits_for_their_end() -> None:
    quiet = parse_quiet_hours("14:30-18:00", ZoneInfo("UTC"))
    assert next_moment(NOW, quiet=quiet) == NOW
    assert next_moment(NOW, sent=ago(20), max_per_hour=1) == utc("2026-11-20T14:40:00+00:00")
    assert next_moment(NOW, quiet=quiet, sent=ago(20), max_per_hour=1) == utc("2026-11-20T18:00:00+00:00")
    assert next_moment(NOW) == NOW
