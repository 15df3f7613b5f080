"""The gate `fairness`: how far a figure differs between slices of the data, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from bot.domain.conditions import Compile
from bot.domain.errors import BadInput
from bot.domain.gates import Figure, Judgement
from bot.evidence.bounds import Bound, Held, unless
from bot.evidence.comparing import fairness
from bot.evidence.figures import Document
from bot.evidence.kept import mapping
from bot.evidence.measuring import Asked, slice_name
from bot.evidence.parameters import Count, EvidenceName, Label, Positive
from bot.evidence.picking import missing_words, pick
from bot.evidence.readings import Reading, as_json, from_json, reading_of
from bot.evidence.sides import Looked, by_column, careful, read_piece, told
from bot.gate_plugins import GateContext, GateParams, Measured
from bot.statistics.estimates import Estimate, Unknown
from bot.statistics.estimates import Measured as Measured_

if TYPE_CHECKING:
    from bot.evidence.measuring import Evidence
    from bot.statistics.fairness import Fairness

WHAT = 'rows with a column that names the slice, or {"slices": {"EU": {"metrics": {"f1": {"value": 0.9, "n": 800}}}}}'
MOST_SLICES = 200
LEAST = 30


class FairnessParams(GateParams):
    """`metric` per slice of the column `by` (slice), and `max_difference` or `min_ratio` between the slices."""

    metric: Label
    by: Label | None = None
    max_difference: Positive | None = None
    min_ratio: Annotated[Positive, Field(le=1)] | None = None
    min_slice: Count = LEAST
    slices: Annotated[tuple[Label, ...], Field(max_length=MOST_SLICES)] = ()
    confident: StrictBool | None = None
    evidence: EvidenceName = "evaluation"
    positive: StrictStr | StrictInt | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.max_difference is None and self.min_ratio is None:
            raise ValueError("say what is wanted: max_difference or min_ratio")
        return self


class FairnessGate:
    """Compare the best and the worst slice. Fails where they are surely too far apart, passes where surely not."""

    name: ClassVar[str] = "fairness"
    summary: ClassVar[str] = "A figure is alike in every slice of the data"
    Params: ClassVar[type[GateParams]] = FairnessParams

    def title(self, params: FairnessParams) -> str:
        """`recall by region: difference at most 0.05`."""
        words = [f"{key} {bound.words}" for key, bound in _bounds(params)]
        return f"{params.metric} by {params.by or 'slice'}: {', '.join(words)}"

    def collect(self, params: FairnessParams, ctx: GateContext) -> Measured:
        """The figure of every slice, and how far they are apart."""
        picked = pick(ctx.evidence(params.evidence), ctx.release)
        if picked.piece is None:
            return Measured(problem=missing_words(params.evidence, ctx.release, WHAT, picked=picked))
        piece = picked.piece

        def compared() -> Looked:
            evidence = by_column(read_piece(piece), params.by)
            facts = {**_facts(params, evidence), "set_aside": list(picked.set_aside)}
            return Looked(facts, picked.ids)

        found = careful(compared, picked.ids)
        return Measured(found.facts, evidence_ids=found.evidence_ids, problem=found.problem)

    def judge(self, params: FairnessParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Every bound, once every slice has rows enough."""
        facts = measured.facts
        slices = {str(name): from_json(one) for name, one in mapping(facts.get("slices")).items()}
        shown = [
            Figure(params.metric, one.value, n=one.n, subject=name)
            for name, one in slices.items()
            if isinstance(one, Reading)
        ]
        small = [_too_small(params, name, one) for name, one in slices.items()]
        held = [
            Held(f"{key} of {params.metric}", from_json(facts.get(key)), bound, "difference", params.confident,
                 needs_sure_failure=True).judge()
            for key, bound in _bounds(params)
        ]  # fmt: skip
        judged = unless(small, held, slices=len(slices), set_aside=facts.get("set_aside", []))
        return Judgement(judged.verdict, judged.why, (*judged.figures, *shown)[:50], judged.details)


def _bounds(params: FairnessParams) -> list[tuple[str, Bound]]:
    found = []
    if params.max_difference is not None:
        found.append(("difference", Bound(params.max_difference, is_least=False)))
    if params.min_ratio is not None:
        found.append(("ratio", Bound(params.min_ratio, is_least=True)))
    return found


def _facts(params: FairnessParams, evidence: Evidence) -> dict[str, Any]:
    names = _slices(evidence)
    if not names:
        raise BadInput("The evidence names no slices", next=f"push {WHAT}")
    if len(names | set(params.slices)) > MOST_SLICES:
        raise BadInput(f"There are {len(names)} slices", why=f"{MOST_SLICES} at most", next="group them")
    found: Fairness = fairness(evidence, Asked(params.metric, positive=params.positive), expected=params.slices)
    has_intervals = not isinstance(evidence, Document) or any(
        one.has_interval for one in found.by_slice.values() if isinstance(one, Estimate)
    )
    between = (found.difference, found.ratio) if has_intervals else _of_bare(found)
    return {
        "slices": {name: as_json(told(evidence, "", one)) for name, one in found.by_slice.items()},
        "difference": as_json(reading_of(between[0], measured=has_intervals)),
        "ratio": as_json(reading_of(between[1], measured=has_intervals)),
    }


def _of_bare(found: Fairness) -> tuple[Measured_, Measured_]:
    """Difference and ratio of figures that all came without an interval: without one too."""
    known = [one.value for one in found.by_slice.values() if isinstance(one, Estimate)]
    if found.unmeasured or len(known) < 2:
        return found.difference, found.ratio
    most, least = max(known), min(known)
    ends, how = (float("-inf"), float("inf"), found.smallest), "of two figures"
    ratio: Measured_ = Unknown("a ratio needs figures that are not negative, and one above 0", found.smallest)
    if most > 0 and least >= 0:
        ratio = Estimate(least / most, *ends, how)
    return Estimate(most - least, *ends, how), ratio


def _slices(evidence: Evidence) -> set[str]:
    if isinstance(evidence, Document):
        return set(evidence.slices)
    return {slice_name(cell) for cell in evidence.columns.get("slice", ())}


def _too_small(params: FairnessParams, name: str, one: Reading | Unknown) -> Judgement | None:
    words = f"at least {params.min_slice:,} rows"
    shown = name or "(no name)"
    if isinstance(one, Unknown):
        figure = Figure(params.metric, None, words, n=one.n or None, subject=shown)
        return Judgement.unknown(f"{params.metric} of the slice {shown!r} is not known: {one.why}", figure)
    if one.n is None or one.n < params.min_slice:
        count = "an unknown number of rows" if one.n is None else f"{one.n:,} rows"
        figure = Figure(params.metric, one.value, words, n=one.n, subject=shown)
        return Judgement.unknown(f"the slice {shown!r} has {count}; {words} are wanted in each", figure)
    return None
