"""Drift of one feature or prediction against its reference: effects, missing and unseen values, changed units."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import BadInput
from bot.statistics.drift_measures import (
    Effect,
    binned_kolmogorov_smirnov,
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
)
from bot.statistics.estimates import CONFIDENCE

Floats = NDArray[np.float64]

LEAST = 500
"""Fewer rows on either side leave the answer unknown: PSI of 10 cells shows 0.018 at 500 rows out of chance alone."""
BINS = 10
MOST_CATEGORIES = 1000
UNITS = (60.0, 100.0, 1000.0, 3600.0, 86400.0, 1e6)
"""Seconds and minutes, shares and percent, milli and kilo, hours, days, micro."""
NEAR_UNIT = 0.15
"""How far, as a share, the medians' factor may be from one of `UNITS`."""


@dataclass(frozen=True)
class Drift:
    """What was found for one feature."""

    feature: str
    kind: str
    """numeric, categorical, or histogram."""
    n: int
    n_reference: int
    """Rows with a value, now and in the reference."""
    effects: Mapping[str, Effect]
    """By measure: psi, ks (not for categories), chi_square, jensen_shannon; empty where a side has no value."""
    missing: float
    missing_reference: float
    """Shares of rows without a value."""
    unseen: float = 0.0
    """Share of values of a category, or outside the range, that the reference never had."""
    unit_factor: float | None = None
    """median / reference's median, where it is close to the factor between two units."""
    unknown: str = ""
    """Why there is no answer yet; effects are shown all the same."""
    notes: tuple[str, ...] = ()

    def exceeds(self, measure: str, tolerance: float) -> bool | None:
        """Whether the size of the effect is above the tolerance; None while unknown. KeyError for another measure."""
        if self.unknown:
            return None
        return self.effects[measure].value > tolerance


@dataclass(frozen=True)
class NumericReference:
    """The reference of a numeric feature, sorted and cut once."""

    ordered: Floats = field(repr=False)
    edges: Floats
    """Upper ends of the cells but the last (each cell includes its end); with `is_discrete`, the values themselves."""
    counts: Floats
    is_discrete: bool
    """At most `bins` different values: each is a cell, and one more is for every other value."""
    missing: float

    @classmethod
    def of(cls, values: Sequence[Any] | Floats, *, bins: int = BINS) -> NumericReference:
        """Cuts at the reference's own quantiles (deciles for 10). NaN and None are missing; infinity is BadInput."""
        ordered, missing = _sorted(values)
        if not len(ordered):
            return cls(ordered, ordered, np.zeros(1), True, missing)
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        if int(first.sum()) <= bins:
            edges, is_discrete = ordered[first], True
        else:
            cuts = np.quantile(ordered, np.arange(1, bins) / bins, method="inverted_cdf")
            edges, is_discrete = np.unique(cuts[cuts < ordered[-1]]), False
        return cls(ordered, edges, _counted(ordered, edges, is_discrete=is_discrete), is_discrete, missing)


def numeric(
    feature: str,
    reference: NumericReference | Sequence[Any] | Floats,
    values: Sequence[Any] | Floats,
    *,
    least: int = LEAST,
    confidence: float = CONFIDENCE,
) -> Drift:
    """Drift of a numeric feature. NaN and None are missing; text and infinities are BadInput."""
    was = reference if isinstance(reference, NumericReference) else NumericReference.of(reference)
    now, missing = _sorted(values)
    n, n_reference = len(now), len(was.ordered)
    why = _too_few(n, n_reference, least)
    if not n or not n_reference:
        return Drift(feature, "numeric", n, n_reference, {}, missing, was.missing, unknown=why)
    counts = _counted(now, was.edges, is_discrete=was.is_discrete)
    effects = _of_cells(was.counts, counts, confidence)
    effects["ks"] = kolmogorov_smirnov(was.ordered, now, confidence=confidence)
    if was.is_discrete:
        unseen = float(counts[-1]) / n
    else:
        below, upto = np.searchsorted(now, was.ordered[0], "left"), np.searchsorted(now, was.ordered[-1], "right")
        unseen = float(below + n - upto) / n
    factor = unit_factor(was.ordered, now)
    return Drift(
        feature, "numeric", n, n_reference, effects, missing, was.missing, unseen, factor, why,
        _notes(was.ordered, now, factor),
    )  # fmt: skip


