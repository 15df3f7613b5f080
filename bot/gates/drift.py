"""The gate `drift`: how far features and predictions have moved from their reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool, StrictStr, model_validator

from bot.domain.conditions import Compile
from bot.domain.errors import AndonError, BadInput
from bot.domain.gates import Judgement
from bot.evidence.bounds import Bound, Held, number_words, together
from bot.evidence.comparing import drift
from bot.evidence.extra import need_stats
from bot.evidence.figures import Document
from bot.evidence.kept import listing, mapping
from bot.evidence.kinds import kind_of
from bot.evidence.measuring import Evidence, read_evidence
from bot.evidence.parameters import Count, EvidenceName, Label, Positive
from bot.evidence.picking import INCUMBENT, missing_words, pick
from bot.evidence.readings import as_json, from_json, reading_of
from bot.evidence.rows import Rows
from bot.evidence.sides import Looked, careful, read_piece
from bot.gate_plugins import FileField, GateContext, GateParams, Measured
from bot.statistics.estimates import Estimate, Unknown

if TYPE_CHECKING:
    from bot.statistics.drift import Drift

WHAT = 'the rows of now (NDJSON, CSV, Parquet), or {"features": {"age": {"counts": [...], "reference_counts": [...]}}}'
MEASURES = {"psi": "psi", "ks": "ks", "chi2": "chi_square", "js": "jensen_shannon"}
LEAST = 500
MOST_FEATURES = 500
PREDICTIONS = ("prediction", "score")
NO_FEATURES = frozenset({"key", "id", "label", "slice", "error", "latency_ms", "memory_mib"})
"""Columns that are no features where a gate names none; nor are columns of the incumbent."""
_MOST_NOTES = 3


class OfFeature(GateParams):
    """What is different for one feature."""

    method: Literal["psi", "ks", "chi2", "js"] | None = None
    at_most: Positive | None = None


class DriftParams(GateParams):
    """`at_most` of `method` (psi), for `features` (all), each with its own bound in `per_feature` where it needs one.

    Rows are held against the evidence called `reference` (any version's), or the reviewed file `reference_file`.
    """

    at_most: Positive
    method: Literal["psi", "ks", "chi2", "js"] = "psi"
    features: Annotated[tuple[Label, ...], Field(max_length=MOST_FEATURES)] = ()
    predictions: StrictBool = True
    per_feature: Annotated[Mapping[Label, OfFeature], Field(default_factory=dict, max_length=MOST_FEATURES)]
    reference: EvidenceName = "reference"
    reference_file: Annotated[StrictStr, FileField("references")] | None = None
    evidence: EvidenceName = "drift"
    min_n: Count = LEAST
    confident: StrictBool = False

    @model_validator(mode="after")
    def _knows_its_features(self) -> Self:
        strange = [name for name in self.per_feature if self.features and name not in self.features]
        if strange:
            raise ValueError(f"per_feature names {strange[0]!r}, which is not among the features")
        return self

    def bound(self, feature: str) -> tuple[str, float]:
        """Method and limit for one feature."""
        own = self.per_feature.get(feature, OfFeature())
        return own.method or self.method, self.at_most if own.at_most is None else own.at_most


class DriftGate:
    """Measure every feature against its reference, and hold the effect's size, never a p-value, against a bound."""

    name: ClassVar[str] = "drift"
    summary: ClassVar[str] = "Features and predictions have not moved from their reference"
    Params: ClassVar[type[GateParams]] = DriftParams

    def title(self, params: DriftParams) -> str:
        """`drift psi at most 0.2 in every feature`."""
        which = f"{len(params.features)} features" if params.features else "every feature"
        which = params.features[0] if len(params.features) == 1 else which
        return f"drift {params.method} at most {number_words(params.at_most)} in {which}"

    def collect(self, params: DriftParams, ctx: GateContext) -> Measured:
        """Every effect of every feature, so that another method can be judged from the record."""
        picked = pick(ctx.evidence(params.evidence), ctx.release)
        if picked.piece is None:
            return Measured(problem=missing_words(params.evidence, ctx.release, WHAT, picked=picked))
        piece = picked.piece

        def all_of_them() -> Looked:
            need_stats()
            now = read_piece(piece)
            was, ids = (None, ()) if isinstance(now, Document) else _reference(params, ctx)
            facts = {"features": _features(params, now, was), "set_aside": list(picked.set_aside)}
            return Looked(facts, (*picked.ids, *ids))

        found = careful(all_of_them, picked.ids)
        return Measured(found.facts, evidence_ids=found.evidence_ids, problem=found.problem)

    def judge(self, params: DriftParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """The worst feature decides; one that is constant on both sides is set aside, and that is said."""
        features = mapping(measured.facts.get("features"))
        counted = {name: one for name, one in features.items() if not _is_constant(one)}
        constant = sorted(set(features) - set(counted))
        if not counted:
            why = "every feature is constant on both sides" if constant else "there is no feature to look at"
            return Judgement.unknown(f"{why}, so nothing could drift", constant=constant[:50])
        judged = [_judge(params, name, one) for name, one in counted.items()]
        aside = measured.facts.get("set_aside", [])
        return together(judged, features=len(counted), constant=constant[:50], set_aside=aside)


def _reference(params: DriftParams, ctx: GateContext) -> tuple[Rows, tuple[str, ...]]:
    ids: tuple[str, ...] = ()
    found: Evidence
    if params.reference_file is not None:
        raw = ctx.files.read("references", params.reference_file)
        found = read_evidence(raw, kind_of(name=params.reference_file, raw=raw))
    else:
        pieces = ctx.evidence(params.reference)
        # The reference is of another time, mostly of another version: the newest counts, whosever it says it is.
        piece = next(iter(pieces), None)
        if piece is None:
            raise BadInput(missing_words(params.reference, ctx.release, "the reference rows", about=INCUMBENT))
        found, ids = read_piece(piece), (piece.record.id,)
    if isinstance(found, Document):
        raise BadInput("The reference is a document of figures", next="send rows, as the evidence of now is")
    return found, ids


def _features(params: DriftParams, now: Evidence, was: Rows | None) -> dict[str, Any]:
    names = list(params.features) or _named(now, was)
    if not params.predictions:
        names = [name for name in names if name not in PREDICTIONS or name in params.features]
    if len(names) > MOST_FEATURES:
        raise BadInput(
            f"There are {len(names)} features", why=f"{MOST_FEATURES} at most", next="name those that matter"
        )
    return {name: _one(now, name, was, params.min_n) for name in names}


def _named(now: Evidence, was: Rows | None) -> list[str]:
    """Every feature of either side: one that is gone now is not overlooked."""
    names: Sequence[str] = (
        [*now.features] if isinstance(now, Document) else [*now.columns, *(was.columns if was else ())]
    )
    return sorted({name for name in names if name not in NO_FEATURES and not name.startswith("incumbent_")})


def _one(now: Evidence, name: str, was: Rows | None, least: int) -> dict[str, Any]:
    try:
        found = drift(now, name, reference=was, least=least)
    except AndonError as error:
        return {"unknown": str(error)}
    if isinstance(found, Unknown):
        return {"unknown": found.why}
    return {
        "kind": found.kind,
        "n": found.n,
        "n_reference": found.n_reference,
        "effects": {short: _effect(found, measure) for short, measure in MEASURES.items() if measure in found.effects},
        "missing": [found.missing_reference, found.missing],
        "unseen": found.unseen,
        "unit_factor": found.unit_factor,
        "unknown": found.unknown,
        "notes": [note[:300] for note in found.notes[:_MOST_NOTES]],
    }


def _effect(found: Drift, measure: str) -> dict[str, Any]:
    one = found.effects[measure]
    n = min(found.n, found.n_reference)
    kept = as_json(reading_of(Estimate(one.value, one.low, one.high, n, measure)))
    return {**kept, "p_value": one.p_value, "without_drift": one.without_drift}


def _is_constant(one: object) -> bool:
    kept = mapping(one)
    notes, missing = listing(kept.get("notes")), listing(kept.get("missing"))
    both = all(note in notes for note in ("constant in the reference", "constant now"))
    is_same = not kept.get("unseen") and len(missing) == 2 and missing[0] == missing[1]
    return (both or "one category on both sides" in notes) and is_same


def _judge(params: DriftParams, name: str, one: object) -> Judgement:
    method, limit = params.bound(name)
    label, bound = f"{method} of {name}", Bound(limit, is_least=False)
    if not isinstance(one, Mapping):
        return Held(label, Unknown("nothing was kept of it"), bound, name).judge()
    kept = mapping(one.get("effects")).get(method)
    if one.get("unknown"):
        return Held(label, Unknown(str(one["unknown"])), bound, name).judge()
    if kept is None:
        return Held(label, Unknown(f"{method} does not exist for {one.get('kind')} values"), bound, name).judge()
    judged = Held(label, from_json(kept), bound, name, params.confident).judge()
    notes = [str(note) for note in listing(one.get("notes"))]
    why = f"{judged.why} ({'; '.join(notes)})" if notes else judged.why
    return Judgement(judged.verdict, why, judged.figures)
