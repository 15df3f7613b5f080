"""What people say and promise, whom to call, and where notices stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _columns()
    _report_facts()
    _meetings()
    _minutes()
    _minute_changes()
    _escalations()
    _threads()
    _lanes()


def _columns() -> None:
    # A worker of the version before writes rows without these: so each may be empty or has a default.
    for name, kind in (("owner", sa.Text()), ("offered_to", sa.Text())):
        op.add_column("incidents", sa.Column(name, kind))
    for name in ("update_due_at", "update_asked_at"):
        op.add_column("incidents", sa.Column(name, MOMENT))
    _partial("incidents_update_due", "incidents", ["update_due_at"], "update_due_at IS NOT NULL")
    op.add_column("releases", sa.Column("author", sa.Text()))
    op.add_column("approvals", sa.Column("answered_as", sa.Text()))
    for name, default in (("address", ""), ("tried", "[]"), ("ref", ""), ("posted_in", "")):
        op.add_column("notices", sa.Column(name, sa.Text(), nullable=False, server_default=default))
    op.add_column("notices", sa.Column("link", sa.Text()))
    for name in ("attempted_at", "refresh_at"):
        op.add_column("notices", sa.Column(name, MOMENT))
    _partial("notices_refreshed", "notices", ["refresh_at"], "refresh_at IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _numbered(name: str, *columns: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, sa.Identity(), nullable=False, autoincrement=True),
        *columns,
        sa.PrimaryKeyConstraint("number", name=f"{name}_pkey"),
    )


def _of_incident(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=f"{table}_incident_id_fkey")


def _report_facts() -> None:
    _numbered(
        "report_facts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("field", KEY, nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Text()),
        sa.UniqueConstraint("id", name="report_facts_id_key"),
        _of_incident("report_facts"),
    )
    op.create_index("report_facts_by_incident_id", "report_facts", ["incident_id"])


def _meetings() -> None:
    op.create_table(
        "meetings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("called_by", sa.Text(), nullable=False),
        sa.Column("called_at", MOMENT, nullable=False),
        sa.Column("invitees", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("link", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="meetings_pkey"),
        _of_incident("meetings"),
    )
    op.create_index("meetings_by_incident_id", "meetings", ["incident_id"])
    open_ = "status IN ('proposed', 'started')"
    _partial("meetings_one_open_per_incident", "meetings", ["incident_id"], open_, unique=True)


def _minutes() -> None:
    op.create_table(
        "minutes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("due_at", MOMENT),
        sa.Column("due_text", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text()),
        sa.Column("ended_at", MOMENT),
        sa.Column("evidence", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_key", KEY),
        sa.Column("meeting_id", KEY),
        sa.Column("remind_at", MOMENT),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="minutes_pkey"),
        sa.UniqueConstraint("source_key", name="minutes_source_key_key"),
        _of_incident("minutes"),
        sa.ForeignKeyConstraint(["meeting_id"], ["meetings.id"], name="minutes_meeting_id_fkey"),
    )
    op.create_index("minutes_by_incident_id", "minutes", ["incident_id"])
    _partial("minutes_reminded", "minutes", ["remind_at"], "remind_at IS NOT NULL")


def _minute_changes() -> None:
    _numbered(
        "minute_changes",
        sa.Column("minute_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["minute_id"], ["minutes.id"], name="minute_changes_minute_id_fkey"),
    )
    op.create_index("minute_changes_by_minute_id", "minute_changes", ["minute_id"])


def _escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("approval_id", KEY),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("notify", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("look_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="escalations_pkey"),
        _of_incident("escalations"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="escalations_run_id_fkey"),
    )
    op.create_index("escalations_by_incident_id", "escalations", ["incident_id"])
    op.create_index("escalations_by_run_id", "escalations", ["run_id"])
    _partial("escalations_untold", "escalations", ["due_at"], "status = 'due'")
    _partial("escalations_looked_at", "escalations", ["look_at"], "look_at IS NOT NULL")


def _threads() -> None:
    op.create_table(
        "threads",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("medium", KEY, nullable=False),
        sa.Column("address", KEY, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("link", sa.Text()),
        sa.PrimaryKeyConstraint("incident_id", "medium", "address", name="threads_pkey"),
        _of_incident("threads"),
    )
    op.create_index("threads_by_message", "threads", ["medium", "address", "ref"])


def _lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("medium", KEY, nullable=False),
        sa.Column("address", KEY, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("medium", "address", name="lanes_pkey"),
    )
