"""Stages, frozen times and the emergency class: what a policy may say, and when it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.stages import Emergency, Freeze, Stage, live_stage, working_days_after


def freeze(**more: Any) -> Freeze:
    return Freeze.model_validate({"name": "frozen", **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day(year: int) -> datetime:
    """The first moment of a year; moments that are made up carry no zone."""
    return datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None)


YEAR_END = {"from": "2026-12-20", "to": "2027-01-02"}


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        ("2026-12-19T23:59:59+00:00", False),
        ("2026-12-20T00:00:00+00:00", True),
        ("2027-01-02T23:59:59+00:00", True),
        ("2027-01-03T00:00:00+00:00", False),
    ],
)
def test_both_days_of_a_freeze_belong_to_it(moment: str, held: bool) -> None:
    assert freeze(**YEAR_END).holds(at(moment)) is held


@pytest.mark.parametrize(
    ("zone", "begins", "ends"),
    [
        ("UTC", "2026-12-20T00:00:00+00:00", "2027-01-03T00:00:00+00:00"),
        ("Europe/Berlin", "2026-12-19T23:00:00+00:00", "2027-01-02T23:00:00+00:00"),
        ("Pacific/Auckland", "2026-12-19T11:00:00+00:00", "2027-01-02T11:00:00+00:00"),
        ("America/Los_Angeles", "2026-12-20T08:00:00+00:00", "2027-01-03T08:00:00+00:00"),
        ("Asia/Kolkata", "2026-12-19T18:30:00+00:00", "2027-01-02T18:30:00+00:00"),
    ],
)
def test_a_day_is_a_day_of_the_freezes_own_zone(zone: str, begins: str, ends: str) -> None:
    found, blink = freeze(**YEAR_END, timezone=zone), timedelta(microseconds=1)
    assert not found.holds(at(begins) - blink)
    assert found.holds(at(begins))
    assert found.holds(at(ends) - blink)
    assert not found.holds(at(ends))


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        ("2026-11-20T21:59:59+01:00", False),
        ("2026-11-20T22:00:00+01:00", True),
        ("2026-11-20T23:59:59+01:00", True),
        ("2026-11-21T00:00:00+01:00", True),
        ("2026-11-21T05:59:59+01:00", True),
        ("2026-11-21T06:00:00+01:00", False),
        ("2026-11-21T12:00:00+01:00", False),
    ],
)
def test_hours_may_go_over_midnight(moment: str, held: bool) -> None:
    assert freeze(hours="22:00-06:00", timezone="Europe/Berlin").holds(at(moment)) is held


def test_days_and_hours_hold_together_by_the_day_that_it_is() -> None:
    friday_night = freeze(days=["friday"], hours="22:00-06:00")
    assert friday_night.holds(at("2026-11-20T23:00:00+00:00"))
    assert friday_night.holds(at("2026-11-20T01:00:00+00:00")), "the early hours of Friday are hours of Friday"
    assert not friday_night.holds(at("2026-11-21T01:00:00+00:00")), "and those of Saturday are not"
    both = freeze(days=["friday", "saturday"], hours="22:00-06:00")
    assert both.holds(at("2026-11-21T01:00:00+00:00"))


def test_the_day_of_the_week_is_that_of_the_zone() -> None:
    friday = freeze(days=["friday"], timezone="Pacific/Auckland")
    assert friday.holds(at("2026-11-19T12:00:00+00:00")), "it is Friday there already"
    assert not friday.holds(at("2026-11-20T12:00:00+00:00")), "it is Saturday there already"


@given(st.datetimes(_day(2026), _day(2028)), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tokyo"]))
def test_a_freeze_never_depends_on_the_zone_in_which_the_moment_is_told(moment: datetime, zone: str) -> None:
    utc = moment.replace(tzinfo=UTC)
    for one in (freeze(**YEAR_END, timezone=zone), freeze(hours="22:00-06:00", timezone=zone), freeze(days=["sunday"])):
        assert one.holds(utc) == one.holds(utc.astimezone(ZoneInfo("America/New_York")))


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_hours_hold_through_the_night_in_which_clocks_change(night: str) -> None:
    zone, found = ZoneInfo("Europe/Berlin"), freeze(hours="22:00-06:00", timezone="Europe/Berlin")
    start = datetime.combine(date.fromisoformat(night), datetime.min.time(), tzinfo=zone).astimezone(UTC)
    for minutes in range(0, 5 * 60, 10):
        assert found.holds(start + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"from": "2026-12-20"},
        {"to": "2026-12-20"},
        {"from": "2026-12-20", "to": "2026-12-19"},
        {"from": "2026-13-40", "to": "2027-01-01"},
        {"days": ["Friday"]},
        {"days": ["caturday"]},
        {"hours": "25:00-06:00"},
        {"hours": "22-6"},
        {"hours": "22:00-22:00"},
        {"days": ["friday"], "timezone": "Mars/Olympus"},
        {"days": ["friday"], "never": True},
        {"days": ["friday"], "name": ""},
    ],
)
def test_a_freeze_that_says_nothing_or_nonsense_is_no_freeze(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        freeze(**wrong)


@pytest.mark.parametrize(
    ("names", "live"),
    [
        ((), None),
        (("evaluation", "production", "watch"), "production"),
        (("production", "global", "watch"), "production"),
        (("evaluation", "rollout", "watch"), "rollout"),
        (("evaluation", "rollout"), "rollout"),
        (("watch",), "watch"),
        (("only",), "only"),
    ],
)
def test_the_stage_that_goes_live_is_production_or_the_last_before_the_watch(
    names: tuple[str, ...], live: str | None
) -> None:
    assert live_stage(tuple(Stage(name=name) for name in names)) == live


def test_a_stage_that_says_so_goes_live_instead() -> None:
    stages = (Stage(name="production"), Stage(name="everywhere", live=True), Stage(name="watch"))
    assert live_stage(stages) == "everywhere"


@pytest.mark.parametrize(
    ("name", "said", "place"),
    [
        ("staging", None, "staging"),
        ("evaluation", None, "production"),
        ("evaluation", "lab", "lab"),
        ("staging", "x", "x"),
    ],
)
def test_a_stage_is_in_production_unless_it_says_otherwise(name: str, said: str | None, place: str) -> None:
    assert Stage(name=name, environment=said).place == place


def test_an_emergency_is_never_without_gates() -> None:
    with pytest.raises(ValidationError):
        Emergency.model_validate({"gates": []})
    with pytest.raises(ValidationError):
        Emergency.model_validate({})
    declared = Emergency.model_validate({"gates": [{"use": "metric", "metric": "f1", "at_least": 0.7}], "do": "shift"})
    (stage,) = declared.stages()
    assert (stage.name, stage.do, stage.live) == ("emergency", "shift", True)
    assert stage.gates == declared.gates
    assert live_stage((stage,)) == "emergency"


@pytest.mark.parametrize("days", [0, 21, -1, 1.5, "2", True])
def test_a_retrospective_is_due_within_a_few_working_days(days: Any) -> None:
    gates = [{"use": "metric", "metric": "f1", "at_least": 0.7}]
    with pytest.raises(ValidationError):
        Emergency.model_validate({"gates": gates, "retrospective_within": days})


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-18T00:00:00+00:00", 2, "2026-11-20T23:59:00+00:00"),
        ("2026-11-19T23:59:59+00:00", 2, "2026-11-23T23:59:00+00:00"),
        ("2026-11-20T12:00:00+00:00", 1, "2026-11-23T23:59:00+00:00"),
        ("2026-11-20T12:00:00+00:00", 2, "2026-11-24T23:59:00+00:00"),
        ("2026-11-21T12:00:00+00:00", 2, "2026-11-24T23:59:00+00:00"),
        ("2026-11-22T12:00:00+00:00", 2, "2026-11-24T23:59:00+00:00"),
        ("2026-12-31T12:00:00+00:00", 1, "2027-01-01T23:59:00+00:00"),
        ("2028-02-28T12:00:00+00:00", 1, "2028-02-29T23:59:00+00:00"),
    ],
)
def test_saturdays_and_sundays_are_no_working_days(start: str, days: int, due: str) -> None:
    assert working_days_after(at(start), days) == at(due)


@given(st.datetimes(_day(2020), _day(2040)), st.integers(1, 20))
def test_a_working_day_more_is_later_and_never_ends_on_a_weekend(moment: datetime, days: int) -> None:
    now = moment.replace(tzinfo=UTC)
    due = working_days_after(now, days)
    assert due.weekday() < 5
    assert due > working_days_after(now, days - 1)
    assert due - now <= timedelta(days=days + 2 * (days // 5 + 1) + 1)
