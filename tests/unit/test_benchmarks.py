"""The arithmetic of the benchmarks and their reports; no figure is ever asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.__main__ import NAMES
from benchmarks.figures import Spread, in_blocks, percentile
from benchmarks.reports import Goal, Report, Table, markdown, spread_table, write, write_index

ROOT = Path(__file__).resolve().parents[2]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile(values, 0.2) == 1.0
    assert percentile(values, 0.21) == 2.0
    assert percentile(values, 0) == 1.0
    assert percentile([7.0], 0.99) == 7.0


def test_the_99th_percentile_of_a_hundred_leaves_one_out() -> None:
    assert percentile([float(number) for number in range(1, 101)], 0.99) == 99.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_not_exceeded_by_its_share_of_the_values(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_its_bounds_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_nothing_measured_has_no_spread() -> None:
    with pytest.raises(ValueError, match="no values"):
        Spread.of_seconds([])


def test_a_spread_is_in_milliseconds() -> None:
    spread = Spread.of_seconds([0.001, 0.003, 0.002])
    assert (spread.count, spread.p50, spread.least, spread.most) == (3, 2.0, 1.0, 3.0)


def test_blocks_make_up_the_whole() -> None:
    assert in_blocks(45, 20) == [20, 20, 5]
    assert in_blocks(40, 20) == [20, 20]


def test_a_goal_knows_which_side_of_its_limit_is_good() -> None:
    assert Goal("ratio", 3.9, 4).is_met
    assert not Goal("ratio", 4.1, 4).is_met
    assert Goal("rate", 1200, 1000, "/s", at_most=False).is_met
    assert not Goal("rate", 800, 1000, "/s", at_most=False).is_met


def test_ratios_in_a_table_are_to_its_floor() -> None:
    table = spread_table("t", [("floor", Spread.of_seconds([0.002])), ("ours", Spread.of_seconds([0.006]))])
    assert [row[-2] for row in table.rows] == [1.0, 3.0]


def test_a_report_says_what_was_missed_where_and_how(tmp_path: Path) -> None:
    report = Report("short", "A title", "How it was done.", seed=7, started_at="2026-01-02T03:04:05+00:00")
    report.goals = [Goal("kept", 1.5, 2), Goal("missed", 2.5, 2)]
    report.tables = [Table("Figures", ("side", "value"), (("a|b", 1),))]
    report.machine = {"processor": "one"}
    page, data = write(report, tmp_path / "made")
    text = page.read_text(encoding="utf-8")
    assert text == markdown(report)
    assert "| kept | 1.5 x | at most 2 x | yes |" in text
    assert "| missed | 2.5 x | at most 2 x | **no** |" in text
    assert "| a\\|b | 1 |" in text
    assert "| processor | one |" in text
    assert "| seed | 7 |" in text
    kept = json.loads(data.read_text(encoding="utf-8"))
    assert [goal["is_met"] for goal in kept["goals"]] == [True, False]
    assert kept["machine"] == {"processor": "one"}


def test_the_index_tells_every_goal_of_every_report(tmp_path: Path) -> None:
    for name, measured in (("first", 1.5), ("second", 2.5)):
        report = Report(name, f"The {name}", "How.", seed=7, started_at="2026-01-02T03:04:05+00:00")
        report.goals, report.machine = [Goal(f"{name} goal", measured, 2)], {"cores": 2}
        write(report, tmp_path)
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert "| first goal | 1.5 x | at most 2 x | yes |" in text
    assert "| second goal | 2.5 x | at most 2 x | **no** |" in text
    assert "[The second](second.md)" in text


def test_every_benchmark_has_a_module_of_its_name() -> None:
    assert [name for name in NAMES if not (ROOT / "benchmarks" / f"{name}.py").is_file()] == []
