"""The gate `memory`: how much memory the candidate takes, against a bound and the incumbent's."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator

from bot.domain.conditions import Compile
from bot.domain.gates import Judgement
from bot.evidence.bounds import Bound, Held, number_words, too_few, unless
from bot.evidence.measuring import Asked
from bot.evidence.parameters import Count, EvidenceName, Positive
from bot.evidence.readings import Reading, from_json
from bot.evidence.sides import look
from bot.gate_plugins import GateContext, GateParams, Measured

WHAT = 'figures like {"memory_mib": {"peak": 512}}, or rows with memory_mib'


class MemoryParams(GateParams):
    """`of` (peak or mean), and `at_most` (MiB) or `max_ratio` against the incumbent."""

    of: Literal["peak", "mean"] = "peak"
    at_most: Positive | None = None
    max_ratio: Annotated[Positive, Field(le=1000)] | None = None
    confident: StrictBool | None = None
    min_n: Count | None = None
    evidence: EvidenceName = "evaluation"

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_most is None and self.max_ratio is None:
            raise ValueError("say what is wanted: at_most or max_ratio")
        return self


class Memory:
    """Hold the memory that the candidate takes against its bounds. A peak is the largest seen, not an estimate."""

    name: ClassVar[str] = "memory"
    summary: ClassVar[str] = "The candidate takes no more memory than it may"
    Params: ClassVar[type[GateParams]] = MemoryParams

    def title(self, params: MemoryParams) -> str:
        """`memory peak at most 512 MiB`."""
        return f"memory {params.of} {', '.join(bound.words for _, _, bound in _bounds(params))}"

    def collect(self, params: MemoryParams, ctx: GateContext) -> Measured:
        """The figure of both sides out of the newest evidence."""
        asked = Asked(f"memory_mib.{params.of}")
        found = look(ctx.evidence(params.evidence), ctx.release, asked, name=params.evidence, what=WHAT)
        return Measured(found.facts, evidence_ids=found.evidence_ids, problem=found.problem)

    def judge(self, params: MemoryParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Every bound, and enough measurements."""
        facts, label = measured.facts, f"memory {params.of}"
        names = {"candidate": label, "ratio": f"ratio of {label}"}
        held = [
            Held(names[key], from_json(facts.get(key)), bound, subject, params.confident).judge()
            for key, subject, bound in _bounds(params)
        ]
        now = from_json(facts.get("candidate"))
        more = {"incumbent": facts.get("incumbent"), "set_aside": facts.get("set_aside", [])}
        impossible = isinstance(now, Reading) and now.value <= 0
        words = f"{label} is not above 0, which no process can take"
        checks = [Judgement.unknown(words) if impossible else None, too_few(label, now, params.min_n)]
        return unless(checks, held, **more)


def _bounds(params: MemoryParams) -> list[tuple[str, str, Bound]]:
    found = []
    if params.at_most is not None:
        found.append(("candidate", "candidate", Bound(params.at_most, is_least=False, unit="MiB")))
    if params.max_ratio is not None:
        said = f"at most {number_words(params.max_ratio)} times the incumbent's"
        found.append(("ratio", "difference", Bound(params.max_ratio, is_least=False, said=said)))
    return found
