"""Tables of releases on their way: walks, evidence, verdicts, signatures, canaries, and what was live when."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text

from bot.adapters.sql.column_types import Choice, Figures, Json, Key, Moment, Names, Prose
from bot.adapters.sql.table_shapes import number, partial, table
from bot.domain.canaries import CanaryVerdict
from bot.domain.gates import GateVerdict
from bot.domain.walks import ReleaseKind, VersionStanding

# See tables.py: statements must use the same words as the index.
JUDGED = text("judge_at IS NOT NULL")
UNFOLDED = text("folded_at IS NULL")
RESTORED = text("how = 'rollback'")
RETROSPECTIVE_DUE = text("retrospective_due_at IS NOT NULL AND retrospective_at IS NULL")


def _release() -> Column[object]:
    return Column("release_id", Key, ForeignKey("releases.id"), nullable=False)


walks = table(
    "walks",
    Column("release_id", Key, ForeignKey("releases.id"), primary_key=True),
    Column("service", Key, nullable=False),
    Column("started_by", Prose, nullable=False),
    Column("policy_digest", Key, nullable=False),
    Column("pin", Key, nullable=False),
    Column("kind", Choice(ReleaseKind), nullable=False),
    Column("manifest_digest", Key, nullable=False),
    Column("stage_entered_at", Moment),
    Column("passed", Names, nullable=False),
    Column("wanted_by", Prose),
    Column("wanted_at", Moment),
    Column("judged_at", Moment),
    Column("judge_at", Moment),
    Column("run_id", Key),
    Column("live_at", Moment),
    Column("watched_at", Moment),
    Column("endorsed_by", Prose),
    Column("endorsed_at", Moment),
    Column("second_person", Prose),
    Column("retrospective_due_at", Moment),
    Column("retrospective", Prose, nullable=False),
    Column("retrospective_by", Prose),
    Column("retrospective_at", Moment),
    Index(None, "service"),
    partial("walks_to_judge", "judge_at", where=JUDGED),
    partial("walks_without_retrospective", "retrospective_due_at", where=RETROSPECTIVE_DUE),
)

evidence = table(
    "evidence",
    Column("id", Key, primary_key=True),
    Column("service", Key, nullable=False),
    Column("release_id", Key, ForeignKey("releases.id")),
    Column("name", Key, nullable=False),
    Column("media", Prose, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("source", Prose, nullable=False),
    Column("about", Key, nullable=False),
    Column("version", Prose, nullable=False),
    Index(None, "release_id", "id"),
    Index(None, "service", "id"),
)

gate_results = table(
    "gate_results",
    number(),
    Column("id", Key, nullable=False, unique=True),
    _release(),
    Column("service", Key, nullable=False),
    Column("stage", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("use", Key, nullable=False),
    Column("name", Prose, nullable=False),
    Column("params", Json, nullable=False),
    Column("verdict", Choice(GateVerdict), nullable=False),
    Column("why", Prose, nullable=False),
    Column("at", Moment, nullable=False),
    Column("code_version", Prose, nullable=False),
    Column("figures", Figures, nullable=False),
    Column("details", Json, nullable=False),
    Column("query", Prose, nullable=False),
    Column("evidence_ids", Names, nullable=False),
    Column("by", Prose, nullable=False),
    Index(None, "release_id", "number"),
)

signatures = table(
    "signatures",
    Column("id", Key, primary_key=True),
    _release(),
    Column("subject", Key, nullable=False),
    Column("by", Key, nullable=False),
    Column("at", Moment, nullable=False),
    Column("role", Key, nullable=False),
    Column("note", Prose, nullable=False),
    Column("withdrawn_at", Moment),
    Index(None, "release_id", "id"),
)

known_versions = table(
    "known_versions",
    Column("service", Key, primary_key=True),
    Column("version", Key, primary_key=True),
    Column("standing", Choice(VersionStanding), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("release_id", Key),
)

live_versions = table(
    "live_versions",
    number(),
    Column("service", Key, nullable=False),
    Column("environment", Key, nullable=False),
    Column("version", Prose),
    Column("since", Moment, nullable=False),
    Column("how", Key, nullable=False),
    Column("release_id", Key),
    Column("run_id", Key),
    Column("data", Json, nullable=False),
    Index(None, "service", "environment", "since"),
    partial("live_versions_restored", "run_id", "how", where=RESTORED),
)

live_reads = table(
    "live_reads",
    Column("service", Key, primary_key=True),
    Column("environment", Key, primary_key=True),
    Column("read_at", Moment, nullable=False),
    Column("version", Prose),
    Column("problem", Prose, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("moved_at", Moment),
    Column("reads", Integer, nullable=False),
    Column("unreleased", Prose),
    Column("unreleased_since", Moment),
    Column("owed", Json, nullable=False),
)

unplanned_dependencies = table(
    "unplanned_dependencies",
    Column("id", Key, primary_key=True),
    _release(),
    Column("on_service", Key, nullable=False),
    Column("what", Key, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("why", Prose, nullable=False),
    UniqueConstraint("release_id", "on_service", "what"),
)

canaries = table(
    "canaries",
    Column("release_id", Key, ForeignKey("releases.id"), primary_key=True),
    Column("service", Key, nullable=False),
    Column("phase", Key, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Column("comparison", LargeBinary, nullable=False),
    Column("joining", LargeBinary, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("verdict", Choice(CanaryVerdict), nullable=False),
    Column("standing", Json, nullable=False),
    Column("affected", Integer, nullable=False),
    Column("told", Prose, nullable=False),
    Column("folded_at", Moment),
    Column("closed_at", Moment),
)

observation_batches = table(
    "observation_batches",
    number(),
    Column("id", Key, nullable=False, unique=True),
    _release(),
    Column("key", Key, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("media", Prose, nullable=False),
    Column("encoding", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("folded_at", Moment),
    UniqueConstraint("release_id", "key"),
    partial("observation_batches_unfolded", "release_id", "number", where=UNFOLDED),
)

canary_points = table(
    "canary_points",
    number(),
    _release(),
    Column("at", Moment, nullable=False),
    Column("phase", Key, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("estimate", Float),
    Column("low", Float),
    Column("high", Float),
    Column("verdict", Choice(CanaryVerdict), nullable=False),
    Index(None, "release_id", "number"),
)

affected_keys = table(
    "affected_keys",
    number(),
    _release(),
    Column("at", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(None, "release_id", "number"),
)
