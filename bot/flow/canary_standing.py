"""What a comparison says as plain JSON, for the record, the API and the plots; and what of it is worth an event."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.canaries import CanaryVerdict
from bot.domain.canary_rules import Canary as CanaryRule
from bot.domain.canary_rules import Output
from bot.domain.releases import Release

if TYPE_CHECKING:
    from bot.statistics.comparison import Comparison
    from bot.statistics.standing import Standing

SAME_VERSION = "same-version"
"""The flag of a candidate that has the incumbent's version."""

MEASURES: Mapping[Output, str] = {
    Output.CLASSES: "disagreement",
    Output.SCORES: "difference of scores",
    Output.NUMBERS: "share of different numbers",
    Output.RANKING: "difference of rankings",
    Output.VECTORS: "distance of vectors",
    Output.TEXT: "share of different texts",
}
"""What the divergence of each kind of answer is called."""

PREDICTIONS, ERRORS, LATENCY, ACCURACY = "predictions", "errors", "latency", "accuracy"
"""What may have diverged, worst first."""


@dataclass(frozen=True)
class Measured:
    """One figure that is past what is tolerated, as an event tells it."""

    metric: str
    before: float | None
    now: float | None
    low: float | None
    high: float | None
    tolerance: float | None
    unit: str = ""
    data_slice: str = ""


def interval_of(standing: Standing, comparison: Comparison) -> list[float] | None:
    """The best interval so far; where its ends have crossed because the stream changed, that of all pairs of the phase.

    None before the first pair, and where even those ends have crossed."""
    if standing.estimate is None:
        return None
    low, high = standing.low, standing.high
    if low > high:
        # Merged with nothing, a stream is looked at once: what crossed before the change does not bind it.
        stream = comparison.phase.pairs.stream
        fresh = type(stream)(stream.design, stream.above.alpha, stream.below.alpha)
        low, high = stream.merged(fresh).interval_now()
    return [low, high] if low <= high else None


def plain_standing(
    standing: Standing,
    interval: list[float] | None,
    before: Mapping[str, Any],
    release: Release,
    rule: CanaryRule,
) -> dict[str, Any]:
    """The standing as JSON. `verdict` is diverged where anything the policy bounds is; equal versions are unknown."""
    found: dict[str, Any] = _finite(json.loads(json.dumps(asdict(standing), default=str)))
    because = _because(standing)
    first = dict(before.get("first_in") or {})
    for name in because:
        if name != PREDICTIONS:  # the tests beside do not begin anew in each phase
            first.setdefault(name, standing.phase)
    in_this_phase = [
        name
        for name in because
        if (standing.phases[-1].diverged_at is not None if name == PREDICTIONS else first[name] == standing.phase)
    ]
    verdict = CanaryVerdict.DIVERGED if because else CanaryVerdict(standing.verdict)
    if verdict is CanaryVerdict.EQUIVALENT and release.candidate == release.incumbent:
        verdict = CanaryVerdict.UNKNOWN
        found["why"] = f"candidate and incumbent are both version {release.candidate}: it is compared with itself"
    if release.candidate == release.incumbent:
        found["flags"] = [SAME_VERSION, *found["flags"]]
    if because and PREDICTIONS not in because:
        found["why"] = f"{', '.join(because)} past what is tolerated; of the answers: {found['why']}"
    found["interval"] = interval
    found |= {"verdict": str(verdict), "because": because, "first_in": first, "because_in_phase": in_this_phase}
    found["measure"] = MEASURES[rule.output]
    return {name: value for name, value in found.items() if name not in ("low", "high")}


def _because(standing: Standing) -> list[str]:
    diverged = str(CanaryVerdict.DIVERGED)
    found = {
        PREDICTIONS: standing.verdict,
        ERRORS: standing.errors.verdict if standing.errors else "",
        LATENCY: standing.latency.figure.verdict if standing.latency else "",
        ACCURACY: standing.labels.accuracy if standing.labels else "",
    }
    return [name for name, verdict in found.items() if verdict == diverged]


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


def measured(standing: Mapping[str, Any], release: Release, rule: Mapping[str, Any]) -> Measured:
    """The figure that an event is about: the first of what diverged in this phase."""
    because = next(iter(standing["because_in_phase"]), PREDICTIONS)
    if because == ERRORS:
        one = standing["errors"]
        return Measured(
            "Share of requests that the candidate alone fails",
            0.0, one["estimate"], one["low"], one["high"], one["tolerance"],
        )  # fmt: skip
    if because == LATENCY:
        one = standing["latency"]
        name = f"Latency, quantile {one['quantile']:g}"
        return Measured(name, one["incumbent_ms"], one["candidate_ms"], None, None, None, unit="ms")
    if because == ACCURACY:
        one = standing["labels"]["accuracy_drop"] or {}
        drop = (rule.get("labels") or {}).get("max_drop")
        return Measured(
            f"Drop of accuracy against version {release.incumbent}",
            0.0, one.get("estimate"), one.get("low"), one.get("high"), drop,
        )  # fmt: skip
    return _of_predictions(standing, release)


def _of_predictions(standing: Mapping[str, Any], release: Release) -> Measured:
    """The divergence itself. An incumbent diverges from itself in nothing: that is its figure before."""
    name = f"{standing['measure'].capitalize()} with version {release.incumbent}"
    diverged = [one for one in standing["slices"] if one["diverged_at"] is not None]
    low, high = standing["interval"] or (None, None)
    estimate, tolerance = standing["estimate"], standing["tolerance"]
    if diverged and (low is None or low <= tolerance):
        # The whole is not past the tolerance, a slice is: the figures are that slice's.
        one = max(diverged, key=lambda found: found["figure"]["estimate"] or 0.0)
        figure = one["figure"]
        return Measured(name, 0.0, figure["estimate"], figure["low"], figure["high"], tolerance, data_slice=one["name"])
    return Measured(name, 0.0, estimate, low, high, tolerance)
