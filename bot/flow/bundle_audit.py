"""The slice of the audit trail that is about a bundle's records, each row as it was chained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.audit_trail import SignedHead
from bot.domain.bundles import EXPORTED, AuditRow, Seal
from bot.domain.escalations import Escalation
from bot.domain.gates import Evidence, GateResult
from bot.domain.minutes import Minute
from bot.domain.records import Notice
from bot.flow.bundle_lines import Lines, plain
from bot.flow.bundle_scope import Scope
from bot.ports import Transaction

_SWITCHES = ("order.hands_off", "order.automation")
"""Orders that say whether automation was on when something was decided."""


@dataclass(frozen=True)
class _Wanted:
    """Which rows belong to the slice."""

    subjects: Set[str]
    """Every row about these, but exports."""
    shared: Set[str]
    """Subjects that other records have in common with these: only some rows about them belong here."""
    moments: Set[datetime]
    """When the orders came in that led to these records: an order is audited in the same commit."""
    until: datetime | None
    """The last decision: switches before it belong here."""
    digests: Set[str]
    """Versions of policies and playbooks that decided."""

    def has(self, row: AuditRow) -> bool:
        """Whether the row is one of them."""
        if row.action == EXPORTED:
            return False
        if row.subject in self.subjects:
            return True
        if row.action in _SWITCHES:
            return self.until is not None and row.at <= self.until
        if row.action.startswith("policy."):
            return json.loads(row.data).get("digest") in self.digests
        return row.at in self.moments and row.action.startswith(("order.", "refused."))


def audit_slice(tx: Transaction, scope: Scope, lines: Lines) -> Iterator[bytes]:
    """The rows, in the order of their numbers, as lines of JSON."""
    wanted = _wanted(tx, scope)

    def rows() -> Iterator[dict[str, Any]]:
        for row in tx.audit_about([*wanted.subjects, *wanted.shared]):
            if wanted.has(row):
                scope.positions += [row.seal.position] if row.seal else []
                yield _shown(row)

    return lines.each(rows())


def chain_links(tx: Transaction, scope: Scope) -> Iterator[Seal]:
    """What leads from each row of the slice to the signed head that vouches for it, without the rows between."""
    for _, links in _stretches(tx, scope):
        yield from links


def signed_heads(tx: Transaction, scope: Scope) -> Iterator[SignedHead]:
    """The first signed head behind each row of the slice, each once."""
    return (head for head, _ in _stretches(tx, scope))


def _stretches(tx: Transaction, scope: Scope) -> Iterator[tuple[SignedHead, Iterator[Seal]]]:
    covered = 0
    for position in sorted(scope.positions):
        found = tx.chain_to_head(position) if position > covered else None
        if found is not None:
            covered = found[0].position
            yield found


def _shown(row: AuditRow) -> dict[str, Any]:
    """`row` is what the digest is made of, in its order; `data` is the same as it reads."""
    at = row.at.isoformat(timespec="microseconds")
    return {
        "number": row.number,
        "at": plain(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "data": json.loads(row.data),
        "row": [row.number, at, row.actor, row.action, row.subject, row.data],
        "seal": plain(row.seal),
        "erased": row.erased,
    }


def _wanted(tx: Transaction, scope: Scope) -> _Wanted:
    versions = {f"policy:{one}" for one in _services(scope)} | {f"playbook:{one}" for one in scope.playbooks}
    orders = {f"order:{one}" for one in (*_services(scope), "all")}
    moments = frozenset(scope.orders | {one.opened_at for one in scope.releases})
    about = frozenset(_subjects(tx, scope))
    return _Wanted(about, versions | orders, moments, scope.decided_until, frozenset(scope.versions))


def _services(scope: Scope) -> set[str]:
    return {scope.label.service, *(one.service for one in scope.incidents), *(one.service for one in scope.releases)}


def _subjects(tx: Transaction, scope: Scope) -> Iterator[str]:
    """Every record of the bundle, by the name under which the trail has it."""
    for event in scope.events:
        yield f"event:{event}"
    for run in scope.runs:
        yield from (f"run:{run}", f"order:{run}")
        yield from (f"escalation:{one.id}" for one in tx.escalations(run))
        yield from (f"order:{one.id}" for one in tx.escalations(run))
    for incident in scope.incidents:
        yield from (f"incident:{incident.id}", f"order:{incident.id}", f"postmortem:{incident.id}")
        yield from (f"notice:{one.id}" for one in tx.all_of(Notice, "incident_id", incident.id))
        yield from (f"order:{one.id}" for one in tx.all_of(Minute, "incident_id", incident.id))
        yield from (f"escalation:{one.id}" for one in tx.all_of(Escalation, "incident_id", incident.id))
    for release in scope.releases:
        yield from (f"release:{release.id}", f"order:{release.id}")
        yield from (f"gate_result:{one.id}" for one in tx.all_of(GateResult, "release_id", release.id))
        yield from (f"evidence:{one.id}" for one in tx.all_of(Evidence, "release_id", release.id))