def categorical(
    feature: str,
    reference: Sequence[Any],
    values: Sequence[Any],
    *,
    least: int = LEAST,
    confidence: float = CONFIDENCE,
) -> Drift:
    """Drift of categories, compared as text; None is missing. A category never seen before is a cell of its own.

    BadInput for more than 1,000 categories: that is an identifier, not a category.
    """
    was, now = (Counter(str(one) for one in column if one is not None) for column in (reference, values))
    n_reference, n = was.total(), now.total()
    names = sorted(was.keys() | now.keys())
    if len(names) > MOST_CATEGORIES:
        raise BadInput(
            f"The feature {feature!r} has {len(names)} categories",
            why=f"{MOST_CATEGORIES} at most can be compared",
            next="group them, or send a numeric feature as numbers",
        )
    missing, missing_reference = _missing(n, len(values)), _missing(n_reference, len(reference))
    why = _too_few(n, n_reference, least)
    if not n or not n_reference:
        return Drift(feature, "categorical", n, n_reference, {}, missing, missing_reference, unknown=why)
    effects = _of_cells([was[name] for name in names], [now[name] for name in names], confidence)
    new = [name for name in names if name not in was]
    notes = [f"never seen in the reference: {', '.join(repr(name[:60]) for name in new[:5])}"] if new else []
    notes += ["one category on both sides"] if len(names) == 1 else []
    unseen = sum(now[name] for name in new) / n
    return Drift(
        feature, "categorical", n, n_reference, effects, missing, missing_reference, unseen,
        unknown=why, notes=tuple(notes),
    )  # fmt: skip


def histogram(
    feature: str,
    reference: Sequence[float],
    counts: Sequence[float],
    *,
    is_ordered: bool = True,
    least: int = LEAST,
    confidence: float = CONFIDENCE,
) -> Drift:
    """Drift between two counts of the same cells; Kolmogorov-Smirnov only where the cells are in order."""
    n, n_reference = int(sum(counts)), int(sum(reference))
    effects = _of_cells(reference, counts, confidence)
    if is_ordered:
        effects["ks"] = binned_kolmogorov_smirnov(reference, counts, confidence=confidence)
    unseen = sum(now for was, now in zip(reference, counts, strict=True) if was == 0) / n
    return Drift(
        feature, "histogram", n, n_reference, effects, 0.0, 0.0, unseen, unknown=_too_few(n, n_reference, least)
    )


def unit_factor(reference: Floats, values: Floats) -> float | None:
    """The factor between the medians of two sorted arrays where it is about 60, 100, 1,000, … or one over that.

    The middle halves must have grown alike (within a factor 2), unless one has no width.
    """
    was, now = (_quartiles(column) for column in (reference, values))
    if was[1] == 0 or now[1] == 0 or (was[1] > 0) != (now[1] > 0):
        return None
    grown = math.log(abs(now[1])) - math.log(abs(was[1]))
    if all(abs(abs(grown) - math.log(unit)) > math.log1p(NEAR_UNIT) for unit in UNITS):
        return None
    width_was, width_now = was[2] - was[0], now[2] - now[0]
    if width_was > 0 and width_now > 0 and abs(math.log(width_now) - math.log(width_was) - grown) > math.log(2):
        return None
    return math.exp(grown)


def _of_cells(was: Any, now: Any, confidence: float) -> dict[str, Effect]:
    found = (measure(was, now, confidence=confidence) for measure in (psi, chi_square, jensen_shannon))
    return {effect.measure: effect for effect in found}


def _sorted(values: Sequence[Any] | Floats) -> tuple[Floats, float]:
    try:
        found = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("A numeric feature holds what is no number", next="send it as categories") from error
    present = found[~np.isnan(found)]
    if np.isinf(present).any():
        raise BadInput("A numeric feature holds an infinite value", next="send it as missing, or mend it")
    present.sort()
    return present, _missing(len(present), len(found))


def _missing(present: int, rows: int) -> float:
    return (rows - present) / rows if rows else 0.0


def _counted(ordered: Floats, edges: Floats, *, is_discrete: bool) -> Floats:
    if is_discrete:
        each = np.searchsorted(ordered, edges, "right") - np.searchsorted(ordered, edges, "left")
        return np.append(each, len(ordered) - each.sum()).astype(np.float64)
    upto = np.concatenate([[0], np.searchsorted(ordered, edges, "right"), [len(ordered)]])
    return np.diff(upto).astype(np.float64)


def _quartiles(ordered: Floats) -> tuple[float, float, float]:
    return tuple(float(ordered[int(len(ordered) * share)]) for share in (0.25, 0.5, 0.75))  # type: ignore[return-value]


def _too_few(n: int, n_reference: int, least: int) -> str:
    if not n or not n_reference:
        return f"no values {'now' if not n else 'in the reference'}"
    if min(n, n_reference) < least:
        return f"{n} values now, {n_reference} in the reference; {least} are needed on each side"
    return ""


def _notes(was: Floats, now: Floats, factor: float | None) -> tuple[str, ...]:
    notes = []
    if was[0] == was[-1]:
        notes.append("constant in the reference")
    if now[0] == now[-1]:
        notes.append("constant now")
    if factor is not None:
        size, way = (factor, "larger") if factor > 1 else (1 / factor, "smaller")
        notes.append(f"the median is {size:.4g} times {way}: was a unit changed?")
    return tuple(notes)
