"""The canary's part of a release's page: verdict, estimate, interval, pairs and a drawing, out of what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bot.domain.canaries import Canary, CanaryPoint
from bot.domain.releases import Release
from bot.domain.times import format_time
from bot.web.canary_plot import canary_plot

_SENTENCE = "no pair was compared yet"


def canary_part(release: Release, canary: Canary | None, points: Sequence[CanaryPoint]) -> dict[str, Any] | None:
    """What is shown of a canary; None where there is none. `plot` is None where nothing can be drawn."""
    if canary is None:
        return None
    kept = canary.standing
    rule = kept.get("rule")
    tolerance = _number(rule.get("tolerance")) if isinstance(rule, Mapping) else None
    shown = {
        "candidate": release.candidate,
        "incumbent": release.incumbent,
        "verdict": str(canary.verdict),
        "phase": canary.phase,
        "pairs": canary.pairs,
        "affected": canary.affected,
        "measure": str(kept.get("measure") or "divergence"),
        "why": str(kept.get("why") or _SENTENCE),
        "estimate": _number(kept.get("estimate")),
        "interval": _interval(kept.get("interval")),
        "tolerance": tolerance,
        "folded_at": format_time(canary.folded_at) if canary.folded_at else None,
        "closed_at": format_time(canary.closed_at) if canary.closed_at else None,
        "points": [_point(one) for one in points],
    }
    return {**shown, "plot": _plot(shown)}


def _plot(shown: Mapping[str, Any]) -> Markup | None:
    return canary_plot(shown) if shown["tolerance"] else None


def _point(one: CanaryPoint) -> dict[str, Any]:
    interval = [one.low, one.high] if one.low is not None and one.high is not None else None
    return {
        "at": format_time(one.at),
        "phase": one.phase,
        "pairs": one.pairs,
        "estimate": one.estimate,
        "interval": interval,
        "verdict": str(one.verdict),
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _interval(value: object) -> list[float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = _number(value[0]), _number(value[1])
    return None if low is None or high is None else [low, high]
