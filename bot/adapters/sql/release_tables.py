"""Tables of releases on their way: walks, evidence, verdicts, signatures, canaries, and what was live when."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text

from bot.adapters.sql.column_types import FIGURES, JSON, KEY, MOMENT, NAMES, PROSE, choice
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
    return Column("release_id", KEY, ForeignKey("releases.id"), nullable=False)


walks = table(
    "walks",
    Column("release_id", KEY, ForeignKey("releases.id"), primary_key=True),
    Column("service", KEY, nullable=False),
    Column("started_by", PROSE, nullable=False),
    Column("policy_digest", KEY, nullable=False),
    Column("pin", KEY, nullable=False),
    Column("kind", choice(ReleaseKind), nullable=False),
    Column("manifest_digest", KEY, nullable=False),
    Column("stage_entered_at", MOMENT),
    Column("passed", NAMES, nullable=False),
    Column("wanted_by", PROSE),
    Column("wanted_at", MOMENT),
    Column("judged_at", MOMENT),
    Column("judge_at", MOMENT),
    Column("run_id", KEY),
    Column("live_at", MOMENT),
    Column("watched_at", MOMENT),
    Column("endorsed_by", PROSE),
    Column("endorsed_at", MOMENT),
    Column("second_person", PROSE),
    Column("retrospective_due_at", MOMENT),
    Column("retrospective", PROSE, nullable=False),
    Column("retrospective_by", PROSE),
    Column("retrospective_at", MOMENT),
    Index(None, "service"),
    partial("walks_to_judge", "judge_at", where=JUDGED),
    partial("walks_without_retrospective", "retrospective_due_at", where=RETROSPECTIVE_DUE),
)

evidence = table(
    "evidence",
    Column("id", KEY, primary_key=True),
    Column("service", KEY, nullable=False),
    Column("release_id", KEY, ForeignKey("releases.id")),
    Column("name", KEY, nullable=False),
    Column("media", PROSE, nullable=False),
    Column("sha256", KEY, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("source", PROSE, nullable=False),
    Column("about", KEY, nullable=False),
    Column("version", PROSE, nullable=False),
    Index(None, "release_id", "id"),
    Index(None, "service", "id"),
)

gate_results = table(
    "gate_results",
    number(),
    Column("id", KEY, nullable=False, unique=True),
    _release(),
    Column("service", KEY, nullable=False),
    Column("stage", KEY, nullable=False),
    Column("position", Integer, nullable=False),
    Column("use", KEY, nullable=False),
    Column("name", PROSE, nullable=False),
    Column("params", JSON, nullable=False),
    Column("verdict", choice(GateVerdict), nullable=False),
    Column("why", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("code_version", PROSE, nullable=False),
    Column("figures", FIGURES, nullable=False),
    Column("details", JSON, nullable=False),
    Column("query", PROSE, nullable=False),
    Column("evidence_ids", NAMES, nullable=False),
    Column("by", PROSE, nullable=False),
    Index(None, "release_id", "number"),
)

signatures = table(
    "signatures",
    Column("id", KEY, primary_key=True),
    _release(),
    Column("subject", KEY, nullable=False),
    Column("by", KEY, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("role", KEY, nullable=False),
    Column("note", PROSE, nullable=False),
    Column("withdrawn_at", MOMENT),
    Index(None, "release_id", "id"),
)

known_versions = table(
    "known_versions",
    Column("service", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("standing", choice(VersionStanding), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("release_id", KEY),
)

live_versions = table(
    "live_versions",
    number(),
    Column("service", KEY, nullable=False),
    Column("environment", KEY, nullable=False),
    Column("version", PROSE),
    Column("since", MOMENT, nullable=False),
    Column("how", KEY, nullable=False),
    Column("release_id", KEY),
    Column("run_id", KEY),
    Column("data", JSON, nullable=False),
    Index(None, "service", "environment", "since"),
    partial("live_versions_restored", "run_id", "how", where=RESTORED),
)

live_reads = table(
    "live_reads",
    Column("service", KEY, primary_key=True),
    Column("environment", KEY, primary_key=True),
    Column("read_at", MOMENT, nullable=False),
    Column("version", PROSE),
    Column("problem", PROSE, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("moved_at", MOMENT),
    Column("reads", Integer, nullable=False),
    Column("unreleased", PROSE),
    Column("unreleased_since", MOMENT),
    Column("owed", JSON, nullable=False),
)

unplanned_dependencies = table(
    "unplanned_dependencies",
    Column("id", KEY, primary_key=True),
    _release(),
    Column("on_service", KEY, nullable=False),
    Column("what", KEY, nullable=False),
    Column("found_at", MOMENT, nullable=False),
    Column("why", PROSE, nullable=False),
    UniqueConstraint("release_id", "on_service", "what"),
)

canaries = table(
    "canaries",
    Column("release_id", KEY, ForeignKey("releases.id"), primary_key=True),
    Column("service", KEY, nullable=False),
    Column("phase", KEY, nullable=False),
    Column("opened_at", MOMENT, nullable=False),
    Column("version", Integer, nullable=False),
    Column("comparison", LargeBinary, nullable=False),
    Column("joining", LargeBinary, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("verdict", choice(CanaryVerdict), nullable=False),
    Column("standing", JSON, nullable=False),
    Column("affected", Integer, nullable=False),
    Column("told", PROSE, nullable=False),
    Column("folded_at", MOMENT),
    Column("closed_at", MOMENT),
)

observation_batches = table(
    "observation_batches",
    number(),
    Column("id", KEY, nullable=False, unique=True),
    _release(),
    Column("key", KEY, nullable=False),
    Column("received_at", MOMENT, nullable=False),
    Column("media", PROSE, nullable=False),
    Column("encoding", KEY, nullable=False),
    Column("sha256", KEY, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("folded_at", MOMENT),
    UniqueConstraint("release_id", "key"),
    partial("observation_batches_unfolded", "release_id", "number", where=UNFOLDED),
)

canary_points = table(
    "canary_points",
    number(),
    _release(),
    Column("at", MOMENT, nullable=False),
    Column("phase", KEY, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("estimate", Float),
    Column("low", Float),
    Column("high", Float),
    Column("verdict", choice(CanaryVerdict), nullable=False),
    Index(None, "release_id", "number"),
)

affected_keys = table(
    "affected_keys",
    number(),
    _release(),
    Column("at", MOMENT, nullable=False),
    Column("count", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(None, "release_id", "number"),
)
