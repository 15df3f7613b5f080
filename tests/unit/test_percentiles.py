"""Percentiles by nearest rank: always a value that was measured."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from bot.domain.percentiles import nearest_rank


@pytest.mark.parametrize(
    ("percent", "expected"), [(5, 15), (30, 20), (40, 20), (50, 35), (95, 50), (100, 50), (0.001, 15)]
)
def test_the_rank_is_the_share_of_the_values_rounded_up(percent: float, expected: float) -> None:
    assert nearest_rank([50, 35, 15, 40, 20], percent) == expected


def test_of_no_values_there_is_none_and_of_one_it_is_that_one() -> None:
    assert nearest_rank([], 50) is None
    assert [nearest_rank([7.5], percent) for percent in (1, 50, 95, 100)] == [7.5] * 4


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_what_is_no_percentage_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="at most 100"):
        nearest_rank([1.0], percent)


def test_no_rounding_moves_the_rank_where_the_share_is_whole() -> None:
    # 0.95 * 20 is 19.000000000000004 in binary and would give the twentieth.
    assert nearest_rank(range(1, 21), 95) == 19
    for count in range(1, 400):
        assert nearest_rank(range(1, 100 * count + 1), 95) == 95 * count


def test_it_is_the_smallest_value_that_so_many_do_not_exceed(rng: Random) -> None:
    for _ in range(300):
        values = [rng.uniform(0, 600) for _ in range(rng.randint(1, 60))]
        percent = rng.randint(1, 100)
        found = nearest_rank(values, percent)
        assert found in values
        assert found is not None
        assert 100 * sum(one <= found for one in values) >= percent * len(values)
        assert 100 * sum(one < found for one in values) < percent * len(values)
        assert nearest_rank(values, 50) == statistics.median_low(values)
