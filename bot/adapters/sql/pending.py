"""Additions and saves of one transaction, held back so that each table gets them in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
from sqlalchemy import Connection, Executable, Table

from bot.adapters.sql import people_tables, run_tables, tables
from bot.adapters.sql.prepared import prepared

Row = Mapping[str, Any]

# Parents before children: the databases check references at once.
_ORDER: Sequence[Table] = (
    tables.services,
    tables.automation,
    tables.releases,
    tables.events,
    tables.alert_states,
    tables.incidents,
    run_tables.runs,
    run_tables.run_plans,
    run_tables.run_steps,
    run_tables.approvals,
    tables.decisions,
    tables.timeline,
    people_tables.report_facts,
    people_tables.meetings,
    people_tables.minutes,
    people_tables.minute_changes,
    people_tables.escalations,
    people_tables.threads,
    people_tables.lanes,
    tables.notices,
    tables.accesses,
    tables.audit,
)
# Two transactions that write the same keys in different orders would wait for each other for ever.
_SORTED_BY: Mapping[Table, tuple[str, str]] = {
    tables.events: ("source", "dedup_key"),
    tables.alert_states: ("source", "identity"),
}


class Pending:
    """Rows that wait to be written. Within a table they keep the order in which they came."""

    def __init__(self) -> None:
        self._tables: dict[Table, list[tuple[Executable, list[Row]]]] = {}

    def put(self, table: Table, statement: Executable, row: Row) -> None:
        """Hold a row back; rows of one statement in a row are written together."""
        batches = self._tables.setdefault(table, [])
        if batches and batches[-1][0] is statement:
            batches[-1][1].append(row)
        else:
            batches.append((statement, [row]))

    def flush(self, connection: Connection) -> None:
        """Write everything that was held back."""
        if not self._tables:
            return
        waiting, self._tables = self._tables, {}
        batches = [
            (statement, _in_key_order(table, rows)) for table in _ORDER for statement, rows in waiting.get(table, ())
        ]
        if connection.dialect.name == "sqlite":
            for statement, rows in batches:
                prepared(statement, connection.dialect, tuple(rows[0])).write(connection, rows)
            return
        with _one_round_trip(connection, len(batches)):
            for statement, rows in batches:
                connection.execute(statement, rows if len(rows) > 1 else rows[0])


def _one_round_trip(connection: Connection, batches: int) -> AbstractContextManager[object]:
    """PostgreSQL answers several statements at once where the driver need not wait for each."""
    if batches < 2:
        return nullcontext()
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.pipeline()


def _in_key_order(table: Table, rows: list[Row]) -> list[Row]:
    keys = _SORTED_BY.get(table)
    return sorted(rows, key=lambda row: (row[keys[0]], row[keys[1]])) if keys else rows
