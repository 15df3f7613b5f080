"""From two answers to one divergence in [0, 1], for each kind of output; what cannot be compared is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics import columns
from bot.statistics.columns import Refusals
from bot.statistics.rule import ComparisonRule, Output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bot.statistics.pairs import Pairs

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Cells = NDArray[np.int64]
    Column = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True)
class Compared:
    """A batch of pairs as divergences.

    `values` belong to the pairs at `at` (positions in the batch, in order): the compared ones, candidate failures with
    divergence 1 among them. `answered` marks those of them where both sides answered.
    """

    values: Bools | Floats
    at: Cells
    answered: Bools
    missing: int
    """Pairs without an answer of the incumbent."""
    failures: int
    """Pairs in which the candidate alone failed."""
    alone: Bools
    """For each pair that the incumbent answered, whether the candidate failed."""
    refused: dict[str, int]
    incumbent: Column
    """The incumbent's answers where both answered and nothing was refused, as numbers where they are numbers."""
    candidate: Column


def compare(pairs: Pairs, rule: ComparisonRule) -> Compared:
    """All pairs of a batch. BadInput where its columns have different lengths."""
    count = _length(pairs)
    no_incumbent = np.asarray(pairs.incumbent_failed, dtype=np.bool_) | _nones(pairs.incumbent)
    no_candidate = np.asarray(pairs.candidate_failed, dtype=np.bool_) | _nones(pairs.candidate)
    failed = no_candidate & ~no_incumbent
    usable = ~(no_incumbent | no_candidate)
    one, two = _where(pairs.incumbent, usable), _where(pairs.candidate, usable)
    refusals = Refusals.of(int(np.count_nonzero(usable)))
    values, one, two = _divergences(one, two, refusals, rule)
    kept = ~refusals.mask
    if refusals.reasons:
        values, one, two = values[kept], _where(one, kept), _where(two, kept)
    if len(kept) == count and not refusals.reasons:
        at, answered = np.arange(count), np.ones(count, dtype=np.bool_)
    else:
        whole = np.full(count, np.nan)
        whole[failed] = 1.0
        whole[np.flatnonzero(usable)[kept]] = values
        at = np.flatnonzero(~np.isnan(whole))
        answered, values = ~failed[at], whole[at]
    return Compared(
        values, at, answered, int(np.count_nonzero(no_incumbent)), int(np.count_nonzero(failed)),
        failed[~no_incumbent], refusals.reasons, one, two,
    )  # fmt: skip


def _length(pairs: Pairs) -> int:
    count = len(pairs)
    needed = (pairs.incumbent, pairs.candidate, pairs.incumbent_failed, pairs.candidate_failed)
    given = (pairs.incumbent_ms, pairs.candidate_ms, pairs.labels, pairs.slices, pairs.units)
    if any(len(one) != count for one in needed) or any(len(one) not in (0, count) for one in given):
        raise BadInput("The columns of a batch have different lengths", next="send each pair whole")
    return count


def _nones(column: Column) -> Bools:
    if isinstance(column, np.ndarray) and column.dtype.kind != "O":
        return np.zeros(len(column), dtype=np.bool_)
    return np.fromiter((one is None for one in column), dtype=np.bool_, count=len(column))


def _where(column: Column, kept: Bools) -> Column:
    if kept.all():
        return column
    if isinstance(column, np.ndarray):
        return column[kept]
    return [column[at] for at in np.flatnonzero(kept).tolist()]


def _divergences(
    one: Column, two: Column, refusals: Refusals, rule: ComparisonRule
) -> tuple[Bools | Floats, Column, Column]:
    """Divergences of pairs in which both answered, and both columns, as numbers where they are numbers."""
    if rule.output in (Output.SCORES, Output.NUMBERS):
        first, second = columns.numbers(one, refusals), columns.numbers(two, refusals)
        if rule.output is Output.SCORES:
            return _scores(first, second, refusals), first, second
        return _numbers(first, second, rule), first, second
    if rule.output is Output.CLASSES:
        return columns.differences(one, two, refusals, (str, int, bool)), one, two
    if rule.output is Output.TEXT:
        return _text(one, two, refusals, rule.way), one, two
    if rule.output is Output.RANKING:
        measure = _overlap if rule.way == "overlap" else _order
        return columns.per_pair(one, two, refusals, lambda a, b: _ranked(a, b, rule.top, measure)), one, two
    return _vectors(one, two, refusals, rule.way), one, two


def _scores(one: Floats, two: Floats, refusals: Refusals) -> Floats:
    for side in (one, two):
        if len(side) and not (side.min() >= 0 and side.max() <= 1):
            refusals.refuse((side < 0) | (side > 1), columns.OUTSIDE)
    return np.abs(one - two)


