"""The gate `schema`: whether the candidate's data schema works for those who rely on the incumbent's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import StrictStr

from bot.domain.conditions import Compile
from bot.domain.errors import BadInput
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.strict_json import parse_json
from bot.evidence.extra import need_stats
from bot.evidence.figures import document_of
from bot.evidence.kept import count, listing
from bot.evidence.kinds import Kind, kind_of, unpacked
from bot.evidence.parameters import EvidenceName
from bot.evidence.picking import INCUMBENT, Piece, missing_words, pick
from bot.evidence.schema_forms import parquet_file_schema, read_schema
from bot.evidence.schemas import Change, Reading, Schema, changes
from bot.evidence.sides import Looked, careful
from bot.gate_plugins import FileField, GateContext, GateParams, Measured

WHAT = 'a JSON Schema, {"fields": [{"name": "age", "type": "int64"}]}, {"schema": ...} or a Parquet file'
ALLOWED = ("added", "removed", "retyped", "widened", "nullability", "categories")
MOST_CHANGES = 200


class SchemaParams(GateParams):
    """`allow`: kinds of changes that may be made where they break nobody; unset: all of them but `widened`.

    The candidate's is `data_schema` of the manifest, else the evidence called `evidence`. It is held against that
    evidence about the incumbent, or the evidence called `reference`, or the reviewed file `reference_file`.
    """

    allow: tuple[Literal["added", "removed", "retyped", "widened", "nullability", "categories"], ...] | None = None
    reading: Literal["data", "requests"] = "data"
    evidence: EvidenceName = "schema"
    reference: EvidenceName | None = None
    reference_file: Annotated[StrictStr, FileField("references")] | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Kinds of changes that may be made."""
        return tuple(one for one in ALLOWED if one != "widened") if self.allow is None else self.allow


