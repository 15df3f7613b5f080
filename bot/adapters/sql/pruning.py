"""Removes what is past its time and not held, kind by kind; the audit keeps every row and every link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, Table, and_, cast, delete, exists, literal, or_, select, type_coerce, update
from sqlalchemy.types import Text

from bot.adapters.keyring import Keyring
from bot.adapters.sql import drill_tables, people_tables, release_tables, run_tables, tables
from bot.adapters.sql.audit_erasures import ERASED
from bot.adapters.sql.audit_rows import digest_of
from bot.adapters.sql.audit_sealing import seal
from bot.adapters.sql.erasing import Listed, write_entries
from bot.adapters.sql.keeping_tables import holds
from bot.adapters.sql.table_shapes import metadata
from bot.adapters.sql.work import in_parts
from bot.domain.incidents import IncidentStatus
from bot.domain.keeping import HoldKind, Kind
from bot.domain.records import NoticeStatus
from bot.domain.releases import ReleaseStatus

MOST = 5_000
"""Of each kind in one transaction."""

_EVENTS, _DECISIONS, _NOTICES, _INCIDENTS = tables.events, tables.decisions, tables.notices, tables.incidents
_RELEASES, _FILES = tables.releases, people_tables.kept_files
_OVER = (ReleaseStatus.ENDORSED, ReleaseStatus.ROLLED_BACK, ReleaseStatus.ABANDONED)
# What the records of releases are held against stays readable for ever: see bot/flow/release_audit.py.
_BORNE_OUT = ("release.", "gate.judged", "version.", "evidence.", "order.", "audit.")


def prune(connection: Connection, ends: Mapping[Kind, datetime], keys: Keyring, now: datetime) -> dict[Kind, int]:
    """Remove up to MOST of each kind that is older than its end, and say so in an entry. The caller commits."""
    counts = {kind: _WAYS[kind](connection, end) for kind, end in ends.items() if kind in _WAYS}
    files = _evidence(connection, ends[Kind.EVIDENCE]) if Kind.EVIDENCE in ends else []
    listed = _audit_data(connection, keys, ends[Kind.AUDIT_DATA]) if Kind.AUDIT_DATA in ends else []
    counts |= {Kind.EVIDENCE: len(files)} if Kind.EVIDENCE in ends else {}
    counts |= {Kind.AUDIT_DATA: len(listed)} if Kind.AUDIT_DATA in ends else {}
    if any(counts.values()):
        data = {"reason": "past its time", "removed": {str(kind): count for kind, count in counts.items()}}
        entry = {"at": now, "actor": "andon", "action": ERASED, "subject": "retention:retention"}
        write_entries(connection, keys, listed, {**entry, "data": {**data, "files": files}})
        if listed:
            seal(connection, keys, thorough=True)
    return counts


def _held(kind: HoldKind) -> Any:
    return select(holds.c.subject).where(holds.c.kind == kind, holds.c.released_at.is_(None))


def _free_incidents() -> Any:
    return ~or_(
        _INCIDENTS.c.id.in_(_held(HoldKind.INCIDENT)),
        _INCIDENTS.c.service.in_(_held(HoldKind.SERVICE)),
        and_(_INCIDENTS.c.release_id.is_not(None), _INCIDENTS.c.release_id.in_(_held(HoldKind.RELEASE))),
    )


def _held_incidents() -> Any:
    return select(_INCIDENTS.c.id).where(~_free_incidents())


def _event_bodies(connection: Connection, end: datetime) -> int:
    """The body and headers of requests; of what nobody could tell whose it is, too."""
    is_held = exists().where(
        _DECISIONS.c.event_id == _EVENTS.c.id,
        or_(_DECISIONS.c.service.in_(_held(HoldKind.SERVICE)), _DECISIONS.c.incident_id.in_(_held_incidents())),
    )
    due = select(_EVENTS.c.id).where(_EVENTS.c.accepted_at < end, _EVENTS.c.body.is_not(None), ~is_held).limit(MOST)
    return _emptied(connection, _EVENTS, due, {"body": None, "headers": {}})


def _notice_bodies(connection: Connection, end: datetime) -> int:
    """Words and facts of what was sent; who was told what kind of thing, when and where, stays."""
    ended = (NoticeStatus.SENT, NoticeStatus.DEAD, NoticeStatus.SUPERSEDED)
    is_held = or_(
        _NOTICES.c.service.in_(_held(HoldKind.SERVICE)),
        and_(_NOTICES.c.incident_id.is_not(None), _NOTICES.c.incident_id.in_(_held_incidents())),
    )
    due = select(_NOTICES.c.id).where(
        _NOTICES.c.due_at < end,
        _NOTICES.c.status.in_(ended),
        _NOTICES.c.refresh_at.is_(None),
        or_(_NOTICES.c.body != "", _NOTICES.c.subject != "", type_coerce(_NOTICES.c.facts, Text) != "{}"),
        ~is_held,
    )
    return _emptied(connection, _NOTICES, due.limit(MOST), {"subject": "", "body": "", "facts": {}})


def _emptied(connection: Connection, table: Table, due: Any, values: Mapping[str, Any]) -> int:
    ids = connection.execute(due).scalars().all()
    if ids:
        connection.execute(update(table).where(table.c.id.in_(ids)).values(**values))
    return len(ids)


def _free_releases() -> Any:
    """Releases that are over, followed by another, and not held."""
    later = _RELEASES.alias("later")
    return select(_RELEASES.c.id).where(
        _RELEASES.c.status.in_(_OVER),
        ~_RELEASES.c.id.in_(_held(HoldKind.RELEASE)),
        ~_RELEASES.c.service.in_(_held(HoldKind.SERVICE)),
        exists().where(later.c.service == _RELEASES.c.service, later.c.opened_at > _RELEASES.c.opened_at),
    )


def _observations(connection: Connection, end: datetime) -> int:
    """Batches as they came in, once folded, and keys of predictions that differed; the curve of a canary stays."""
    batches, keys = release_tables.observation_batches, release_tables.affected_keys
    due = select(batches.c.number).where(
        batches.c.received_at < end, batches.c.folded_at.is_not(None), batches.c.release_id.in_(_free_releases())
    )
    gone = connection.execute(delete(batches).where(batches.c.number.in_(due.limit(MOST)))).rowcount
    late = select(keys.c.number).where(keys.c.at < end, keys.c.release_id.in_(_free_releases())).limit(MOST)
    return gone + connection.execute(delete(keys).where(keys.c.number.in_(late))).rowcount


def _evidence(connection: Connection, end: datetime) -> list[str]:
    """Contents of evidence that only such releases rest on. Their names, sizes, digests and verdicts stay."""
    evidence, walks = release_tables.evidence, release_tables.walks
    others = evidence.alias("others")
    free = _free_releases()
    is_needed = or_(
        exists().where(
            others.c.sha256 == _FILES.c.sha256,
            or_(others.c.at >= end, others.c.release_id.is_(None), ~others.c.release_id.in_(free)),
        ),
        exists().where(or_(walks.c.pin == _FILES.c.sha256, walks.c.manifest_digest == _FILES.c.sha256)),
    )
    due = select(_FILES.c.sha256).where(exists().where(evidence.c.sha256 == _FILES.c.sha256), ~is_needed)
    digests = list(connection.execute(due.order_by(_FILES.c.sha256).limit(MOST)).scalars())
    connection.execute(delete(_FILES).where(_FILES.c.sha256.in_(digests)))
    return digests


def _attachments(connection: Connection, end: datetime) -> int:
    """Contents of files that people attached to incidents which are over, and no release rests on."""
    evidence, walks, facts = release_tables.evidence, release_tables.walks, people_tables.report_facts
    not_over = select(_INCIDENTS.c.id).where(_INCIDENTS.c.status != IncidentStatus.RESOLVED)
    is_needed = or_(
        exists().where(evidence.c.sha256 == _FILES.c.sha256),
        exists().where(or_(walks.c.pin == _FILES.c.sha256, walks.c.manifest_digest == _FILES.c.sha256)),
        exists().where(
            facts.c.field == "files",
            or_(facts.c.incident_id.in_(_held_incidents()), facts.c.incident_id.in_(not_over)),
            type_coerce(facts.c.value, Text).like(literal("%").concat(cast(_FILES.c.sha256, String)).concat("%")),
        ),
    )
    due = select(_FILES.c.sha256).where(_FILES.c.at < end, ~is_needed).limit(MOST)
    return connection.execute(delete(_FILES).where(_FILES.c.sha256.in_(due))).rowcount


def _incidents(connection: Connection, end: datetime) -> int:
    """Resolved incidents with all that hangs on them: runs, decisions, timeline, notices, minutes, postmortems."""
    due = select(_INCIDENTS.c.id).where(
        _INCIDENTS.c.status == IncidentStatus.RESOLVED, _INCIDENTS.c.resolved_at < end, _free_incidents()
    )
    ids = list(connection.execute(due.order_by(_INCIDENTS.c.id).limit(MOST)).scalars())
    if ids:
        _delete_with_all(connection, _INCIDENTS, ids)
    return len(ids)


def _delete_with_all(connection: Connection, table: Table, keys: Sequence[Any]) -> None:
    """Rows by their key, after whatever refers to them: the database's own references say what that is."""
    key = next(iter(table.primary_key.columns))
    for child in metadata.sorted_tables:
        for reference in child.foreign_keys:
            if reference.column.table is not table or child is table:
                continue
            for part in in_parts(keys):
                where = reference.parent.in_(part)
                if _is_referred_to(child):
                    own = next(iter(child.primary_key.columns))
                    below = list(connection.execute(select(own).where(where)).scalars())
                    _delete_with_all(connection, child, below)
                else:
                    connection.execute(delete(child).where(where))
    for part in in_parts(keys):
        connection.execute(delete(table).where(key.in_(part)))


