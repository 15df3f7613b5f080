"""The rows of the audit that a report on controls is made of, read once and looked through by their action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.policy_versions import diff_of
from bot.domain.records import AuditEntry
from bot.domain.times import format_time
from bot.domain.words import SUBJECT_OF, Subject, Word
from bot.ports import Transaction

PREFIXES = (
    "order.", "refused.", "policy.", "access.", "hold.", "audit.", "bundle.", "watchdog.",
)  # fmt: skip

TALK = frozenset(
    {
        Word.REPORT, Word.UPDATE, Word.DECIDE, Word.ACTION, Word.QUESTION, Word.NOTES, Word.ANSWER, Word.FINISH,
        Word.SNOOZE, Word.REASSIGN, Word.AMEND, Word.WITHDRAW, Word.CONFIRM, Word.MEETING_PROPOSE,
        Word.MEETING_START, Word.MEETING_END, Word.MEETING_CANCEL, Word.ACKNOWLEDGE,
        Word.POSTMORTEM_COMMENT,
    }
)  # fmt: skip
"""Orders by which people tell each other something: counted, not listed."""

HEADINGS: Mapping[str, tuple[Word, ...]] = {
    "Halts": (Word.HALT,),
    "Lifts": (Word.LIFT,),
    "Hands off": (Word.HANDS_OFF,),
    "Automation off and on": (Word.AUTOMATION,),
    "Endorsements": (Word.ENDORSE, Word.RELEASE_ENDORSE),
    "Rollbacks asked for": (Word.ROLLBACK,),
    "Releases": (Word.RELEASE_START, Word.PROMOTE, Word.SIGN, Word.UNSIGN, Word.SECOND, Word.ABANDON,
                 Word.RETROSPECTIVE),
    "Runs steered by hand": (Word.CANCEL, Word.RETRY, Word.DONE, Word.UNDO, Word.TAKE_OVER),
    "Drills asked for, skipped and moved": (Word.DRILL, Word.RUN_DRILL, Word.SKIP_DRILL, Word.MOVE_DRILL),
    "Postmortems written, signed off and reopened": (
        Word.POSTMORTEM_EDIT, Word.POSTMORTEM_LESSON, Word.POSTMORTEM_SIGN_OFF, Word.POSTMORTEM_REOPEN,
    ),
}  # fmt: skip
"""In which part of the report each order is listed; every other one that is no talk stands under `Other orders`."""
_ELSEWHERE = frozenset({Word.APPROVE, Word.REJECT})
"""Approvals have a part of their own, with what was asked."""


class Trail:
    """Rows of one time."""

    def __init__(self, tx: Transaction, since: datetime, until: datetime) -> None:
        self._tx = tx
        self._rows = [row for _, row in tx.audit_between(since, until, PREFIXES)]
        self._services: dict[tuple[Subject, str], str | None] = {}

    def starting(self, *prefixes: str) -> list[AuditEntry]:
        """Those whose action begins so, oldest first."""
        return [row for row in self._rows if row.action.startswith(prefixes)]

    def rows(self, *prefixes: str) -> list[dict[str, Any]]:
        """The same as plain values."""
        return [_plain(row) for row in self.starting(*prefixes)]

    def rows_about(self, is_about: Callable[[str | None], bool], *prefixes: str) -> list[dict[str, Any]]:
        """Those whose subject, written as `kind:id`, is of such a service."""
        return [_plain(row) for row in self.starting(*prefixes) if is_about(self._service_named(row.subject))]

    def _service_named(self, subject: str) -> str | None:
        kind, _, name = subject.partition(":")
        return self._service(Subject(kind), name) if kind in set(Subject) else None

    def orders(self, is_about: Callable[[str | None], bool]) -> dict[str, Any]:
        """Orders that were carried out, under their headings, and how many there were of each."""
        headings: dict[str, list[dict[str, Any]]] = {heading: [] for heading in (*HEADINGS, "Other orders")}
        counts: dict[str, int] = {}
        place = {str(word): heading for heading, words in HEADINGS.items() for word in words}
        hidden = {str(word) for word in TALK | _ELSEWHERE}
        for row in self.starting("order."):
            word, service = row.action.partition(".")[2], self.service_of(row)
            if not is_about(service):
                continue
            counts[word] = counts.get(word, 0) + 1
            if word not in hidden:
                headings[place.get(word, "Other orders")].append(_order(row, word, service))
        return {"counts": dict(sorted(counts.items())), "parts": [
            {"heading": heading, "items": found} for heading, found in headings.items()
        ]}  # fmt: skip

    def second_person(self, release_id: str) -> str | None:
        """Who stood for an emergency within the time."""
        stood = (row for row in self.starting("order.second") if row.subject == f"order:{release_id}")
        return next((row.actor for row in stood if row.data.get("verdict") == "order"), None)

    def service_of(self, row: AuditEntry) -> str | None:
        """The service that an order was about; None where it was about all, or its record is gone."""
        if service := row.data.get("service"):
            return str(service)
        word, name = row.action.partition(".")[2], row.subject.partition(":")[2]
        if word not in set(Word):
            return None
        return self._service(SUBJECT_OF[Word(word)], name)

    def _service(self, subject: Subject, name: str) -> str | None:
        if subject is Subject.SERVICE:
            return None if name == "all" else name
        key = (subject, name)
        if key not in self._services:
            self._services[key] = self._looked_up(*key)
        return self._services[key]

    def _looked_up(self, subject: Subject, name: str) -> str | None:
        finders: Mapping[Subject, Callable[[str], Any]] = {
            Subject.RUN: self._tx.run,
            Subject.INCIDENT: self._tx.incident,
            Subject.MINUTE: self._tx.minute,
            Subject.ESCALATION: self._incident_called,
            Subject.RELEASE: self._tx.release,
            Subject.DRILL: self._tx.drill,
        }
        found = finders[subject](name) if subject in finders else None
        return str(found.service) if found else None

    def _incident_called(self, name: str) -> Incident | None:
        level = self._tx.escalation(name)
        return self._tx.incident(level.incident_id) if level else None


def _plain(row: AuditEntry) -> dict[str, Any]:
    return {
        "at": format_time(row.at),
        "by": row.actor,
        "action": row.action,
        "subject": row.subject,
        "data": dict(row.data),
    }


def _order(row: AuditEntry, word: str, service: str | None) -> dict[str, Any]:
    return {
        "at": format_time(row.at),
        "by": row.actor,
        "order": word,
        "subject": row.subject.partition(":")[2],
        "service": service,
        "outcome": row.data.get("verdict"),
        "reason": row.data.get("reason") or "",
        "via": row.data.get("via"),
        "on": row.data.get("on"),
        "for": row.data.get("for"),
    }


def policy_change(tx: Transaction, row: AuditEntry) -> dict[str, Any]:
    """One change of a policy or playbook, with how many lines it added and took away."""
    kind, _, name = row.subject.partition(":")
    data = row.data
    added, removed = _size(tx, data.get("previous"), str(data.get("digest", "")))
    return {
        "at": format_time(row.at),
        "change": row.action.partition(".")[2],
        "kind": kind,
        "name": name,
        "service": name if kind == "policy" else None,
        "digest": data.get("digest"),
        "previous": data.get("previous"),
        "commit": data.get("commit"),
        "author": data.get("author"),
        "reviewer": data.get("reviewer"),
        "reviewed": bool(data.get("reviewed")),
        "dirty": bool(data.get("dirty")),
        "lines_added": added,
        "lines_removed": removed,
    }


def _size(tx: Transaction, before: Any, after: str) -> tuple[int | None, int | None]:
    """Lines added and removed, from the two texts as they were kept: what a version says never changes."""
    new, old = tx.policy_version(after), tx.policy_version(str(before)) if before else None
    if new is None or (before and old is None):
        return None, None
    lines = diff_of(old.text if old else "", new.text, "text").splitlines()[2:]
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)
