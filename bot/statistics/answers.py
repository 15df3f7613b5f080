"""Labels, predictions and scores as arrays that can be counted; what cannot be counted is said, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import BadInput

YES = frozenset({1, "1", "true", "True", "yes", "positive"})
"""What counts as the positive class where nobody names it; 1 stands for true and 1.0 as well."""


def codes(labels: Sequence[Any], answers: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Any]]:
    """Both columns as numbers of classes, with the classes; equal numbers are one class (1, 1.0 and true).

    BadInput where one column is text and the other numbers: "1" is not 1, and everything would count as wrong.
    """
    same_length(labels, answers)
    if _are_numbers(labels) and _are_numbers(answers):
        both = np.concatenate([np.asarray(labels, np.float64), np.asarray(answers, np.float64)])
        refuse_not_finite(both, "a label or a prediction")
        classes, found = np.unique(both, return_inverse=True)
        flat = found.reshape(-1).astype(np.int64)
        return flat[: len(labels)], flat[len(labels) :], classes.tolist()
    if _are_text(labels) != _are_text(answers):
        raise BadInput(
            "Labels and predictions are of different kinds",
            why="one column holds text, the other numbers",
            next="send both as text or both as numbers",
        )
    known: dict[Any, int] = {}
    coded = [np.fromiter((known.setdefault(one, len(known)) for one in column), np.int64, len(column))
             for column in (labels, answers)]  # fmt: skip
    return coded[0], coded[1], list(known)


def positives(column: Sequence[Any], positive: Any = None) -> NDArray[np.bool_]:
    """Which rows are of the positive class: `positive`, or one of `YES` where it is None."""
    if positive is None:
        return np.fromiter((one in YES for one in _plain(column)), np.bool_, len(column))
    return np.fromiter((one == positive for one in _plain(column)), np.bool_, len(column))


LARGEST = 1e100
"""Beyond this a number is taken for a mistake; its square must stay a number."""


def numbers(column: Sequence[Any] | NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """The column as finite numbers. BadInput for text, None, NaN, infinities, and what is beyond `LARGEST`."""
    try:
        values = np.asarray(column, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{what.capitalize()} is not a number", next="send numbers in every row") from error
    refuse_not_finite(values, what)
    if values.size and float(np.abs(values).max()) > LARGEST:
        raise BadInput(f"{what.capitalize()} is too large to be one", why=f"{LARGEST:g} is the largest that is taken")
    return values


def refuse_not_finite(values: NDArray[np.float64], what: str) -> None:
    """BadInput where a value is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise BadInput(
            f"{what.capitalize()} is not finite", why=f"{bad.size} are NaN or infinite, first in row {bad[0]}"
        )


def same_length(left: Sequence[Any], right: Sequence[Any]) -> None:
    """BadInput where two columns have different numbers of rows."""
    if len(left) != len(right):
        raise BadInput("Columns differ in length", why=f"{len(left)} rows against {len(right)}")


def _plain(column: Any) -> Sequence[Any]:
    """The column as plain Python values, where it was an array."""
    plain: Sequence[Any] = column.tolist() if isinstance(column, np.ndarray) else column
    return plain


def _are_numbers(column: Any) -> bool:
    if isinstance(column, np.ndarray) and column.dtype != object:
        return column.dtype.kind in "biuf"
    return all(isinstance(one, int | float) for one in _plain(column))


def _are_text(column: Sequence[Any]) -> bool:
    return any(isinstance(one, str) for one in _plain(column))
