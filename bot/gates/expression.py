"""The gate `expression`: a condition over every figure of the evidence, the manifest, the release and the canary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictStr

from bot.domain.conditions import Compile, Truth
from bot.domain.errors import AndonError
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.evidence.figures import Document, Figures
from bot.evidence.kept import mapping, number
from bot.evidence.kinds import Kind, kind_of
from bot.evidence.parameters import Label
from bot.evidence.picking import pick
from bot.evidence.sides import read_piece
from bot.gate_plugins import EvidencePiece, GateContext, GateParams, Measured
from bot.plugins import ConditionField

VARIABLES = ("metrics", "manifest", "release", "canary", "signatures")
MOST_BYTES = 256 * 1024
"""Of facts, all together."""
_OWN = ("latency_ms", "memory_mib", "incumbent", "slices")


class ExpressionParams(GateParams):
    """`condition`, and what it is called (`says`)."""

    condition: Annotated[StrictStr, ConditionField(VARIABLES), Field(min_length=1, max_length=2_000)]
    says: Label | None = None


class Expression:
    """Judge a condition. What it cannot evaluate, an absent figure or a wrong type, makes it unknown."""

    name: ClassVar[str] = "expression"
    summary: ClassVar[str] = "A condition over figures, manifest, release, canary and signatures holds"
    Params: ClassVar[type[GateParams]] = ExpressionParams

    def title(self, params: ExpressionParams) -> str:
        """What it is called, else the beginning of the condition."""
        text = " ".join(params.condition.split())
        return params.says or (text if len(text) <= 80 else f"{text[:79]}…")

    def collect(self, params: ExpressionParams, ctx: GateContext) -> Measured:
        """Everything that a condition may read, as plain JSON."""
        metrics, ids, aside = _metrics(ctx)
        facts = {
            "metrics": metrics,
            "manifest": dict(ctx.manifest),
            "release": dict(ctx.release),
            "canary": None if ctx.canary is None else dict(ctx.canary),
            "signatures": [
                {"subject": one.subject, "by": one.by, "role": one.role, "at": one.at.isoformat()}
                for one in ctx.signatures
            ],
        }
        try:
            plain = json.dumps(facts, default=str, allow_nan=False)
        except ValueError:
            return Measured(problem="a figure is not finite, so nothing can be judged with it", evidence_ids=ids)
        if len(plain) > MOST_BYTES:
            words = (
                f"figures and manifest together take {len(plain):,} bytes; {MOST_BYTES:,} can be kept with a verdict"
            )
            return Measured(problem=f"{words}: push fewer figures, or link documents", evidence_ids=ids)
        return Measured({**json.loads(plain), "set_aside": aside}, query=params.condition, evidence_ids=ids)

    def judge(self, params: ExpressionParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """Yes passes, no fails, anything else is unknown."""
        facts = {name: measured.facts.get(name) for name in VARIABLES}
        aside = {"set_aside": measured.facts.get("set_aside", [])}
        try:
            finding = compile(params.condition, frozenset(VARIABLES)).judge(facts)
        except ValueError as error:
            return Judgement.unknown(f"`{params.condition}` is no condition: {error}", **aside)
        value = {Truth.YES: 1.0, Truth.NO: 0.0}.get(finding.truth)
        figures = (Figure(self.title(params), value, "at least 1 (it holds)"), *_mentioned(params.condition, facts))
        words = {Truth.YES: "holds", Truth.NO: "does not hold", Truth.UNKNOWN: "cannot be judged"}[finding.truth]
        why = f"`{params.condition}` {words}" + (f": {finding.why}" if finding.why else "")
        verdict = {Truth.YES: GateVerdict.PASS, Truth.NO: GateVerdict.FAIL}.get(finding.truth, GateVerdict.UNKNOWN)
        return Judgement(verdict, why, figures, aside)


def _metrics(ctx: GateContext) -> tuple[dict[str, Any], tuple[str, ...], list[str]]:
    """Figures of every document about the candidate, those of the newest of each name; rows hold no figures."""
    by_name: dict[str, list[EvidencePiece]] = {}
    for piece in ctx.evidence(None):
        by_name.setdefault(piece.record.name, []).append(piece)
    metrics: dict[str, Any] = {}
    ids: list[str] = []
    aside: list[str] = []
    for pieces in by_name.values():
        picked = pick(pieces, ctx.release)
        aside += picked.set_aside
        if picked.piece is None:
            continue
        try:
            found = _document(picked.piece.record.name, picked.piece.record.media, picked.piece.content, picked.piece)
        except AndonError as error:
            aside.append(f"{picked.piece.record.id}: {error}")
            continue
        if found is not None:
            ids += picked.ids
            _merge(metrics, _named(found), aside)
    return metrics, tuple(ids), aside[:20]


def _document(name: str, media: str, raw: bytes, piece: Any) -> Document | None:
    if kind_of(name=name, content_type=media, raw=raw) is not Kind.JSON:
        return None
    found = read_piece(piece)
    return found if isinstance(found, Document) else None


def _named(document: Document) -> dict[str, Any]:
    found = _plain(document)
    if document.incumbent is not None:
        found["incumbent"] = _plain(document.incumbent)
    if document.slices:
        found["slices"] = {name: _plain(one) for name, one in document.slices.items()}
    return found


def _plain(figures: Figures) -> dict[str, Any]:
    found: dict[str, Any] = {name: one.value for name, one in figures.metrics.items() if name not in _OWN}
    for group in ("latency_ms", "memory_mib"):
        named: Mapping[str, Any] = getattr(figures, group)
        if named:
            found[group] = {name: one.value for name, one in named.items()}
    return found


def _merge(metrics: dict[str, Any], found: Mapping[str, Any], aside: list[str]) -> None:
    """The newest evidence was looked at first: what it says stays."""
    for name, value in found.items():
        if name in metrics and metrics[name] != value:
            aside.append(f"a second, older value of {name[:80]!r}")
        metrics.setdefault(name, value)


def _mentioned(condition: str, facts: Mapping[str, Any]) -> list[Figure]:
    """Figures whose name stands in the condition, for the reader."""
    named = ((str(name), number(value)) for name, value in mapping(facts.get("metrics")).items())
    return [Figure(name, value) for name, value in named if value is not None and name in condition][:20]
