"""What each look makes of the watch over a restored state."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.conditions import Truth
from bot.domain.watches import Look, Reading, Watch, WatchState, stable_words

AT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
EVERY, WINDOW = timedelta(seconds=15), timedelta(minutes=2)
HOLDING, FAILING, UNKNOWN = WatchState.HOLDING, WatchState.FAILING, WatchState.UNKNOWN


def reading(truth: Truth, value: float | None = 0.004, query: str = "errors") -> Reading:
    why = "no data: nothing" if truth is Truth.UNKNOWN else ""
    return Reading(query, "value < 0.01", truth, None if truth is Truth.UNKNOWN else value, why)


GOOD, BAD, BLIND = reading(Truth.YES), reading(Truth.NO, 0.5), reading(Truth.UNKNOWN)


def new() -> Watch:
    return Watch("inc-1", "fraud", "production", "run-1", AT, AT, AT, WINDOW.total_seconds())


def look(at: datetime, *readings: Reading, alerts: int = 0) -> Look:
    return Look(at, readings, alerts, WINDOW, EVERY)


def seen(watch: Watch, *steps: Reading, pause: timedelta = EVERY, since: datetime = AT) -> Watch:
    """The watch after a look at each of these, one pause apart."""
    for number, one in enumerate(steps):
        watch = watch.after(look(since + number * pause, one))
    return watch


def test_a_window_is_over_once_as_much_of_it_was_seen_good() -> None:
    assert seen(new(), *[GOOD] * 8).stable_at is None
    watch = seen(new(), *[GOOD] * 9)
    assert (watch.state, watch.held_seconds, watch.stable_at) == (HOLDING, 120.0, AT + 8 * EVERY)
    assert watch.figures == [
        {"query": "errors", "condition": "value < 0.01", "state": "holding", "why": "", "value": 0.004, "low": 0.004,
         "high": 0.004, "samples": 9}
    ]  # fmt: skip
    assert stable_words(watch) == "Stable for 2m: `errors` 0.004 to 0.004"


def test_it_stays_stable_since_the_same_moment() -> None:
    assert seen(new(), *[GOOD] * 20).stable_at == AT + 8 * EVERY


def test_what_nobody_looked_at_is_not_seen_to_be_good() -> None:
    watch = seen(new(), GOOD, GOOD)
    watch = watch.after(look(AT + timedelta(hours=1), GOOD))
    assert watch.held_seconds == 15 + 30
    assert watch.stable_at is None


def test_a_clock_that_is_set_back_takes_nothing_away_and_adds_nothing() -> None:
    watch = seen(new(), GOOD, GOOD)
    assert watch.after(look(AT - timedelta(hours=1), GOOD)).held_seconds == 15


def test_a_break_begins_the_window_anew_with_its_own_figures() -> None:
    watch = seen(new(), *[GOOD] * 9, BAD)
    assert (watch.state, watch.held_seconds, watch.stable_at) == (FAILING, 0.0, None)
    assert watch.problem == "`errors` is 0.5, so `value < 0.01` does not hold"
    watch = seen(watch, GOOD, GOOD, since=AT + 10 * EVERY)
    assert (watch.begun_at, watch.held_seconds, watch.problem) == (AT + 10 * EVERY, 15.0, "")
    assert (watch.figures[0]["high"], watch.figures[0]["samples"]) == (0.004, 2)


def test_no_data_pauses_the_window_and_adds_nothing_on_either_side_of_it() -> None:
    watch = seen(new(), GOOD, GOOD, BLIND, BLIND)
    assert (watch.state, watch.held_seconds, watch.unknowns) == (UNKNOWN, 15.0, 2)
    assert watch.problem == "`errors` is not known: no data: nothing"
    watch = seen(watch, GOOD, GOOD, since=AT + 4 * EVERY)
    assert (watch.state, watch.held_seconds, watch.begun_at) == (HOLDING, 30.0, AT)


def test_one_metric_that_breaks_outweighs_another_that_is_not_known() -> None:
    other = reading(Truth.UNKNOWN, query="latency")
    assert new().after(look(AT, BAD, other)).state is FAILING
    assert new().after(look(AT, GOOD, other)).state is UNKNOWN


def test_news_is_what_differs_from_what_was_told() -> None:
    assert not seen(new(), BLIND, BLIND).is_news
    assert seen(new(), BLIND, BLIND, BLIND).is_news
    watch = seen(new(), BAD)
    assert watch.is_news
    told = Watch(**{**vars(watch), "told": "failing"})
    assert not seen(told, BAD, since=AT + EVERY).is_news
    assert seen(told, GOOD, since=AT + EVERY).told == ""


def test_an_alert_breaks_it_even_while_all_metrics_hold() -> None:
    watch = seen(new(), *[GOOD] * 5).after(look(AT + 5 * EVERY, GOOD, alerts=1))
    assert (watch.state, watch.held_seconds, watch.alerts) == (FAILING, 0.0, 1)
    assert "an alert fired" in watch.problem
    assert watch.after(look(AT + 6 * EVERY, GOOD, alerts=1)).state is HOLDING


def test_without_metrics_time_alone_counts_and_that_is_said() -> None:
    watch = new().after(look(AT + timedelta(seconds=119)))
    assert (watch.state, watch.stable_at) == (HOLDING, None)
    watch = watch.after(look(AT + WINDOW))
    assert watch.stable_at == AT + WINDOW
    assert "time alone counts" in stable_words(watch)
    broken = watch.after(look(AT + WINDOW + EVERY, alerts=1))
    assert broken.stable_at is None
    assert broken.after(look(AT + 2 * WINDOW, alerts=1)).stable_at is None
    assert broken.after(look(AT + 2 * WINDOW + EVERY, alerts=1)).stable_at == AT + 2 * WINDOW + EVERY


def test_a_metric_that_was_changed_begins_its_own_figures() -> None:
    watch = seen(new(), GOOD, GOOD).after(look(AT + 2 * EVERY, reading(Truth.YES, 0.002, "other")))
    assert (watch.figures[0]["query"], watch.figures[0]["samples"], watch.figures[0]["high"]) == ("other", 1, 0.002)


@pytest.mark.parametrize("number", range(20))
def test_whatever_is_seen_it_is_stable_only_after_a_whole_window_without_a_break(
    number: int, rng: random.Random
) -> None:
    watch, at, begun, blind, was_ever_stable = new(), AT, None, timedelta(0), False
    for _ in range(400):
        pause = timedelta(seconds=rng.choice([15, 16, 20, 45, 600]))
        at, one = at + pause, rng.choices([GOOD, BAD, BLIND], [60, 1, 2])[0]
        watch = watch.after(look(at, one))
        if one is BAD:
            begun, blind = None, timedelta(0)
        elif begun is None:
            begun = at if one is GOOD else None
        elif one is BLIND:
            blind += pause
        if watch.stable_at is not None:
            assert one is not BAD
        if watch.stable_at == at:
            was_ever_stable = True
            assert begun is not None
            assert at - begun - blind >= WINDOW
        assert (watch.state is HOLDING) == (one is GOOD)
    assert was_ever_stable, f"walk {number} never came that far"
