"""The arithmetic of the measures: months, nearest rank, sums of any grouping, and the drawings."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.measures import percent, said
from bot.domain.errors import BadInput
from bot.domain.measures import Measured, Sums, Tally, nearest_rank, share
from bot.domain.months import MOST_MONTHS, Month, Period
from bot.web.measure_plots import Bar, bar_plot

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TIMES = st.lists(st.integers(0, 10**13), max_size=40)


@given(MOMENTS)
def test_a_moment_is_in_its_month(moment: datetime) -> None:
    month = Month.of(moment)
    assert month.start <= moment < month.plus(1).start
    assert Month.read(str(month)) == month


@given(st.integers(1970, 2200), st.integers(1, 12), st.integers(-1000, 1000))
def test_months_are_counted_over_the_years(year: int, number: int, months: int) -> None:
    month = Month(year, number)
    assert month.plus(months).plus(-months) == month
    assert (month.plus(1) > month) is True
    assert month.plus(12) == Month(year + 1, number)


def test_a_month_is_that_of_utc() -> None:
    assert Month.of(datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))) == Month(2026, 2)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-00", "2026-13", "2026-1", "2026-01-01", "0001-01", "9999-12", "２０２６-01"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no month"):
        Month.read(text)


def test_a_period_is_the_last_six_months_unless_said_otherwise() -> None:
    assert Period.read(None, None, NOW).months == tuple(Month(2026, number) for number in range(6, 12))
    assert Period.read("2026-01", None, NOW) == Period(Month(2026, 1), Month(2026, 11))
    assert Period.read(None, "2026-02", NOW) == Period(Month(2025, 9), Month(2026, 2))
    assert Period.read("2026-11", "2026-12", NOW).end == datetime(2027, 1, 1, tzinfo=UTC)
    longest = Period.read(str(Month(2026, 11).plus(1 - MOST_MONTHS)), None, NOW)
    assert len(longest.months) == MOST_MONTHS


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[int], percent_: int) -> None:
    ordered = sorted(values)
    found = nearest_rank(ordered, percent_)
    assert 100 * sum(one <= found for one in ordered) >= percent_ * len(ordered)
    assert all(100 * sum(one <= less for one in ordered) < percent_ * len(ordered) for less in ordered if less < found)


@pytest.mark.parametrize(("values", "percent_"), [([], 50), ([1], 0), ([1], 101)])
def test_no_values_have_no_percentile(values: list[int], percent_: int) -> None:
    with pytest.raises(ValueError, match="percentile"):
        nearest_rank(values, percent_)


@given(st.lists(st.tuples(st.sampled_from("abc"), TIMES, st.integers(0, 3)), max_size=12))
def test_groups_give_what_all_their_times_together_give(groups: list[tuple[str, list[int], int]]) -> None:
    tallies = [
        Tally("s", "2026-01", Measured.ROLLBACK, key, len(times) + unknown, sorted(times))
        for key, times, unknown in groups
    ]
    every = sorted(one for _, times, _ in groups for one in times)
    found = Sums(tallies).spread(Measured.ROLLBACK)
    assert (found.count, found.unknown) == (len(every), sum(unknown for _, _, unknown in groups))
    expected = [timedelta(microseconds=nearest_rank(every, one)) if every else None for one in (50, 90)]
    assert [found.median, found.p90] == expected
    assert Sums(tallies).count(Measured.ROLLBACK) == sum(Sums(tallies).counts(Measured.ROLLBACK).values())
    assert Sums(tallies).count(Measured.HALT) == 0


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(0, 0) is None
    assert share(0, 4) == 0.0
    assert percent(share(1, 3)) == "33.3 %"
    assert percent(None) == said(None) == "unknown"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0s"), (0.1234, "0.123s"), (59.5, "59.5s"), (60, "1m"), (272.9, "4m32s"), (7200, "2h"), (97_200, "1d3h")],
)
def test_times_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert said(seconds) == words


@given(
    st.lists(st.tuples(st.none() | st.floats(0, 1e9), st.none() | st.floats(0, 1e9)), min_size=1, max_size=MOST_MONTHS),
    st.text(),
)
def test_a_drawing_stays_inside_its_frame_whatever_it_shows(
    values: list[tuple[float | None, float | None]], text: str
) -> None:
    bars = [Bar(str(Month(2024, 1).plus(number)), *one) for number, one in enumerate(values)]
    text = "".join(one for one in text if one.isprintable())
    drawn = bar_plot(bars, id="x", title=f"<{text}>", words=text, spoken=lambda one: f"{one:.2g}")
    if all(one is None for pair in values for one in pair):
        assert drawn is None
        return
    assert drawn is not None
    svg = ET.fromstring(drawn)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for part in svg.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, wide, high = (float(part.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + wide <= width + 0.1
        assert y >= 0
        assert y + high <= height
    assert svg.findtext("{http://www.w3.org/2000/svg}title") == f"<{text}>"
    labels = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(one is not None and one[:3].isalpha() for one in labels) <= 13
