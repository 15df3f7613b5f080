"""The first schema: what comes in, what is protected, what goes wrong, and the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _accesses()
    _alert_states()
    _audit()
    _audit_seals()
    _automation()
    _events()
    _incidents()
    _releases()
    _services()
    for table in ("audit", "audit_seals"):
        _refuse_changes(table)


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{word.lower()} BEFORE {word} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for word, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{word.lower()} BEFORE {word} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )


def _accesses() -> None:
    op.create_table(
        "accesses",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="accesses_pkey"),
    )


def _alert_states() -> None:
    op.create_table(
        "alert_states",
        sa.Column("source", KEY, nullable=False),
        sa.Column("identity", KEY, nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("starts_at", MOMENT),
        sa.Column("resolved_starts_at", MOMENT),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("incident_ids", sa.Text(), nullable=False),
        sa.Column("run_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "identity", name="alert_states_pkey"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, sa.Identity(), autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_pkey"),
        sqlite_autoincrement=True,
    )


def _audit_seals() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("audit_id", NUMBER, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("previous", KEY, nullable=False),
        sa.PrimaryKeyConstraint("position", name="audit_seals_pkey"),
        sa.UniqueConstraint("audit_id", name="audit_seals_audit_id_key"),
    )


def _automation() -> None:
    op.create_table(
        "automation",
        sa.Column(
            "id",
            sa.Integer(),
            sa.CheckConstraint("id = 1", name="automation_one_row_check"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text()),
        sa.Column("changed_at", MOMENT),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="automation_pkey"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("dedup_key", KEY, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("replayed_as", KEY),
        sa.Column("replay_of", KEY),
        sa.Column("actor", sa.Text()),
        sa.Column("incident_ids", sa.Text(), nullable=False),
        sa.Column("run_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="events_pkey"),
        sa.UniqueConstraint("source", "dedup_key", name="events_source_dedup_key_key"),
    )
    op.create_index(
        "events_dead_letters",
        "events",
        ["id"],
        sqlite_where=sa.text("disposition = 'dead_letter'"),
        postgresql_where=sa.text("disposition = 'dead_letter'"),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("release_id", KEY),
        sa.Column("event_id", KEY),
        sa.Column("previous_id", KEY),
        sa.Column("resolved_at", MOMENT),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("alert_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="incidents_pkey"),
    )
    op.create_index("incidents_by_place_resolved_at", "incidents", ["place", "resolved_at"])
    op.create_index("incidents_by_service_id", "incidents", ["service", "id"])
    op.create_index(
        "incidents_one_open_per_place",
        "incidents",
        ["service", "place"],
        unique=True,
        sqlite_where=sa.text("status <> 'resolved'"),
        postgresql_where=sa.text("status <> 'resolved'"),
    )


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("incumbent", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="releases_pkey"),
    )
    op.create_index("releases_by_service_opened_at", "releases", ["service", "opened_at"])


def _services() -> None:
    op.create_table(
        "services",
        sa.Column("name", KEY, nullable=False),
        sa.Column("halted_at", MOMENT),
        sa.Column("halted_by", sa.Text()),
        sa.Column("halt_reason", sa.Text()),
        sa.Column("hands_off_until", MOMENT),
        sa.Column("hands_off_by", sa.Text()),
        sa.Column("hands_off_reason", sa.Text()),
        sa.Column("release_id", KEY),
        sa.PrimaryKeyConstraint("name", name="services_pkey"),
    )
