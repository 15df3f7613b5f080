"""Statements that measure releases: readiness, lead time, gates that failed, changes that failed, dependencies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, CompoundSelect, Select, and_, case, exists, func, literal, null, or_, select, union_all

from bot.adapters.sql.measure_functions import Micros, MonthOf, listed
from bot.adapters.sql.measure_incidents import HALT
from bot.adapters.sql.measure_rows import Part, Reading, flag, owned, placed, within
from bot.adapters.sql.release_tables import gate_results, unplanned_dependencies, walks
from bot.adapters.sql.tables import TURNING_POINT, incidents, releases, timeline
from bot.domain.gates import GateVerdict
from bot.domain.measures import Measured, Scope
from bot.domain.releases import ReleaseStatus
from bot.domain.walks import ReleaseKind


def walked(scope: Scope) -> CompoundSelect[Any]:
    """Releases by the month of their start, and by that in which they went live. Both need to know when each was
    ready, which is found out once."""
    ready = _ready(scope)
    return union_all(_started(scope, ready), _went_live(scope, ready))


def _started(scope: Scope, ready: CTE) -> Select[Any]:
    """By the month of their start; those without a walk apart, for whether they went live is not recorded.

    From the start to the judgement that its first gates passed: unknown while they have not. Releases of which no gate
    was ever judged have no such time to come.
    """
    key = case((walks.c.release_id.is_(None), "unstaged"), else_="").label("key")
    month = MonthOf(releases.c.opened_at)
    times = listed(Micros(ready.c.ready_at, releases.c.opened_at))
    started = (func.count(), func.count(ready.c.release_id), times)
    return (
        select(releases.c.service, month, key, *started, literal(0), null(), literal(0), null())
        .select_from(
            releases.outerjoin(walks, walks.c.release_id == releases.c.id).outerjoin(
                ready, ready.c.release_id == releases.c.id
            )
        )
        .where(*owned(scope, releases), within(scope, releases.c.opened_at))
        .group_by(releases.c.service, month, "key")
    )


def _went_live(scope: Scope, ready: CTE) -> Select[Any]:
    """By the month in which the candidate served everybody: from the start to then, and from the judgement that its
    first gates passed to then, which is unknown where no gate was judged before."""
    month = MonthOf(walks.c.live_at)
    lead = listed(Micros(walks.c.live_at, releases.c.opened_at))
    serving = listed(Micros(walks.c.live_at, ready.c.ready_at))
    live = (func.count(), lead, func.count(), serving)
    return (
        select(walks.c.service, month, literal(""), literal(0), literal(0), null(), *live)
        .select_from(
            walks.join(releases, releases.c.id == walks.c.release_id).outerjoin(
                ready, ready.c.release_id == walks.c.release_id
            )
        )
        .where(*owned(scope, walks), within(scope, walks.c.live_at))
        .group_by(walks.c.service, month)
    )


def _ready(scope: Scope) -> CTE:
    """By release of which gates were judged: the first judgement of its first judged stage in which every gate passed
    and after which none failed or was unknown there."""
    judged = _judged(scope)
    at = gate_results.c.at
    bad = (
        select(judged.c.release_id, func.max(case((judged.c.bad > 0, judged.c.at)), type_=at.type).label("bad_at"))
        .group_by(judged.c.release_id)
        .cte("bad")
    )
    good = case((and_(judged.c.bad == 0, or_(bad.c.bad_at.is_(None), judged.c.at > bad.c.bad_at)), judged.c.at))
    return (
        select(judged.c.release_id, func.min(good, type_=at.type).label("ready_at"))
        .join_from(judged, bad, bad.c.release_id == judged.c.release_id)
        .group_by(judged.c.release_id)
        .cte("ready")
    )


def _judged(scope: Scope) -> CTE:
    """The judgements of each release's first judged stage: all verdicts of one moment."""
    first, opening = gate_results.alias("first"), gate_results.alias("opening")
    numbers = (
        select(first.c.release_id, func.min(first.c.number).label("number"))
        .where(*owned(scope, first))
        .group_by(first.c.release_id)
        .cte("firsts")
    )
    failed = func.sum(case((gate_results.c.verdict != GateVerdict.PASS, 1), else_=0))
    return (
        select(gate_results.c.release_id, gate_results.c.at, failed.label("bad"))
        .select_from(
            numbers.join(opening, opening.c.number == numbers.c.number).join(
                gate_results,
                and_(gate_results.c.release_id == numbers.c.release_id, gate_results.c.stage == opening.c.stage),
            )
        )
        .group_by(gate_results.c.release_id, gate_results.c.at)
        .cte("judged")
    )


