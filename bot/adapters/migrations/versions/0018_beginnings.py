"""Incidents keep whether an alert opened them, and since when by its word: measuring reads no alert again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOST = 2_000
"""Incidents that are looked at in one go."""
TOLD = sa.text(
    "SELECT one.id, told.alert FROM (SELECT id, event_id FROM incidents WHERE id > :after ORDER BY id LIMIT :most) one"
    " LEFT JOIN decisions told ON told.event_id = one.event_id AND told.incident_id = one.id ORDER BY one.id"
)
KEEP = sa.text("UPDATE incidents SET by_alert = :by_alert, began_at = :began_at WHERE id = :id")


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("incidents", sa.Column("by_alert", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.add_column("incidents", sa.Column("began_at", sa.Text if on_sqlite else sa.DateTime(timezone=True)))
    for told in parts():
        opened = [(id_, alerts) for id_, alerts in told.items() if alerts]
        if opened:
            rows = [{"id": id_, "by_alert": True, "began_at": began(alerts, on_sqlite)} for id_, alerts in opened]
            op.get_bind().execute(KEEP, rows)


def parts() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """By incident, some at a time: the firing alerts of the delivery that opened it."""
    last = ""
    while rows := op.get_bind().execute(TOLD, {"after": last, "most": MOST}).fetchall():
        told: dict[str, list[dict[str, Any]]] = {}
        for id_, text in rows:
            alert = json.loads(text) if text else {}
            told.setdefault(id_, []).extend([alert] if alert.get("status") == "firing" else [])
        yield told
        last = rows[-1][0]


def began(alerts: Sequence[dict[str, Any]], on_sqlite: bool) -> datetime | str | None:
    """The earliest start that they state, as the database keeps moments."""
    earliest = min(filter(None, (moment(one.get("starts_at")) for one in alerts)), default=None)
    if earliest is None or not on_sqlite:
        return earliest
    return earliest.astimezone(UTC).isoformat(timespec="microseconds")


def moment(written: object) -> datetime | None:
    """As it was written; None for what is none: an upgrade does not fail by one odd alert."""
    try:
        found = datetime.fromisoformat(str(written)) if written else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
