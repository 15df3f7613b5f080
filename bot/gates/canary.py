"""The gate `canary`: what the comparison of candidate and incumbent on the same inputs says by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from bot.domain.canaries import CanaryVerdict
from bot.domain.conditions import Compile
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.evidence.bounds import number_words
from bot.evidence.kept import listing, mapping, number
from bot.evidence.parameters import Count
from bot.gate_plugins import GateContext, GateParams, Measured

MUST_BE_KNOWN = ("latency", "errors")
"""Parts of the comparison that, once they are compared at all, must not be unknown."""
DIVERGED = str(CanaryVerdict.DIVERGED)
_FIGURES = ("pairs", "estimate", "tolerance", "alpha", "min_pairs", "fewest_for_equivalent", "affected")
_WORDS = ("verdict", "phase", "why")
_MOST_SLICES = 200


class CanaryParams(GateParams):
    """`min_pairs`, where more are wanted than the policy's `canary` asks for."""

    min_pairs: Count | None = None


class CanaryGate:
    """Passes where both are equivalent, fails where they diverged, and waits while that is not known yet."""

    name: ClassVar[str] = "canary"
    summary: ClassVar[str] = "The candidate answers like the incumbent on the same inputs"
    Params: ClassVar[type[GateParams]] = CanaryParams

    def title(self, params: CanaryParams) -> str:
        """`canary equivalent`."""
        return (
            f"canary equivalent over at least {params.min_pairs:,} pairs" if params.min_pairs else "canary equivalent"
        )

    def collect(self, params: CanaryParams, ctx: GateContext) -> Measured:  # noqa: ARG002
        """The standing of the comparison."""
        if ctx.canary is None:
            how = f"send pairs to POST /canaries/{ctx.release.get('id') or 'RELEASE'}/observations"
            return Measured(problem=f"no canary was opened for this release: {how}")
        standing = ctx.canary
        facts: dict[str, Any] = {
            name: standing.get(name) for name in _FIGURES if number(standing.get(name)) is not None
        }
        facts |= {name: str(standing[name])[:500] for name in _WORDS if standing.get(name) is not None}
        facts["interval"] = [number(end) for end in _ends(standing.get("interval"))]
        facts["parts"] = dict(_parts(standing))
        return Measured(facts)

    def judge(self, params: CanaryParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """The verdict of the comparison, then that of its parts, then the number of pairs."""
        facts = measured.facts
        figure = _figure(facts)
        parts = mapping(facts.get("parts"))
        details = {"parts": dict(parts), "phase": facts.get("phase"), "affected": facts.get("affected")}

        def say(verdict: GateVerdict, why: str) -> Judgement:
            return Judgement(verdict, why, (figure,), details)

        bad = sorted(name for name, verdict in parts.items() if verdict == DIVERGED)
        if facts.get("verdict") == CanaryVerdict.DIVERGED:
            return say(GateVerdict.FAIL, f"candidate and incumbent diverged: {_so_far(facts)}")
        if bad:
            return say(GateVerdict.FAIL, f"{', '.join(bad[:5])} of the candidate diverged: {_so_far(facts)}")
        if facts.get("verdict") != CanaryVerdict.EQUIVALENT:
            return say(GateVerdict.UNKNOWN, f"it is not known yet whether they agree{_reason(facts)}")
        return say(*_of_equivalent(params, facts, parts))


def _of_equivalent(params: CanaryParams, facts: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[GateVerdict, str]:
    open_ = sorted(name for name, verdict in parts.items() if name in MUST_BE_KNOWN and verdict != "equivalent")
    pairs = number(facts.get("pairs"))
    if pairs is None:
        return GateVerdict.UNKNOWN, "the answers are equivalent, but nothing says over how many pairs"
    if number(facts.get("estimate")) is None:
        return GateVerdict.UNKNOWN, "the answers are called equivalent, but without a figure that is a number"
    if params.min_pairs is not None and pairs < params.min_pairs:
        missing = params.min_pairs - int(pairs)
        return GateVerdict.UNKNOWN, f"equivalent over {int(pairs):,} pairs; {missing:,} more are wanted"
    if open_:
        return GateVerdict.UNKNOWN, f"the answers are equivalent, but {', '.join(open_)} is not known yet"
    return GateVerdict.PASS, f"candidate and incumbent are equivalent: {_so_far(facts)}"


def _parts(standing: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts that are compared, by name, each with its verdict: `errors`, `latency`, `accuracy`, and each slice."""
    latency, labels = mapping(standing.get("latency")), mapping(standing.get("labels"))
    verdicts = {
        "errors": mapping(standing.get("errors")).get("verdict"),
        "latency": mapping(latency.get("figure")).get("verdict", latency.get("verdict")),
        "accuracy": labels.get("accuracy"),
    }
    yield from ((name, str(verdict)[:40]) for name, verdict in verdicts.items() if verdict is not None)
    because = standing.get("because")
    for name in listing(because):
        yield str(name)[:200], DIVERGED
    slices = standing.get("slices")
    named = [_slice(one) for one in listing(slices) if isinstance(one, Mapping)]
    # Those that diverged are never among the ones that are left out.
    yield from sorted(named, key=lambda pair: pair[1] != DIVERGED)[:_MOST_SLICES]


def _slice(one: Mapping[str, Any]) -> tuple[str, str]:
    verdict = mapping(one.get("figure")).get("verdict", CanaryVerdict.UNKNOWN)
    return f"slice {one.get('name')}"[:200], DIVERGED if one.get("diverged_at") is not None else str(verdict)[:40]


def _figure(facts: Mapping[str, Any]) -> Figure:
    low, high = (number(end) for end in _ends(facts.get("interval")))
    pairs, tolerance = number(facts.get("pairs")), number(facts.get("tolerance"))
    threshold = f"at most {number_words(tolerance)}" if tolerance is not None else "the policy's tolerance"
    n = None if pairs is None else int(pairs)
    return Figure("divergence", number(facts.get("estimate")), threshold, low, high, n, "difference")


def _so_far(facts: Mapping[str, Any]) -> str:
    figure = _figure(facts)
    value = "unknown" if figure.value is None else number_words(figure.value)
    ends = ""
    if figure.low is not None and figure.high is not None:
        ends = f" ({number_words(figure.low)} to {number_words(figure.high)})"
    return f"divergence {value}{ends}, {figure.threshold} is wanted, over {figure.n or 0:,} pairs"


def _reason(facts: Mapping[str, Any]) -> str:
    """What is measured so far, how many pairs are missing at least, and what the comparison says itself."""
    pairs = number(facts.get("pairs")) or 0.0
    least = max((number(facts.get(name)) or 0.0 for name in ("min_pairs", "fewest_for_equivalent")), default=0.0)
    missing = f"at least {int(least - pairs):,} more pairs are needed" if pairs < least else "more pairs are needed"
    why = f" ({facts['why']})" if facts.get("why") else ""
    return f": {_so_far(facts)}; {missing}{why}"


def _ends(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) and len(value) == 2 else (None, None)
