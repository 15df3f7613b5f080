"""A canary as the API and the command line show it: where it stands, what it rests on, and how it got there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from typing_extensions import TypedDict

from bot.domain.canaries import Canary, CanaryPoint, CanaryVerdict, Phase
from bot.domain.configuration import Configuration
from bot.domain.errors import NotFound
from bot.domain.releases import Release
from bot.domain.times import format_time
from bot.flow.canary_rule import pinned
from bot.flow.canary_standing import MEASURES, SAME_VERSION
from bot.ports import Store, Transaction

_PART = 20


class PointView(TypedDict):
    """The running estimate at one moment; an interval that is null could not be given."""

    at: str
    phase: str
    pairs: int
    estimate: float | None
    interval: list[float] | None
    verdict: str


class CanaryView(TypedDict):
    """Where a comparison stands. Each end of `interval` is right at all times with chance 1 - `alpha` at least."""

    release: str
    service: str
    incumbent: str
    candidate: str
    status: str
    phase: str
    verdict: str
    why: str
    because: list[str]
    """What diverged: predictions, errors, latency, accuracy."""
    pairs: int
    observations: int
    measure: str
    estimate: float | None
    interval: list[float] | None
    tolerance: float
    alpha: float
    min_pairs: int
    p_diverged: float | None
    p_equivalent: float | None
    diverged_at: int | None
    equivalent_at: int | None
    fewest_for_diverged: int | None
    fewest_for_equivalent: int | None
    affected: int
    missing: int
    candidate_failures: int
    flags: list[str]
    phases: list[dict[str, Any]]
    slices: list[dict[str, Any]]
    errors: dict[str, Any] | None
    latency: dict[str, Any] | None
    labels: dict[str, Any] | None
    counts: dict[str, Any]
    """Lines, pairs, missing and late halves, duplicates and labels, as the join counted them."""
    waiting: int
    """Halves whose other side is waited for."""
    refused: dict[str, Any]
    """Pairs that could not be compared, by reason."""
    refused_lines: dict[str, Any]
    """Lines that could not be read, by reason, with where the first ones stand."""
    batches: int
    set_aside: dict[str, Any]
    """Batches that were not understood, or came when the release was over; they count for nothing."""
    rule: dict[str, Any]
    told: str
    """The last verdict that went to the front door, with its phase."""
    opened_at: str | None
    folded_at: str | None
    closed_at: str | None
    points: list[PointView]


def find_release(tx: Transaction, name: str) -> Release:
    """A release by its id, or the newest one of a service by that name. NotFound with what to do."""
    release = tx.release(name) or tx.latest_releases([name]).get(name)
    if release is None:
        raise NotFound(f"No release {name}", next="give the id of a release, or the name of a service that has one")
    return release


def canary_of(tx: Transaction, name: str, configuration: Configuration) -> CanaryView:
    """The canary of a release; of one without observations yet, what it will be held to. NotFound without either."""
    release = find_release(tx, name)
    canary = tx.bare_canary(release.id)
    if canary is None:
        policy = configuration.policies.get(release.service)
        if policy is None or policy.canary is None:
            why = f"it has no observations, and the policy of {release.service} has no `canary:`"
            raise NotFound(f"Release {release.id} has no canary", why=why)
        canary = Canary(
            release.id,
            release.service,
            str(Phase.of(release)),
            release.opened_at,
            standing={"rule": pinned(policy.canary), "measure": MEASURES[policy.canary.output]},
        )
        return canary_view(release, canary, ())
    return canary_view(release, canary, tx.canary_points(release.id))


def canary_view(release: Release, canary: Canary, points: Sequence[CanaryPoint]) -> CanaryView:
    """A canary with its points, oldest first."""
    kept, rule = canary.standing, canary.standing["rule"]
    same = [SAME_VERSION] if release.candidate == release.incumbent else []
    view: dict[str, Any] = {
        **_UNKNOWN,
        "flags": same,
        "why": "no pair was compared yet",
        **{name: kept[name] for name in _SHOWN if kept.get(name) is not None},
        **{name: getattr(release, name) for name in ("service", "incumbent", "candidate")},
        "release": release.id,
        "status": str(release.status),
        "phase": canary.phase,
        "verdict": str(canary.verdict),
        "pairs": canary.pairs,
        "measure": kept.get("measure") or MEASURES[rule["output"]],
        **{name: rule[name] for name in ("tolerance", "alpha", "min_pairs")},
        "affected": canary.affected,
        "rule": dict(rule),
        "told": canary.told,
        "opened_at": format_time(canary.opened_at) if canary.version else None,
        "folded_at": format_time(canary.folded_at) if canary.folded_at else None,
        "closed_at": format_time(canary.closed_at) if canary.closed_at else None,
        "points": [point_view(one) for one in points],
    }
    return cast("CanaryView", view)


_UNKNOWN: Mapping[str, Any] = {
    **dict.fromkeys(("estimate", "interval", "p_diverged", "p_equivalent", "diverged_at", "equivalent_at")),
    **dict.fromkeys(("fewest_for_diverged", "fewest_for_equivalent", "errors", "latency", "labels")),
    **dict.fromkeys(("observations", "missing", "candidate_failures", "waiting", "batches"), 0),
    **dict.fromkeys(("because", "phases", "slices", "flags"), ()),
    "counts": {},
    "refused": {},
    "refused_lines": {},
    "set_aside": {"batches": 0, "newest": []},
}
"""What is said where nothing is known of it."""
_SHOWN = ("why", *_UNKNOWN)
"""Parts of the kept standing that are shown as they are."""


def point_view(point: CanaryPoint) -> PointView:
    """One moment of the running estimate."""
    has_interval = point.low is not None and point.high is not None
    return {
        "at": format_time(point.at),
        "phase": point.phase,
        "pairs": point.pairs,
        "estimate": point.estimate,
        "interval": [point.low, point.high] if has_interval else None,  # type: ignore[list-item]
        "verdict": str(CanaryVerdict(point.verdict)),
    }


def affected_lines(store: Store, release_id: str) -> Iterator[bytes]:
    """The affected predictions of a release as NDJSON, oldest first, a part at a time; each part is one short read."""
    after = 0
    while True:
        with store.read() as tx:
            rows = tx.affected_keys(release_id, after=after, limit=_PART)
        if not rows:
            return
        for number, one in rows:
            after = number
            yield gzip.decompress(one.content)
