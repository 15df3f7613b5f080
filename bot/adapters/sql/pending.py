"""Additions and saves of one transaction, held back so that each table gets them in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Executable, Table

from bot.adapters.sql import (
    account_tables,
    audit_tables,
    drill_tables,
    keeping_tables,
    people_tables,
    policy_tables,
    postmortem_tables,
    release_tables,
    run_tables,
    tables,
)
from bot.adapters.sql.prepared import Row
from bot.adapters.sql.sessions import Session

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
    run_tables.watches,
    tables.decisions,
    tables.timeline,
    people_tables.report_facts,
    people_tables.meetings,
    people_tables.minutes,
    people_tables.minute_changes,
    people_tables.escalations,
    people_tables.threads,
    people_tables.lanes,
    release_tables.walks,
    release_tables.evidence,
    release_tables.gate_results,
    release_tables.signatures,
    release_tables.known_versions,
    release_tables.live_versions,
    release_tables.live_reads,
    release_tables.unplanned_dependencies,
    release_tables.canaries,
    release_tables.observation_batches,
    release_tables.canary_points,
    release_tables.affected_keys,
    policy_tables.policy_versions,
    drill_tables.drills,
    audit_tables.audit_anchors,
    keeping_tables.holds,
    account_tables.pulses,
    postmortem_tables.postmortems,
    postmortem_tables.section_texts,
    postmortem_tables.comments,
    postmortem_tables.lessons,
    postmortem_tables.sign_offs,
    drill_tables.drill_reminders,
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

    def holds(self, table: object) -> bool:
        """Whether something waits for this table."""
        return table in self._tables

    def flush(self, session: Session) -> None:
        """Write everything that was held back."""
        if not self._tables:
            return
        waiting, self._tables = self._tables, {}
        for table in _ORDER:
            for statement, rows in waiting.get(table, ()):
                session.write(statement, _in_key_order(table, rows))


def _in_key_order(table: Table, rows: list[Row]) -> list[Row]:
    keys = _SORTED_BY.get(table)
    return sorted(rows, key=lambda row: (row[keys[0]], row[keys[1]])) if keys else rows