def gate_failures(scope: Scope) -> Select[Any]:
    """Gates that failed, each gate of a release once, by kind and by the month of its first failure."""
    at = gate_results.c.at
    one = (
        select(gate_results.c.service, gate_results.c.use, func.min(at, type_=at.type).label("at"))
        .where(gate_results.c.verdict == GateVerdict.FAIL, *owned(scope, gate_results))
        .group_by(
            gate_results.c.service,
            gate_results.c.release_id,
            gate_results.c.stage,
            gate_results.c.position,
            gate_results.c.use,
        )
        .subquery()
    )
    month = MonthOf(one.c.at)
    return (
        select(one.c.service, month, one.c.use, func.count())
        .where(within(scope, one.c.at))
        .group_by(one.c.service, month, one.c.use)
    )


def dependencies(scope: Scope) -> Select[Any]:
    """Those that nobody planned, by the service of the release and the month in which they were found."""
    found = unplanned_dependencies.c.found_at
    month = MonthOf(found)
    return (
        select(releases.c.service, month, literal(""), func.count())
        .join_from(unplanned_dependencies, releases, releases.c.id == unplanned_dependencies.c.release_id)
        .where(*owned(scope, releases), within(scope, found))
        .group_by(releases.c.service, month)
    )


def changes(scope: Scope) -> Select[Any]:
    """Releases by the month in which they went live, and what befell them afterwards; each once per key."""
    live = _befallen(scope)
    month = MonthOf(live.c.live_at)
    failed = flag(live.c.rolled_back + live.c.halted + live.c.emergency > 0)
    sums = [func.sum(one) for one in (failed, live.c.rolled_back, live.c.halted, live.c.emergency)]
    return (
        select(live.c.service, month, literal(""), func.count(), *sums)
        .where(within(scope, live.c.live_at))
        .group_by(live.c.service, month)
    )


def _befallen(scope: Scope) -> CTE:
    """Releases that went live, with 1 or 0 for each thing that makes a change a failed one."""
    first, emergency = releases.alias("emergencies"), walks.alias("emergency")
    following = func.lead(walks.c.live_at).over(partition_by=walks.c.service, order_by=walks.c.live_at)
    live = (
        select(walks.c.release_id, walks.c.service, walks.c.live_at, following.label("next_at"), releases.c.status)
        .join_from(walks, releases, releases.c.id == walks.c.release_id)
        .where(walks.c.live_at.is_not(None), *owned(scope, walks))
        .cte("live")
    )
    halted = (
        select(incidents.c.release_id, func.max(timeline.c.at, type_=timeline.c.at.type).label("at"))
        .join_from(incidents, timeline, timeline.c.incident_id == incidents.c.id)
        .where(incidents.c.release_id.is_not(None), incidents.c.drill.is_(False), *placed(scope, incidents))
        .where(TURNING_POINT, timeline.c.kind == HALT)
        .group_by(incidents.c.release_id)
        .cte("halted")
    )
    needed = exists().where(
        emergency.c.service == live.c.service,
        emergency.c.kind == ReleaseKind.EMERGENCY,
        first.c.id == emergency.c.release_id,
        first.c.opened_at >= live.c.live_at,
        or_(live.c.next_at.is_(None), first.c.opened_at < live.c.next_at),
    )
    was_halted = or_(live.c.status == ReleaseStatus.HALTED, halted.c.at >= live.c.live_at)
    return (
        select(
            live.c.service,
            live.c.live_at,
            flag(live.c.status == ReleaseStatus.ROLLED_BACK).label("rolled_back"),
            flag(was_halted).label("halted"),
            flag(needed).label("emergency"),
        )
        .select_from(live.outerjoin(halted, halted.c.release_id == live.c.release_id))
        .cte("befallen")
    )


RELEASE_READINGS = (
    Reading(
        (
            Part(Measured.STARTED),
            Part(Measured.READINESS, is_timed=True),
            Part(Measured.LEAD, is_timed=True),
            Part(Measured.SERVING, is_timed=True),
        ),
        walked,
    ),
    Reading(
        tuple(Part(Measured.CHANGE, key) for key in ("live", "failed", "rolled_back", "halted", "emergency")), changes
    ),
    Reading((Part(Measured.GATE_FAILURE),), gate_failures),
    Reading((Part(Measured.DEPENDENCY),), dependencies),
)
