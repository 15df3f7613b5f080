"""One figure of both sides of a release, with how far they are apart: what `metric`, `latency`, `memory` look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.errors import AndonError
from bot.domain.gates import Evidence as Record
from bot.evidence.extra import need_stats
from bot.evidence.figures import LAST_SAMPLE, Document
from bot.evidence.kinds import Kind, kind_of
from bot.evidence.measuring import Asked, Evidence, Side, change, measure, read_evidence
from bot.evidence.picking import CANDIDATE, INCUMBENT, Piece, missing_words, pick
from bot.evidence.read_once import ReadOnce
from bot.evidence.readings import Read, Reading, as_json, reading_of
from bot.evidence.rows import Rows
from bot.statistics.estimates import Estimate, Measured, Unknown, difference, proportion, ratio

SHARES = frozenset({"accuracy", "error_rate", "positive_rate"})
"""Figures that are shares of all rows: one that was sent with its `n` alone gets the interval of a share."""
ANSWER_COLUMN = "slice"


@dataclass(frozen=True)
class Looked:
    """What was found, as a gate gives it out."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence_ids: tuple[str, ...] = ()
    problem: str = ""


def read_piece(piece: Piece) -> Evidence:
    """The evidence out of a piece, read once for all gates of a judging where the piece knows of the others. BadInput
    where it cannot be read; ConfigError where that needs a missing extra."""
    record: Record = piece.record
    kind = kind_of(name=record.name, content_type=record.media, raw=piece.content)
    if kind is Kind.PARQUET:
        need_stats("pyarrow")
    once: ReadOnce = getattr(piece, "once", None) or ReadOnce()
    found = once.of((record.sha256, kind, record.name), lambda: read_evidence(piece.content, kind, name=record.name))
    if isinstance(found, Rows):
        need_stats()
    return found


def careful(look: Callable[[], Looked], ids: tuple[str, ...] = ()) -> Looked:
    """What `look` finds; where the evidence cannot be counted, why not."""
    try:
        return look()
    except AndonError as error:
        return Looked(problem=str(error), evidence_ids=ids)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        return Looked(problem=f"The evidence cannot be counted: {type(error).__name__}.", evidence_ids=ids)


def look(
    pieces: Sequence[Piece], release: Mapping[str, Any], asked: Asked, *, name: str, what: str, by: str | None = None
) -> Looked:
    """The figure of the candidate, of the incumbent (from the same evidence, else from evidence about it), the change
    and the ratio. `name` is what the evidence is called, `by` the column that names slices."""
    picked = pick(pieces, release)
    if picked.piece is None:
        return Looked(problem=missing_words(name, release, what, picked=picked))
    piece = picked.piece

    def both() -> Looked:
        evidence = by_column(read_piece(piece), by)
        other = pick(pieces, release, INCUMBENT)
        sides = _Sides(evidence, by_column(read_piece(other.piece), by) if other.piece else None, asked)
        facts = {"figure": asked.name, "evidence": name, **sides.as_json(release)}
        facts["set_aside"] = [*picked.set_aside, *other.set_aside]
        return Looked(facts, (*picked.ids, *other.ids))

    return careful(both, picked.ids)


def by_column(evidence: Evidence, column: str | None) -> Evidence:
    """The same with the slices that this column names. BadInput where there is no such column."""
    if column is None or isinstance(evidence, Document):
        return evidence
    return replace(evidence, columns={**evidence.columns, ANSWER_COLUMN: evidence.column(column)})


def sent_or_measured(evidence: Evidence, asked: Asked, side: Side = Side.CANDIDATE) -> Read:
    """The figure; a share that was sent with its number of rows but without an interval gets Wilson's."""
    return told(evidence, asked.name, measure(evidence, asked, side))


def told(evidence: Evidence, name: str, found: Measured) -> Read:
    """The reading of a figure of this evidence."""
    is_sent = isinstance(evidence, Document)
    is_bare = is_sent and isinstance(found, Estimate) and not found.has_interval and found.method != LAST_SAMPLE
    if is_bare and name in SHARES and found.n and isinstance(found, Estimate) and 0 <= found.value <= 1:
        return reading_of(proportion(found.value * found.n, found.n))
    return reading_of(found, measured=not is_sent)


@dataclass(frozen=True)
class _Sides:
    evidence: Evidence
    other: Evidence | None
    asked: Asked

    def as_json(self, release: Mapping[str, Any]) -> dict[str, Any]:
        now = sent_or_measured(self.evidence, self.asked)
        was, is_same = self._incumbent(release)
        return {
            CANDIDATE: as_json(now),
            INCUMBENT: as_json(was),
            "change": as_json(self._change(now, was, is_same)),
            "ratio": as_json(_ratio(now, was)),
        }

    def _incumbent(self, release: Mapping[str, Any]) -> tuple[Read, bool]:
        """Its figure, and whether it stands in the same evidence."""
        if release.get(CANDIDATE) == release.get(INCUMBENT):
            return Unknown("the incumbent is the candidate itself, so there is nothing to compare with"), False
        own = sent_or_measured(self.evidence, self.asked, Side.INCUMBENT)
        if isinstance(own, Reading) or self.other is None:
            return own, True
        return sent_or_measured(self.other, self.asked), False

    def _change(self, now: Read, was: Read, is_same: bool) -> Read:
        if isinstance(now, Unknown) or isinstance(was, Unknown):
            return _first_unknown(now, was)
        if is_same and isinstance(self.evidence, Rows):
            return reading_of(change(self.evidence, self.asked))
        return Reading(difference(now.estimate, was.estimate), now.has_interval and was.has_interval)


def _ratio(now: Read, was: Read) -> Read:
    if isinstance(now, Unknown) or isinstance(was, Unknown):
        return _first_unknown(now, was)
    if now.has_interval and was.has_interval:
        return reading_of(ratio(now.estimate, was.estimate))
    if was.value <= 0 or now.value < 0:
        return Unknown("a ratio needs figures that are not negative, and an incumbent's above 0")
    value = now.value / was.value
    n = min(now.estimate.n, was.estimate.n)
    return reading_of(Estimate(value, float("-inf"), float("inf"), n, "of two figures"), measured=False)


def _first_unknown(now: Read, was: Read) -> Unknown:
    if isinstance(now, Unknown):
        return now
    return was if isinstance(was, Unknown) else Unknown("nothing is unknown")