def _is_referred_to(table: Table) -> bool:
    return any(one.column.table is table for other in metadata.sorted_tables for one in other.foreign_keys)


def _drills(connection: Connection, end: datetime) -> int:
    drills = drill_tables.drills
    due = select(drills.c.id).where(drills.c.ended_at < end, ~drills.c.service.in_(_held(HoldKind.SERVICE)))
    return connection.execute(delete(drills).where(drills.c.id.in_(due.limit(MOST)))).rowcount


def _audit_data(connection: Connection, keys: Keyring, end: datetime) -> list[Listed]:
    """Rows of the trail that lose their data: when, who, what and to what stay."""
    while seal(connection, keys, thorough=True):
        pass
    audit, seals = tables.audit, tables.audit_seals
    statement = (
        select(audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, type_coerce(audit.c.data, Text))
        .add_columns(audit.c.erased, seals.c.row_digest, seals.c.hash)
        .join(seals, seals.c.audit_id == audit.c.id)
        .where(audit.c.at < end, type_coerce(audit.c.data, Text) != "{}")
        .where(*(audit.c.action.not_like(f"{one}%") for one in _BORNE_OUT))
        .where(*(audit.c.subject.not_in(one) for one in _held_subjects()))
    )
    listed: list[Listed] = []
    for found in connection.execute(statement.order_by(audit.c.id).limit(MOST)):
        *row, erased, row_digest, link = found
        after = [*row[:5], "{}"]
        listed.append((row[0], digest_of(row) if erased else row_digest or link, digest_of(after), after))
    return listed


def _held_subjects() -> list[Any]:
    """Of rows of the trail: what is held, and the runs and notices of incidents that are."""
    runs, named = run_tables.runs, []
    for kind, ids in (
        ("service", _held(HoldKind.SERVICE)),
        ("release", _held(HoldKind.RELEASE)),
        ("incident", _held_incidents()),
        ("run", select(runs.c.id).where(runs.c.incident_id.in_(_held_incidents()))),
        ("notice", select(_NOTICES.c.id).where(_NOTICES.c.incident_id.in_(_held_incidents()))),
        ("decision", select(_DECISIONS.c.id).where(_DECISIONS.c.incident_id.in_(_held_incidents()))),
    ):
        column = next(iter(ids.selected_columns))
        named.append(ids.with_only_columns(literal(f"{kind}:").concat(cast(column, String))))
    return named


_WAYS: Mapping[Kind, Callable[[Connection, datetime], int]] = {
    Kind.EVENT_BODIES: _event_bodies,
    Kind.NOTICE_BODIES: _notice_bodies,
    Kind.OBSERVATIONS: _observations,
    Kind.ATTACHMENTS: _attachments,
    Kind.INCIDENTS: _incidents,
    Kind.DRILLS: _drills,
}