class SchemaGate:
    """Compare field by field: a change that breaks whoever relies on the schema fails, whatever is allowed."""

    name: ClassVar[str] = "schema"
    summary: ClassVar[str] = "The candidate's data schema breaks nobody who relies on the incumbent's"
    Params: ClassVar[type[GateParams]] = SchemaParams

    def title(self, params: SchemaParams) -> str:
        """`schema works for readers of the old one`."""
        who = "readers of the old one" if params.reading == "data" else "senders made for the old one"
        return f"schema works for {who}"

    def collect(self, params: SchemaParams, ctx: GateContext) -> Measured:
        """Both schemas, and every difference between them."""
        ids: list[str] = []
        aside: list[str] = []

        def compared() -> Looked:
            now = _candidate(params, ctx, ids, aside)
            was = _reference(params, ctx, ids, aside)
            return Looked({**_facts(was, now, Reading(params.reading)), "set_aside": aside}, tuple(ids))

        found = careful(compared)
        return Measured(found.facts, evidence_ids=found.evidence_ids or tuple(ids), problem=found.problem)

    def judge(self, params: SchemaParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Breaking changes and those that are not allowed fail; no fields at all is unknown."""
        facts = measured.facts
        sizes, kept = [count(one) for one in listing(facts.get("fields"))], facts.get("changes")
        more, more_breaking = count(facts.get("more")), count(facts.get("more_breaking"))
        if len(sizes) != 2 or not all(sizes) or not isinstance(kept, list) or more is None or more_breaking is None:
            return Judgement.unknown("one of the schemas has no fields, so there is nothing to compare")
        bad = [one for one in kept if _is_refused(one, params.allowed)]
        refused = len(bad) + more_breaking
        figure = Figure("changes that are refused", float(refused), "at most 0", n=sizes[1], unit="changes")
        details = {"changes": kept[:50], "set_aside": facts.get("set_aside", [])}
        if refused:
            return Judgement(GateVerdict.FAIL, _words(bad, refused), (figure,), details)
        if more:
            words = f"there are {more:,} changes more than can be kept: compare them by hand, in smaller schemas"
            return Judgement(GateVerdict.UNKNOWN, words, (figure,), details)
        words = f"{len(kept)} changes, all allowed" if kept else "nothing changed"
        return Judgement(GateVerdict.PASS, f"{words}, over {sizes[1]} fields", (figure,), details)


def _candidate(params: SchemaParams, ctx: GateContext, ids: list[str], aside: list[str]) -> Schema:
    written = ctx.manifest.get("data_schema")
    if written:
        return read_schema(written)
    picked = pick(ctx.evidence(params.evidence), ctx.release)
    if picked.piece is None:
        words = missing_words(params.evidence, ctx.release, WHAT, picked=picked)
        raise BadInput("The manifest has no data_schema", why=words)
    ids.extend(picked.ids)
    aside.extend(picked.set_aside)
    return _of_piece(picked.piece)


def _reference(params: SchemaParams, ctx: GateContext, ids: list[str], aside: list[str]) -> Schema:
    if params.reference_file is not None:
        raw = ctx.files.read("references", params.reference_file)
        return _of_bytes(raw, kind_of(name=params.reference_file, raw=raw))
    if params.reference is not None:
        piece: Piece | None = next(iter(ctx.evidence(params.reference)), None)
        words = missing_words(params.reference, ctx.release, WHAT)
    else:
        picked = pick(ctx.evidence(params.evidence), ctx.release, INCUMBENT)
        piece = picked.piece
        aside.extend(picked.set_aside)
        words = missing_words(params.evidence, ctx.release, WHAT, about=INCUMBENT, picked=picked)
    if piece is None:
        raise BadInput("There is nothing to compare the schema with", why=words)
    ids.append(piece.record.id)
    return _of_piece(piece)


def _of_piece(piece: Piece) -> Schema:
    record = piece.record
    return _of_bytes(piece.content, kind_of(name=record.name, content_type=record.media, raw=piece.content))


def _of_bytes(raw: bytes, kind: Kind) -> Schema:
    if kind is Kind.PARQUET:
        need_stats("pyarrow")
        return parquet_file_schema(raw)
    if kind is not Kind.JSON:
        raise BadInput(f"A schema cannot be read from {kind}", next=f"push {WHAT}")
    value = parse_json(unpacked(raw))
    if isinstance(value, dict) and "schema" in value and "fields" not in value:
        return read_schema(document_of(value).data_schema)
    return read_schema(value)


def _facts(was: Schema, now: Schema, reading: Reading) -> dict[str, Any]:
    """Every change with what it is called here, breaking ones first; the first 200, and how many more."""
    strict = changes(was, now, reading=reading)
    lax = {(one.field, one.what): one.is_breaking for one in changes(was, now, reading=reading, allow_widening=True)}
    listed = sorted((_change(one, lax) for one in strict), key=lambda one: not one["breaking"])
    cut = listed[MOST_CHANGES:]
    breaking = sum(one["breaking"] for one in cut)
    return {
        "fields": [len(was), len(now)],
        "changes": listed[:MOST_CHANGES],
        "more": len(cut),
        "more_breaking": breaking,
    }


def _change(one: Change, lax: Mapping[tuple[str, str], bool]) -> dict[str, Any]:
    is_widened = one.is_breaking and not lax[(one.field, one.what)]
    what = "widened" if is_widened else one.what
    breaking = one.is_breaking and not is_widened
    return {"field": one.field[:200], "what": what, "breaking": breaking, "why": one.why[:300]}


def _is_refused(one: object, allowed: tuple[str, ...]) -> bool:
    if not isinstance(one, Mapping):
        return True
    return one.get("breaking") is not False or one.get("what") not in allowed


def _words(bad: list[Any], refused: int) -> str:
    said = [f"{one.get('field')!r} {one.get('what')}: {one.get('why')}" for one in bad[:4] if isinstance(one, Mapping)]
    more = [f"and {refused - len(said)} more"] if refused > len(said) else []
    return f"{refused} {'change is' if refused == 1 else 'changes are'} not allowed: {'; '.join([*said, *more])}"