def _numbers(one: Floats, two: Floats, rule: ComparisonRule) -> Bools | Floats:
    """`within`: 1 where |c - i| > max(absolute, relative |i|). `graded`: |c - i| / (|c| + |i|) there, 0 elsewhere."""
    half = np.abs(two / 2 - one / 2)
    with np.errstate(over="ignore"):  # a tolerance past the largest float tolerates everything
        beyond = half > np.maximum(rule.absolute / 2, rule.relative * (np.abs(one) / 2))
    if rule.way == "within":
        return beyond
    both = np.abs(one) / 2 + np.abs(two) / 2
    return np.where(beyond, np.minimum(half / np.where(both > 0, both, 1.0), 1.0), 0.0)


def _text(one: Column, two: Column, refusals: Refusals, way: str) -> Bools | Floats:
    differs = columns.differences(one, two, refusals, (str,))
    if way == "exact":
        return differs
    return columns.per_pair(one, two, refusals, _lengths)


def _lengths(one: str, two: str) -> float:
    longer = max(len(one), len(two))
    return 1 - min(len(one), len(two)) / longer if longer else 0.0


def _ranked(one: Any, two: Any, top: int, measure: Any) -> float | str:
    """The first `top` places of two lists; shorter lists must be of one length."""
    if not isinstance(one, list | tuple | np.ndarray) or not isinstance(two, list | tuple | np.ndarray):
        return columns.WRONG_TYPE
    if len(one) != len(two) and min(len(one), len(two)) < top:
        return columns.UNLIKE_LENGTHS
    first, second = list(one)[:top], list(two)[:top]
    if not first:
        return columns.EMPTY
    if not all(isinstance(item, str | int | np.integer | np.str_) for item in (*first, *second)):
        return columns.WRONG_TYPE
    if len(set(first)) < len(first) or len(set(second)) < len(second):
        return columns.REPEATED
    return float(measure(first, second))


def _overlap(one: list[Any], two: list[Any]) -> float:
    return 1 - len(set(one) & set(two)) / len(one)


def _order(one: list[Any], two: list[Any]) -> float:
    """Spearman's footrule of two top-k lists, absent items at place k + 1, over its most (Fagin et al. 2003)."""
    count = len(one)
    first = {item: place for place, item in enumerate(one)}
    second = {item: place for place, item in enumerate(two)}
    moved = sum(abs(first.get(item, count) - second.get(item, count)) for item in first.keys() | second.keys())
    return moved / (count * (count + 1))


def _vectors(one: Column, two: Column, refusals: Refusals, way: str) -> Bools | Floats:
    first, second = columns.vectors(one, refusals), columns.vectors(two, refusals)
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and first.shape == second.shape:
        return _rows(first, second, refusals, way)
    values = np.zeros(len(refusals.mask))
    for at in np.flatnonzero(~refusals.mask).tolist():
        if len(first[at]) != len(second[at]):
            refusals.refuse_one(at, columns.UNLIKE_LENGTHS)
            continue
        inner = Refusals.of(1)
        values[at] = _rows(first[at][None, :], second[at][None, :], inner, way)[0]
        if inner.reasons:
            refusals.refuse_one(at, next(iter(inner.reasons)))
    return values


def _rows(one: Floats, two: Floats, refusals: Refusals, way: str) -> Bools | Floats:
    """`cosine`: (1 - cos)/2. `exact`: any component differs. `length`: 1 - shorter/longer norm."""
    if one.shape[1] == 0:
        refusals.refuse(np.ones(len(one), dtype=np.bool_), columns.EMPTY)
        return np.zeros(len(one))
    if way == "exact":
        return np.asarray((one != two).any(axis=1))
    sizes = [np.abs(side).max(axis=1) for side in (one, two)]
    refusals.refuse((sizes[0] == 0) | (sizes[1] == 0), columns.ZERO_VECTOR)
    scaled = [side / np.where(size > 0, size, 1.0)[:, None] for side, size in zip((one, two), sizes, strict=True)]
    norms = [np.sqrt(np.einsum("ij,ij->i", side, side)) for side in scaled]
    if way == "length":
        logs = [np.log(np.where(size > 0, size * 1.0, 1.0)) + np.log(np.where(norm > 0, norm, 1.0))
                for size, norm in zip(sizes, norms, strict=True)]  # fmt: skip
        return np.asarray(1 - np.exp(-np.abs(logs[0] - logs[1])))
    product = np.einsum("ij,ij->i", *scaled) / np.where(norms[0] * norms[1] > 0, norms[0] * norms[1], 1.0)
    return np.asarray(np.clip((1 - product) / 2, 0.0, 1.0))
