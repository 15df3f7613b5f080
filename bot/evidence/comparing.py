"""Fairness across slices and drift of features, out of whichever form the evidence came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.evidence.figures import Document, Feature
from bot.evidence.measuring import Asked, Evidence, measure, slice_name
from bot.evidence.rows import Rows
from bot.statistics.estimates import Estimate, Measured, Unknown

if TYPE_CHECKING:
    from bot.statistics.drift import Drift
    from bot.statistics.fairness import Fairness


def fairness(evidence: Evidence, asked: Asked, *, expected: Sequence[str] = ()) -> Fairness:
    """The figure of each slice and how far they are apart; `asked.slice` is not used.

    From rows the intervals hold for all pairs of slices together. From a document they are as good as the intervals
    that were sent, which nobody corrected for the number of slices; the method says so.
    """
    from bot.statistics.fairness import between, each_level

    names = sorted({*_slices(evidence), *expected})
    shown = {name: measure(evidence, replace(asked, slice=name)) for name in names}
    sizes = {name: found.n for name, found in shown.items()}
    if isinstance(evidence, Document):
        found = between(shown, shown, sizes)
        return replace(found, difference=_uncorrected(found.difference), ratio=_uncorrected(found.ratio))
    level = each_level(len(names), asked.confidence)
    corrected = {name: measure(evidence, replace(asked, slice=name, confidence=level)) for name in names}
    return between(shown, corrected, sizes)


def drift(
    evidence: Evidence, feature: str, *, reference: Rows | None = None, least: int | None = None
) -> Drift | Unknown:
    """The drift of a feature: a document carries its own reference, rows are held against `reference`.

    Columns whose cells are all numbers are numeric; everything else is compared as categories.
    """
    from bot.statistics import drift as drifts

    fewest = drifts.LEAST if least is None else least
    if isinstance(evidence, Document):
        sent = evidence.features.get(feature)
        return _sent_drift(feature, sent, fewest) if sent else Unknown(f"the evidence has no feature {feature!r}")
    if reference is None:
        return Unknown("rows need a reference to drift from")
    for rows, whose in ((evidence, "evidence"), (reference, "reference")):
        if feature not in rows.columns:
            return Unknown(f"the {whose} has no column {feature!r}")
    return _of_values(feature, reference.columns[feature], evidence.columns[feature], fewest)


def _slices(evidence: Evidence) -> set[str]:
    if isinstance(evidence, Document):
        return set(evidence.slices)
    return {slice_name(cell) for cell in evidence.columns.get("slice", ())}


def _uncorrected(found: Measured) -> Measured:
    if isinstance(found, Estimate):
        return replace(found, method=f"{found.method}, not corrected for the number of slices")
    return found


def _sent_drift(feature: str, sent: Feature, least: int) -> Drift | Unknown:
    from bot.statistics.drift import histogram

    if sent.values is not None and sent.reference is not None:
        return _of_values(feature, sent.reference, sent.values, least)
    counts, was = sent.counts, sent.reference_counts
    if isinstance(counts, dict) and isinstance(was, dict):
        names = sorted(counts.keys() | was.keys())
        before, now = ([side.get(name, 0.0) for name in names] for side in (was, counts))
        return _counted(histogram, feature, before, now, is_ordered=False, least=least)
    if isinstance(counts, list) and isinstance(was, list):
        return _counted(histogram, feature, was, counts, is_ordered=True, least=least)
    return Unknown(f"the feature {feature!r} has neither values nor counts")


def _counted(histogram: Any, feature: str, was: Sequence[float], now: Sequence[float], **how: Any) -> Drift | Unknown:
    if sum(was) <= 0 or sum(now) <= 0:
        return Unknown(f"the feature {feature!r} has no rows on one side")
    found: Drift = histogram(feature, was, now, **how)
    return found


def _of_values(feature: str, was: Sequence[Any], now: Sequence[Any], least: int) -> Drift:
    from bot.statistics.drift import categorical, numeric

    if _is_numeric(was) and _is_numeric(now):
        return numeric(feature, was, now, least=least)
    return categorical(feature, was, now, least=least)


def _is_numeric(column: Sequence[Any]) -> bool:
    return all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in column)
