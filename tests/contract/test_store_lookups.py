"""What the hot path asks of a SQLite file is answered from indexes, however long the tables grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as engine_events
from support.databases import database

from bot.adapters.sql import SqlStore, SqlTransaction, open_store

LOOKUPS: dict[str, Callable[[SqlTransaction], object]] = {
    "alert states": lambda tx: tx.alert_states([("alertmanager", "a"), ("grafana", "b")]),
    "events by key": lambda tx: tx.events_by_key("alertmanager", ["a", "b"]),
    "open incidents": lambda tx: tx.open_incidents(["a", "b"]),
    "the last resolved incident": lambda tx: tx.latest_resolved(("a", "b")),
    "active runs": lambda tx: tx.active_runs(["a", "b"]),
    "the last automatic action": lambda tx: tx.last_automatic_action(("a", "b")),
    "one run": lambda tx: tx.run("run-1"),
    "due runs": lambda tx: tx.due_runs(limit=10),
    "overdue runs": lambda tx: tx.overdue_runs(),
    "the lease of a run": lambda tx: tx.lease("run-1"),
    "due notices": lambda tx: tx.due_notices(limit=10),
    "lapsed approvals": lambda tx: tx.lapsed_approvals(),
    "approvals of a run": lambda tx: tx.approvals("run-1"),
    "latest releases": lambda tx: tx.latest_releases(["a"]),
    "decisions of an event": lambda tx: tx.decisions(event_id="evt-1"),
    "the timeline of an incident": lambda tx: tx.timeline("inc-1"),
}


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[SqlStore]:
    """A store on a SQLite file, whose planner tells what it would read."""
    with database("sqlite", tmp_path) as address:
        store = open_store(address)
        store.upgrade()
        yield store
        store.close()


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_lookup_reads_no_whole_table(file_store: SqlStore, lookup: str) -> None:
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    engine_events.listen(file_store.engine, "before_cursor_execute", listen)
    with file_store.read() as tx:
        LOOKUPS[lookup](tx)
        selects = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
        plans = [
            str(row[-1])
            for statement, values in selects
            for row in tx.session.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert selects
    # Partial indexes hold only what is open, active or due: walking through all of one is what they are for.
    whole = [plan for plan in plans if plan.startswith("SCAN") and " USING " not in plan]
    assert [plan for plan in whole if not plan.startswith(("SCAN anon", "SCAN (subquery"))] == []
