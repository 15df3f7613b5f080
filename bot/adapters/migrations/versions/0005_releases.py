"""Releases on their way: walks, evidence, verdicts, signatures, canaries, and what was live when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # A worker of the version before writes releases without these.
    for name in ("stage", "resumes_as", "declared"):
        op.add_column("releases", sa.Column(name, sa.Text()))
    _walks()
    _evidence()
    _gate_results()
    _signatures()
    _known_versions()
    _live_versions()
    _unplanned_dependencies()
    _canaries()
    _observation_batches()
    _canary_points()
    _affected_keys()


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _numbered(name: str, *columns: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, sa.Identity(), nullable=False, autoincrement=True),
        *columns,
        sa.PrimaryKeyConstraint("number", name=f"{name}_pkey"),
    )


def _of_release(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=f"{table}_release_id_fkey")


def _walks() -> None:
    op.create_table(
        "walks",
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("policy_digest", KEY, nullable=False),
        sa.Column("pin", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("manifest_digest", KEY, nullable=False),
        sa.Column("stage_entered_at", MOMENT),
        sa.Column("passed", sa.Text(), nullable=False),
        sa.Column("wanted_by", sa.Text()),
        sa.Column("wanted_at", MOMENT),
        sa.Column("judged_at", MOMENT),
        sa.Column("judge_at", MOMENT),
        sa.Column("run_id", KEY),
        sa.Column("live_at", MOMENT),
        sa.Column("watched_at", MOMENT),
        sa.Column("endorsed_by", sa.Text()),
        sa.Column("endorsed_at", MOMENT),
        sa.Column("second_person", sa.Text()),
        sa.Column("retrospective_due_at", MOMENT),
        sa.Column("retrospective", sa.Text(), nullable=False),
        sa.Column("retrospective_by", sa.Text()),
        sa.Column("retrospective_at", MOMENT),
        sa.PrimaryKeyConstraint("release_id", name="walks_pkey"),
        _of_release("walks"),
    )
    op.create_index("walks_by_service", "walks", ["service"])
    _partial("walks_to_judge", "walks", ["judge_at"], "judge_at IS NOT NULL")
    _partial(
        "walks_without_retrospective",
        "walks",
        ["retrospective_due_at"],
        "retrospective_due_at IS NOT NULL AND retrospective_at IS NULL",
    )


def _evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("release_id", KEY),
        sa.Column("name", KEY, nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("about", KEY, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="evidence_pkey"),
        _of_release("evidence"),
    )
    op.create_index("evidence_by_release_id_id", "evidence", ["release_id", "id"])
    op.create_index("evidence_by_service_id", "evidence", ["service", "id"])


def _gate_results() -> None:
    _numbered(
        "gate_results",
        sa.Column("id", KEY, nullable=False),
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("use", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("evidence_ids", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        _of_release("gate_results"),
        sa.UniqueConstraint("id", name="gate_results_id_key"),
    )
    op.create_index("gate_results_by_release_id_number", "gate_results", ["release_id", "number"])


def _signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("by", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="signatures_pkey"),
        _of_release("signatures"),
    )
    op.create_index("signatures_by_release_id_id", "signatures", ["release_id", "id"])


def _known_versions() -> None:
    op.create_table(
        "known_versions",
        sa.Column("service", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("release_id", KEY),
        sa.PrimaryKeyConstraint("service", "version", name="known_versions_pkey"),
    )


def _live_versions() -> None:
    _numbered(
        "live_versions",
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("how", KEY, nullable=False),
        sa.Column("release_id", KEY),
        sa.Column("run_id", KEY),
        sa.Column("data", sa.Text(), nullable=False),
    )
    op.create_index("live_versions_by_service_environment_since", "live_versions", ["service", "environment", "since"])


def _unplanned_dependencies() -> None:
    op.create_table(
        "unplanned_dependencies",
        sa.Column("id", KEY, nullable=False),
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("on_service", KEY, nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="unplanned_dependencies_pkey"),
        _of_release("unplanned_dependencies"),
        sa.UniqueConstraint(
            "release_id", "on_service", "what", name="unplanned_dependencies_release_id_on_service_what_key"
        ),
    )


def _canaries() -> None:
    op.create_table(
        "canaries",
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("comparison", sa.LargeBinary(), nullable=False),
        sa.Column("joining", sa.LargeBinary(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("affected", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("folded_at", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("release_id", name="canaries_pkey"),
        _of_release("canaries"),
    )


def _observation_batches() -> None:
    _numbered(
        "observation_batches",
        sa.Column("id", KEY, nullable=False),
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("encoding", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("folded_at", MOMENT),
        _of_release("observation_batches"),
        sa.UniqueConstraint("id", name="observation_batches_id_key"),
        sa.UniqueConstraint("release_id", "key", name="observation_batches_release_id_key_key"),
    )
    _partial("observation_batches_unfolded", "observation_batches", ["release_id", "number"], "folded_at IS NULL")


def _canary_points() -> None:
    _numbered(
        "canary_points",
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("estimate", sa.Float()),
        sa.Column("low", sa.Float()),
        sa.Column("high", sa.Float()),
        sa.Column("verdict", sa.Text(), nullable=False),
        _of_release("canary_points"),
    )
    op.create_index("canary_points_by_release_id_number", "canary_points", ["release_id", "number"])


def _affected_keys() -> None:
    _numbered(
        "affected_keys",
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _of_release("affected_keys"),
    )
    op.create_index("affected_keys_by_release_id_number", "affected_keys", ["release_id", "number"])
