"""Columns of hostile answers become numbers, or are refused with a reason; nothing is clipped or guessed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

WRONG_TYPE = "wrong type"
NOT_A_NUMBER = "not a number (NaN)"
INFINITE = "infinite or too large"
OUTSIDE = "outside 0 to 1"
UNLIKE_TYPES = "different types"
UNLIKE_LENGTHS = "different lengths"
EMPTY = "empty"
ZERO_VECTOR = "vector of zeros"
REPEATED = "an item twice in one ranking"
TOO_LONG = "a class of more than 256 characters, or 64 bits"
LONGEST_CLASS = 256


@dataclass
class Refusals:
    """Which pairs of a batch are refused, and why; the first reason of a pair counts."""

    mask: Bools
    reasons: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, count: int) -> Refusals:
        """None yet, for `count` pairs."""
        return cls(np.zeros(count, dtype=np.bool_))

    def refuse(self, which: Bools, reason: str) -> None:
        """Refuse those that are not refused yet."""
        found = int(np.count_nonzero(which & ~self.mask))
        if found:
            self.mask |= which
            self.reasons[reason] = self.reasons.get(reason, 0) + found

    def refuse_one(self, at: int, reason: str) -> None:
        """Refuse one pair."""
        if not self.mask[at]:
            self.mask[at] = True
            self.reasons[reason] = self.reasons.get(reason, 0) + 1


def numbers(column: Sequence[Any] | NDArray[Any], refusals: Refusals) -> Floats:
    """A column as floats: whole and real numbers only, no booleans, no text; 0 stands where one is refused."""
    if isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "fiu":
        values = column.astype(np.float64)
    else:
        values = _listed(list(column), refusals)
    if not np.isfinite(values).all():
        refusals.refuse(np.isnan(values), NOT_A_NUMBER)
        refusals.refuse(np.isinf(values), INFINITE)
        values = np.where(np.isfinite(values), values, 0.0)
    return values


def _listed(column: list[Any], refusals: Refusals) -> Floats:
    if set(map(type, column)) <= {float, int}:
        try:
            return np.array(column, dtype=np.float64)
        except OverflowError:
            pass
    values = np.zeros(len(column))
    for at, one in enumerate(column):
        if isinstance(one, bool | np.bool_) or not isinstance(one, int | float | np.integer | np.floating):
            refusals.refuse_one(at, WRONG_TYPE)
            continue
        try:
            values[at] = float(one)
        except OverflowError:
            refusals.refuse_one(at, INFINITE)
    return values


def differences(
    incumbent: Sequence[Any] | NDArray[Any],
    candidate: Sequence[Any] | NDArray[Any],
    refusals: Refusals,
    allowed: tuple[type, ...],
) -> Bools:
    """Whether two columns of text, whole numbers or booleans differ, pair by pair; types must be alike.

    Where more than text is allowed these are classes, which are kept, and so must be short."""
    longest = LONGEST_CLASS if len(allowed) > 1 else None
    if _plain(incumbent, longest) and _plain(candidate, longest) and incumbent.dtype.kind == candidate.dtype.kind:  # type: ignore[union-attr]
        kind = {"U": str, "i": int, "u": int, "b": bool}[incumbent.dtype.kind]  # type: ignore[union-attr]
        if kind in allowed:
            return np.asarray(incumbent != candidate, dtype=np.bool_)
    one, two = _objects(incumbent), _objects(candidate)
    kinds = set(map(type, one)) | set(map(type, two))
    if len(kinds) > 1 or not kinds <= set(allowed):
        for at, (mine, other) in enumerate(zip(one, two, strict=True)):
            if type(mine) not in allowed or type(other) not in allowed:
                refusals.refuse_one(at, _fault(mine, other))
            elif type(mine) is not type(other):
                refusals.refuse_one(at, UNLIKE_TYPES)
    if longest is not None and not (_are_short(one, kinds) and _are_short(two, kinds)):
        for at, pair in enumerate(zip(one, two, strict=True)):
            if any(_is_long(answer) for answer in pair):
                refusals.refuse_one(at, TOO_LONG)
    return np.fromiter(map(operator.ne, one, two), dtype=np.bool_, count=len(one)) & ~refusals.mask


def _fault(mine: Any, other: Any) -> str:
    is_nan = any(isinstance(one, float) and math.isnan(one) for one in (mine, other))
    return NOT_A_NUMBER if is_nan else WRONG_TYPE


def _plain(column: Any, longest: int | None) -> bool:
    if not (isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "Uiub"):
        return False
    return column.dtype.kind != "U" or longest is None or column.dtype.itemsize <= 4 * longest


def _are_short(column: list[Any], kinds: set[type]) -> bool:
    """Whether all are short, seen quickly where they are of one type."""
    if kinds == {str}:
        return max(map(len, column), default=0) <= LONGEST_CLASS
    if kinds == {int}:
        return max(column, default=0) < 2**63 and min(column, default=0) >= -(2**63)
    return not any(map(_is_long, column))


def _is_long(answer: Any) -> bool:
    if isinstance(answer, str):
        return len(answer) > LONGEST_CLASS
    return isinstance(answer, int) and not -(2**63) <= answer < 2**63


def _objects(column: Any) -> list[Any]:
    found: list[Any] = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return found


def vectors(column: Sequence[Any] | NDArray[Any], refusals: Refusals) -> Sequence[Floats] | Floats:
    """A column of vectors: one array of shape (pairs, length) where all have one length, else an array for each."""
    if not (isinstance(column, np.ndarray) and column.ndim == 2 and column.dtype.kind in "fiu"):
        rows = [_vector(one, at, refusals) for at, one in enumerate(column)]
        if len({len(row) for row in rows}) != 1:
            return rows
        column = np.vstack(rows)
    values = column.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        refusals.refuse(np.asarray(np.isnan(values).any(axis=1)), NOT_A_NUMBER)
        refusals.refuse(np.asarray(np.isinf(values).any(axis=1)), INFINITE)
        values[bad] = 0.0
    return values


def _vector(one: Any, at: int, refusals: Refusals) -> Floats:
    empty: Floats = np.zeros(0)
    if not isinstance(one, list | tuple | np.ndarray):
        refusals.refuse_one(at, WRONG_TYPE)
        return empty
    inner = Refusals.of(len(one))
    values = numbers(one, inner)
    if inner.reasons:
        refusals.refuse_one(at, next(iter(inner.reasons)))
        return empty
    return values


def per_pair(
    one: Sequence[Any] | NDArray[Any],
    two: Sequence[Any] | NDArray[Any],
    refusals: Refusals,
    measure: Callable[[Any, Any], float | str],
) -> Floats:
    """`measure` of each pair that is not refused; an answer in words is a reason to refuse it."""
    values = np.zeros(len(refusals.mask))
    for at, (mine, other) in enumerate(zip(one, two, strict=True)):
        if refusals.mask[at]:
            continue
        found = measure(mine, other)
        if isinstance(found, str):
            refusals.refuse_one(at, found)
        else:
            values[at] = found
    return values
