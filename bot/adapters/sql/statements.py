"""Statements that write records, made once per database so that a call costs no more than its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Column, Executable, Table, Update, and_, bindparam, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

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
from bot.adapters.sql.database_clock import now, now_and
from bot.domain.access import Access
from bot.domain.audit_anchors import Anchor
from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, ObservationBatch
from bot.domain.decisions import Decision
from bot.domain.discipline import DrillReminder
from bot.domain.drills import Drill
from bot.domain.escalations import Escalation
from bot.domain.events import AlertState, Event
from bot.domain.gates import Evidence, GateResult, Signature
from bot.domain.incidents import Incident
from bot.domain.keeping import Hold
from bot.domain.live import LastRead
from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteChange
from bot.domain.policy_versions import PolicyVersion
from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, SectionText, SignOff
from bot.domain.pulses import Pulse
from bot.domain.records import Approval, AuditEntry, Notice, TimelineEntry
from bot.domain.releases import Automation, Release, Service
from bot.domain.report_facts import Fact
from bot.domain.runs import RunStatus
from bot.domain.threads import Pace, Thread
from bot.domain.walks import KnownVersion, LiveVersion, UnplannedDependency, Walk
from bot.domain.watches import Watch

K = TypeVar("K", Table, type)

TABLE_OF: Mapping[type, Table] = {
    Service: tables.services,
    Automation: tables.automation,
    Release: tables.releases,
    Event: tables.events,
    AlertState: tables.alert_states,
    Incident: tables.incidents,
    Approval: run_tables.approvals,
    Decision: tables.decisions,
    TimelineEntry: tables.timeline,
    Notice: tables.notices,
    Access: tables.accesses,
    AuditEntry: tables.audit,
    Fact: people_tables.report_facts,
    Meeting: people_tables.meetings,
    Minute: people_tables.minutes,
    MinuteChange: people_tables.minute_changes,
    Escalation: people_tables.escalations,
    Thread: people_tables.threads,
    Pace: people_tables.lanes,
    Walk: release_tables.walks,
    Evidence: release_tables.evidence,
    GateResult: release_tables.gate_results,
    Signature: release_tables.signatures,
    KnownVersion: release_tables.known_versions,
    LiveVersion: release_tables.live_versions,
    LastRead: release_tables.live_reads,
    Watch: run_tables.watches,
    UnplannedDependency: release_tables.unplanned_dependencies,
    Canary: release_tables.canaries,
    ObservationBatch: release_tables.observation_batches,
    CanaryPoint: release_tables.canary_points,
    AffectedKeys: release_tables.affected_keys,
    PolicyVersion: policy_tables.policy_versions,
    Drill: drill_tables.drills,
    Anchor: audit_tables.audit_anchors,
    Hold: keeping_tables.holds,
    Pulse: account_tables.pulses,
    Postmortem: postmortem_tables.postmortems,
    SectionText: postmortem_tables.section_texts,
    PostmortemComment: postmortem_tables.comments,
    Lesson: postmortem_tables.lessons,
    SignOff: postmortem_tables.sign_offs,
    DrillReminder: drill_tables.drill_reminders,
}

_SAVED: Mapping[type, frozenset[str]] = {
    # What arrived is never rewritten: lists of events carry no body, and saving one of them must not lose it.
    Event: frozenset({"disposition", "problem", "replayed_as", "incident_ids", "run_ids"}),
}
_NEVER_SAVED = frozenset({"held_by", "held_until", "place"})


@dataclass(frozen=True)
class Statements:
    """What differs between the databases, ready to run."""

    adds: Mapping[Table, Executable]
    saves: Mapping[type, Executable]
    meet_service: Executable
    keep_file: Executable
    keep_batch: Executable
    open_canary: Executable
    plan_drill: Executable
    begin_anchor: Executable
    meet_pulse: Executable
    raise_fence: Executable
    take_lease: Executable
    save_step: Executable


class _WhenNeeded(dict[K, Executable]):
    """A statement for each of these, made with its first use: a process writes to few of the tables."""

    def __init__(self, keys: Iterable[K], make: Callable[[K], Executable]) -> None:
        super().__init__()
        self._keys: frozenset[K] = frozenset(keys)
        self._make: Callable[[K], Executable] = make

    def __missing__(self, key: K) -> Executable:
        if key not in self._keys:
            raise KeyError(key)
        return self.setdefault(key, self._make(key))


@lru_cache
def statements_for(dialect: str) -> Statements:
    """The statements of `sqlite` or `postgresql`."""
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    written = [*TABLE_OF.values(), run_tables.runs, run_tables.run_plans, run_tables.run_steps]
    saved = (
        AlertState, Service, Automation, Incident, Release, Notice, Approval, Event, Meeting, Minute, Escalation,
        Thread, Pace, PolicyVersion, Walk, Signature, KnownVersion, LastRead, Watch,
        Drill, Anchor, Hold, DrillReminder, Postmortem, Lesson, Pulse,
    )  # fmt: skip
    return Statements(
        # Inline: else a lone row with a number costs a round trip more, to fetch the number first.
        adds=_WhenNeeded(written, lambda table: insert(table).inline()),
        saves=_WhenNeeded(saved, lambda kind: _upsert(insert, kind)),
        meet_service=insert(tables.services).on_conflict_do_nothing(),
        keep_file=insert(people_tables.kept_files).on_conflict_do_nothing(),
        keep_batch=insert(release_tables.observation_batches).inline().on_conflict_do_nothing(),
        open_canary=insert(release_tables.canaries).on_conflict_do_nothing(),
        plan_drill=insert(drill_tables.drills).on_conflict_do_nothing(),
        begin_anchor=insert(audit_tables.audit_anchors).on_conflict_do_nothing(),
        meet_pulse=insert(account_tables.pulses).on_conflict_do_nothing(),
        raise_fence=_raise_fence(insert),
        take_lease=_take_lease(insert),
        save_step=_replace_all(insert, run_tables.run_steps, ("run_id", "position", "id", "use", "undoes")),
    )


def _upsert(insert: Any, kind: type) -> Executable:
    table = TABLE_OF[kind]
    statement = insert(table)
    names = _SAVED.get(kind) or {column.name for column in table.columns if not column.primary_key} - _NEVER_SAVED
    changes: dict[str, Any] = {name: statement.excluded[name] for name in names}
    if kind is Notice:  # whoever had it to send is done with it
        changes |= {"held_by": None, "held_until": None}
    return _on_same_key(statement, table, changes)


def _replace_all(insert: Any, table: Table, keep: tuple[str, ...]) -> Executable:
    statement = insert(table)
    changes = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keep}
    return _on_same_key(statement, table, changes)


def _on_same_key(statement: Any, table: Table, changes: Mapping[str, Any]) -> Executable:
    result: Executable = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
    return result


# A run may be claimed by its id alone, so that nothing has to be read first.
_MAY_BE_TAKEN = (
    run_tables.runs.c.id == bindparam("the_run"),
    run_tables.runs.c.status.in_([RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING]),
)


def _raise_fence(insert: Any) -> Executable:
    fences, runs = run_tables.fences, run_tables.runs
    source = select(runs.c.service, runs.c.environment, literal(1)).where(*_MAY_BE_TAKEN)
    statement: Executable = (
        insert(fences)
        .from_select(["service", "environment", "fence"], source)
        .on_conflict_do_update(
            index_elements=[fences.c.service, fences.c.environment], set_={"fence": fences.c.fence + 1}
        )
    )
    return statement


def _take_lease(insert: Any) -> Executable:
    fences, leases, runs = run_tables.fences, run_tables.leases, run_tables.runs
    its_fence = and_(fences.c.service == runs.c.service, fences.c.environment == runs.c.environment)
    owner = bindparam("the_owner", type_=leases.c.owner.type)
    source = (
        select(runs.c.id, owner, fences.c.fence, now_and("ttl"))
        .join_from(runs, fences, its_fence)
        .where(*_MAY_BE_TAKEN)
    )
    fresh = insert(leases).from_select(["run_id", "owner", "fence", "expires_at"], source)
    taken = {name: fresh.excluded[name] for name in ("owner", "fence", "expires_at")}
    statement: Executable = fresh.on_conflict_do_update(
        index_elements=[leases.c.run_id], set_=taken, where=leases.c.expires_at <= now()
    ).returning(leases.c.fence, leases.c.expires_at)
    return statement


def columns_of(table: Table, kind: type) -> list[Column[Any]]:
    """The columns that hold a record's fields, in their order, so that `kind(*row)` makes it again."""
    return [table.c[field.name] for field in fields(kind)]


_FIXED_IN_RUN = ("id", "service", "environment", "playbook_name", "plan_hash", "event_id", "drill", "version")

RUN_CHANGES = tuple(column.name for column in run_tables.runs.columns if column.name not in _FIXED_IN_RUN)
"""The columns of a run that a save may change."""


@lru_cache
def save_run(changed: tuple[str, ...]) -> Update:
    """Change these columns of the run `run_id`, as parameters `new_…`, if it still has the version `seen_version`."""
    runs = run_tables.runs
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=runs.c[name].type) for name in changed}
    if "breached_at" in values:  # it is noted beside whoever works on the run: the first one stays
        values["breached_at"] = func.coalesce(runs.c.breached_at, values["breached_at"])
    return (
        update(runs)
        .where(runs.c.id == bindparam("run_id"), runs.c.version == bindparam("seen_version"))
        .values(values | {"version": runs.c.version + 1})
    )
