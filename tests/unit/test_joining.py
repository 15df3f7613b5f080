"""Halves become pairs within their windows, in the order their keys were first seen, however the lines are cut."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.evidence.joining import Counts, Joiner, Labelled, Windows
from bot.evidence.joining_state import from_bytes, to_bytes
from bot.evidence.key_memory import KeyMemory, key_hash
from bot.evidence.observation_columns import Observations
from bot.evidence.observations import parse_lines
from bot.statistics.pairs import Pairs

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def batch(*lines: dict[str, Any]) -> Observations:
    if not lines:
        return Observations()
    return parse_lines("\n".join(json.dumps(line) for line in lines).encode(), unit="session")


def whole(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "incumbent": "cat", "candidate": "dog", **more}


def first(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "incumbent": "cat", **more}


def second(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "candidate": "dog", **more}


def counted(joiner: Joiner) -> dict[str, int]:
    """What was counted, but for the lines, and without what is 0."""
    return {name: count for name, count in asdict(joiner.counts).items() if count and name != "lines"}


def test_a_line_with_both_sides_is_a_pair_at_once() -> None:
    joiner = Joiner()
    pairs = joiner.fold(
        batch(whole("a", incumbent_ms=5, candidate_ms=7.5, label="dog", slice="de", session="s"), whole("b")), NOW
    )
    assert list(pairs.keys) == ["a", "b"]
    assert (list(pairs.incumbent), list(pairs.candidate)) == (["cat", "cat"], ["dog", "dog"])
    assert pairs.incumbent_ms[0] == 5.0
    assert pairs.candidate_ms[0] == 7.5
    assert str(pairs.incumbent_ms[1]) == "nan"
    assert (list(pairs.labels), list(pairs.slices), list(pairs.units)) == (["dog", None], ["de", ""], ["s", ""])
    assert list(pairs.seen) == [NOW.timestamp()] * 2
    assert counted(joiner) == {"pairs": 2}


def test_halves_of_two_batches_meet_whichever_comes_first() -> None:
    joiner = Joiner()
    assert len(joiner.fold(batch(first("a"), second("b", slice="de")), NOW)) == 0
    pairs = joiner.fold(batch(first("b", candidate_ms=3), second("a", candidate_ms=9)), NOW + MINUTE)
    assert list(pairs.keys) == ["a", "b"]
    assert list(pairs.slices) == ["", "de"]
    assert list(pairs.seen) == [NOW.timestamp()] * 2
    assert pairs.candidate_ms[0] == 9.0


def test_pairs_leave_in_the_order_their_keys_were_first_seen() -> None:
    joiner = Joiner()
    assert len(joiner.fold(batch(first("slow"), whole("quick"), whole("quicker")), NOW)) == 0
    assert list(joiner.fold(batch(whole("last"), second("slow")), NOW + MINUTE).keys) == [
        "slow",
        "quick",
        "quicker",
        "last",
    ]


def test_a_half_whose_grace_is_over_is_missing_and_lets_go_of_those_behind_it() -> None:
    joiner = Joiner(Windows(grace=10 * MINUTE))
    joiner.fold(batch(first("lost"), whole("behind")), NOW)
    assert len(joiner.expire(NOW + 9 * MINUTE)) == 0
    assert list(joiner.expire(NOW + 10 * MINUTE).keys) == ["behind"]
    assert counted(joiner) == {"pairs": 1, "missing_candidate": 1}


def test_a_half_after_its_window_is_late_once_and_then_a_duplicate() -> None:
    joiner = Joiner()
    joiner.fold(batch(first("a"), second("b")), NOW)
    pairs = joiner.fold(batch(second("a"), first("b"), second("a")), NOW + 11 * MINUTE)
    assert len(pairs) == 0
    assert counted(joiner) == {
        "missing_candidate": 1,
        "missing_incumbent": 1,
        "late_candidate": 1,
        "late_incumbent": 1,
        "duplicates": 1,
    }


def test_the_first_of_two_wins_before_and_after_the_pair_is_whole() -> None:
    joiner = Joiner()
    joiner.fold(batch(first("a"), {"key": "a", "incumbent": "other"}), NOW)
    pairs = joiner.fold(batch(second("a"), second("a"), whole("a"), whole("b"), whole("b")), NOW)
    assert list(pairs.incumbent) == ["cat", "cat"]
    assert counted(joiner) == {"pairs": 2, "duplicates": 4}


def test_a_duplicate_outside_the_stated_window_is_not_found() -> None:
    joiner = Joiner(Windows(remembered=10))
    joiner.fold(batch(*(whole(f"k{number}") for number in range(11))), NOW)
    assert len(joiner.fold(batch(whole("k1")), NOW)) == 0
    assert len(joiner.fold(batch(whole("k0")), NOW)) == 1
    assert joiner.counts.duplicates == 1


def test_too_many_that_wait_push_out_the_oldest() -> None:
    joiner = Joiner(Windows(most_waiting=2))
    pairs = joiner.fold(batch(first("a"), first("b"), first("c"), second("b")), NOW)
    assert list(pairs.keys) == ["b"]
    assert counted(joiner) == {"pairs": 1, "missing_candidate": 1, "pushed_out": 1}
    assert list(joiner.waiting) == ["c"]


def test_an_error_is_an_answer_that_failed_and_not_a_missing_one() -> None:
    pairs = Joiner().fold(batch(first("a", error="timeout"), whole("b", error={"incumbent": "HTTP 500"})), NOW)
    assert list(pairs.candidate_failed) == [True, False]
    assert list(pairs.incumbent_failed) == [False, True]
    assert (list(pairs.incumbent), list(pairs.candidate)) == (["cat", None], [None, "dog"])


def test_a_label_joins_its_pair_before_with_or_after_it() -> None:
    joiner = Joiner()
    joiner.fold(batch(first("early"), {"key": "early", "label": "cat"}, whole("late"), whole("never")), NOW)
    pairs = joiner.fold(batch(second("early"), {"key": "nobody", "label": 1}), NOW)
    assert list(pairs.labels) == ["cat", None, None]
    joiner.fold(batch({"key": "late", "label": "dog"}, {"key": "early", "label": "dog"}), NOW + MINUTE)
    assert joiner.labelled == [Labelled("late", "cat", "dog", "dog")]
    assert counted(joiner) == {"pairs": 3, "labelled": 1, "labels_unmatched": 2}


def test_a_pair_that_is_sent_again_with_its_label_is_a_duplicate_whose_label_counts() -> None:
    joiner = Joiner()
    joiner.fold(batch(whole("a")), NOW)
    joiner.fold(batch(whole("a", label="dog")), NOW)
    assert joiner.labelled == [Labelled("a", "cat", "dog", "dog")]
    assert counted(joiner) == {"pairs": 1, "duplicates": 1, "labelled": 1}


def test_labels_are_waited_for_only_as_long_and_for_as_many_as_stated() -> None:
    joiner = Joiner(Windows(labels=timedelta(hours=1), most_unlabelled=2))
    joiner.fold(batch(whole("a"), whole("b"), whole("c")), NOW)
    joiner.fold(batch({"key": "a", "label": 1}, {"key": "b", "label": 1}), NOW)
    joiner.fold(batch({"key": "c", "label": 1}), NOW + timedelta(hours=1))
    assert counted(joiner) == {"pairs": 3, "labelled": 1, "labels_unmatched": 2}


def test_a_clock_that_goes_back_lets_nothing_live_longer() -> None:
    joiner = Joiner()
    joiner.expire(NOW)
    joiner.fold(batch(first("a")), NOW - timedelta(hours=1))
    joiner.expire(NOW + 10 * MINUTE)
    assert counted(joiner) == {"missing_candidate": 1}


def test_lines_from_the_future_are_counted() -> None:
    joiner = Joiner()
    ahead = NOW.timestamp() + 301
    joiner.fold(batch(whole("a", at=ahead), whole("b", at=ahead - 2), whole("c", at=0), whole("d")), NOW)
    assert counted(joiner) == {"pairs": 4, "clocks_ahead": 1}


def test_windows_of_nothing_are_refused() -> None:
    with pytest.raises(BadInput):
        Windows(grace=timedelta(0))
    with pytest.raises(BadInput):
        Windows(remembered=0)


@pytest.mark.parametrize("raw", [b"", b"ANDJ", b"ANDJ\x02\x00\x00\x00\x00\x00", b"x" * 100, to_bytes(Joiner())[:-4]])
def test_a_state_of_another_making_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput):
        from_bytes(raw)


def test_the_state_of_full_windows_is_small() -> None:
    joiner = Joiner(Windows(most_unlabelled=0))
    joiner.fold(batch(*(whole(f"request-{number:032}") for number in range(20_000))), NOW)
    assert len(to_bytes(joiner)) < 20_000 * 8 + 500


def test_hashes_are_the_same_in_every_process() -> None:
    assert key_hash("request-1") == 1809884970305396862
    assert key_hash("é") != key_hash("e")


def test_a_memory_that_was_made_smaller_keeps_the_newest() -> None:
    memory = KeyMemory(5)
    memory.note_pairs(range(5))
    smaller = KeyMemory.from_bytes(memory.to_bytes(), 2)
    assert [smaller.fate(one) is not None for one in range(5)] == [False, False, False, True, True]


# The same, however it is cut.

KEYS = st.sampled_from([f"k{number}" for number in range(8)])
LINE = st.builds(
    lambda key, sides, label, failed: {"key": key, **sides, **label, **failed},
    KEYS,
    st.sampled_from([{"incumbent": 1}, {"candidate": 2}, {"incumbent": 3, "candidate": 4}]),
    st.sampled_from([{}, {}, {"label": 1}]),
    st.sampled_from([{}, {}, {"error": "timeout"}]),
) | st.builds(lambda key: {"key": key, "label": 5}, KEYS)
ARRIVALS = st.lists(st.tuples(st.integers(0, 4), LINE), max_size=40)
SMALL = Windows(grace=3 * MINUTE, most_waiting=3, remembered=4, labels=6 * MINUTE, most_unlabelled=2)


def folded(arrivals: list[tuple[datetime, dict[str, Any]]], cuts: set[int], windows: Windows) -> tuple[Any, ...]:
    """All that comes out: the state is written and read between folds, which end where the clock moves or a cut is."""
    joiner, out, labelled = Joiner(windows), [], []
    held: list[dict[str, Any]] = []
    for at, (now, line) in enumerate(arrivals):
        held.append(line)
        if at + 1 == len(arrivals) or arrivals[at + 1][0] != now or at in cuts:
            out += rows(joiner.fold(batch(*held), now))
            labelled += joiner.labelled
            joiner = from_bytes(to_bytes(joiner), windows)
            held = []
    out += rows(joiner.expire(NOW + timedelta(days=1)))
    return out, labelled, joiner.counts, to_bytes(joiner)


def rows(pairs: Pairs) -> list[tuple[Any, ...]]:
    labels = pairs.labels or [None] * len(pairs)
    failed = pairs.candidate_failed.tolist()
    return list(zip(pairs.keys, pairs.incumbent, pairs.candidate, failed, labels, pairs.seen, strict=True))


@given(ARRIVALS, st.sets(st.integers(0, 40)), st.sampled_from([SMALL, Windows()]))
def test_the_result_is_the_same_however_the_lines_are_cut_into_batches(
    steps: list[tuple[int, dict[str, Any]]], cuts: set[int], windows: Windows
) -> None:
    arrivals, now = [], NOW
    for minutes, line in steps:
        now += minutes // 3 * MINUTE
        arrivals.append((now, line))
    as_one = folded(arrivals, set(), windows)
    assert folded(arrivals, cuts, windows) == as_one
    assert folded(arrivals, set(range(len(arrivals))), windows) == as_one
    counts: Counts = as_one[2]
    assert counts.lines == len(arrivals)
    assert counts.pairs == len(as_one[0])
