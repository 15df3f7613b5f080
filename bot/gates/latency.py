"""The gate `latency`: a quantile of the candidate's answering times against a bound and the incumbent's."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictStr, model_validator

from bot.domain.conditions import Compile
from bot.domain.gates import Judgement
from bot.evidence.bounds import Bound, Held, number_words, too_few, unless
from bot.evidence.measuring import Asked
from bot.evidence.parameters import Count, EvidenceName, Label, Milliseconds, Positive
from bot.evidence.readings import Read, Reading, from_json
from bot.evidence.sides import look
from bot.gate_plugins import GateContext, GateParams, Measured

WHAT = 'figures like {"latency_ms": {"p99": 31.5, "n": 5000}}, or rows with latency_ms'
MOST_FACTOR = 500.0
"""So much faster or slower than the incumbent is a change of units rather than of speed."""


def _quantile(value: object) -> object:
    if isinstance(value, float) and 0 < value < 1:
        digits = f"{value:.6f}".removeprefix("0.").rstrip("0")
        return f"p{digits.ljust(2, '0')}"
    if isinstance(value, str) and re.fullmatch(r"p[0-9]{2,4}", value):
        return value
    raise ValueError("a quantile is written p50, p95, p99 or 0.99")


class LatencyParams(GateParams):
    """`quantile` (p99), and `at_most` (250ms, or a number of milliseconds) or `max_ratio` against the incumbent."""

    quantile: Annotated[StrictStr, BeforeValidator(_quantile)] = "p99"
    at_most: Milliseconds | None = None
    max_ratio: Annotated[Positive, Field(le=1000)] | None = None
    confident: StrictBool | None = None
    min_n: Count | None = None
    evidence: EvidenceName = "evaluation"
    slice: Label | None = None
    by: Label | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_most is None and self.max_ratio is None:
            raise ValueError("say what is wanted: at_most or max_ratio")
        return self


class Latency:
    """Hold a quantile of the answering times against its bounds."""

    name: ClassVar[str] = "latency"
    summary: ClassVar[str] = "The candidate answers fast enough, alone and beside the incumbent"
    Params: ClassVar[type[GateParams]] = LatencyParams

    def title(self, params: LatencyParams) -> str:
        """`latency p99 at most 250 ms`."""
        return f"latency {params.quantile} {', '.join(bound.words for _, _, bound in _bounds(params))}"

    def collect(self, params: LatencyParams, ctx: GateContext) -> Measured:
        """The quantile of both sides out of the newest evidence."""
        asked = Asked(f"latency_ms.{params.quantile}", slice=params.slice)
        pieces = ctx.evidence(params.evidence)
        found = look(pieces, ctx.release, asked, name=params.evidence, what=WHAT, by=params.by)
        return Measured(found.facts, evidence_ids=found.evidence_ids, problem=found.problem)

    def judge(self, params: LatencyParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Every bound, enough times, and the same unit on both sides."""
        facts, label = measured.facts, f"latency {params.quantile}"
        now, was = from_json(facts.get("candidate")), from_json(facts.get("incumbent"))
        names = {"candidate": label, "ratio": f"ratio of {label}"}
        held = [
            Held(names[key], from_json(facts.get(key)), bound, subject, params.confident).judge()
            for key, subject, bound in _bounds(params)
        ]
        checks = [_impossible(label, now), _other_unit(label, now, was), too_few(label, now, params.min_n)]
        more = {"incumbent": facts.get("incumbent"), "set_aside": facts.get("set_aside", [])}
        return unless(checks, held, **more)


def _bounds(params: LatencyParams) -> list[tuple[str, str, Bound]]:
    found = []
    if params.at_most is not None:
        found.append(("candidate", "candidate", Bound(params.at_most, is_least=False, unit="ms")))
    if params.max_ratio is not None:
        said = f"at most {number_words(params.max_ratio)} times the incumbent's"
        found.append(("ratio", "difference", Bound(params.max_ratio, is_least=False, said=said)))
    return found


def _impossible(label: str, now: Read) -> Judgement | None:
    if isinstance(now, Reading) and now.value <= 0:
        return Judgement.unknown(f"{label} is {number_words(now.value)} ms, which no answer can take")
    return None


def _other_unit(label: str, now: Read, was: Read) -> Judgement | None:
    if not (isinstance(now, Reading) and isinstance(was, Reading)) or now.value <= 0 or was.value <= 0:
        return None
    factor = now.value / was.value
    if 1 / MOST_FACTOR < factor < MOST_FACTOR:
        return None
    words = f"{label} is {number_words(factor)} times the incumbent's: is one of them in seconds? Send milliseconds"
    return Judgement.unknown(words)
