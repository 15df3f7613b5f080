"""Signs of life, and who did what within a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, update

from bot.account_records import AskedPostmortem, GateTally
from bot.adapters.sql.account_tables import pulses
from bot.adapters.sql.column_types import MOMENT
from bot.adapters.sql.drill_tables import drills
from bot.adapters.sql.postmortem_tables import postmortems
from bot.adapters.sql.release_tables import gate_results, walks
from bot.adapters.sql.run_tables import approvals, runs
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import audit, incidents, releases
from bot.adapters.sql.work import Work
from bot.domain.drills import Drill
from bot.domain.gates import GateVerdict
from bot.domain.postmortems import Postmortem
from bot.domain.pulses import Pulse
from bot.domain.records import Approval, AuditEntry
from bot.domain.releases import Release
from bot.domain.walks import ReleaseKind, Walk

_AHEAD = timedelta(minutes=10)
"""By more than this no host's clock is ahead of another's while both are right enough to be believed."""
_PULSES = select(*columns_of(pulses, Pulse)).order_by(pulses.c.part)
_THE_PART = pulses.c.part == bindparam("the_part")
_TAKE_TURN = (
    update(pulses)
    .where(
        _THE_PART,
        or_(
            pulses.c.due_at.is_(None),
            pulses.c.due_at <= bindparam("the_moment", type_=MOMENT),
            pulses.c.due_at > bindparam("the_horizon", type_=MOMENT),
        ),
    )
    .values(due_at=bindparam("the_end", type_=MOMENT), by=bindparam("the_owner"))
    .returning(pulses.c.part)
)
_TELL_SILENCE = (
    update(pulses)
    .where(_THE_PART, pulses.c.at < bindparam("the_limit", type_=MOMENT), pulses.c.told_at.is_(None))
    .values(told_at=bindparam("the_moment", type_=MOMENT))
    .returning(pulses.c.part)
)
_AUDIT = columns_of(audit, AuditEntry)
_RELEASE, _WALK = columns_of(releases, Release), columns_of(walks, Walk)


class AccountQueries(Work):
    """What reports and the heartbeat read."""

    def pulses(self) -> Mapping[str, Pulse]:
        """The newest sign of life of each part."""
        return {row[0]: Pulse(*row) for row in self.rows(_PULSES)}

    def claim_pulse(self, part: str, now: datetime, until: datetime, by: str) -> bool:
        """Take the turn of looking at this part until then; False where it is somebody else's. Keeps `at`.

        A turn that ends far later than any turn taken now was taken by a clock that went wrong: it holds nobody up."""
        values = {"part": part, "at": None, "by": by, "due_at": until, "problem": "", "told_at": None}
        if self.count(self.statements.meet_pulse, values):
            return True
        turn = {"the_part": part, "the_moment": now, "the_end": until, "the_owner": by, "the_horizon": until + _AHEAD}
        return self.row(_TAKE_TURN, turn) is not None

    def claim_silence(self, part: str, before: datetime, now: datetime) -> bool:
        """Note that people are told now of a part last seen before then; False where it was noted or seen since."""
        self.must_write()
        return self.row(_TELL_SILENCE, {"the_part": part, "the_limit": before, "the_moment": now}) is not None

    def audit_between(
        self, since: datetime, until: datetime, prefixes: Collection[str]
    ) -> Sequence[tuple[int, AuditEntry]]:
        """Rows from `since` on and before `until` whose action begins with one of these, oldest first."""
        begins = or_(*(audit.c.action.startswith(one, autoescape=True) for one in sorted(prefixes)))
        within = and_(audit.c.at >= since, audit.c.at < until, begins)
        return [
            (row[0], AuditEntry(*row[1:]))
            for row in self.rows(select(audit.c.id, *_AUDIT).where(within).order_by(audit.c.id))
        ]

    def newest_audit(self, action: str, before: datetime) -> AuditEntry | None:
        """The last row of an action before a moment."""
        earlier = and_(audit.c.action == action, audit.c.at < before)
        row = self.row(select(*_AUDIT).where(earlier).order_by(audit.c.id.desc()).limit(1))
        return AuditEntry(*row) if row else None

    def approvals_between(self, since: datetime, until: datetime) -> Sequence[tuple[str, str, Approval]]:
        """Asked or answered within the time, with the service and the environment of their run, oldest first."""
        asked = and_(approvals.c.asked_at >= since, approvals.c.asked_at < until)
        answered = and_(approvals.c.answered_at >= since, approvals.c.answered_at < until)
        statement = (
            select(runs.c.service, runs.c.environment, *columns_of(approvals, Approval))
            .join_from(approvals, runs, approvals.c.run_id == runs.c.id)
            .where(or_(asked, answered))
            .order_by(approvals.c.asked_at, approvals.c.id)
        )
        return [(row[0], row[1], Approval(*row[2:])) for row in self.rows(statement)]

    def drills_between(self, since: datetime, until: datetime) -> Sequence[Drill]:
        """Those whose slot lies within the time, oldest first."""
        within = and_(drills.c.slot >= since, drills.c.slot < until)
        statement = select(*columns_of(drills, Drill)).where(within).order_by(drills.c.slot, drills.c.id)
        return [Drill(*row) for row in self.rows(statement)]

    def gate_tallies(self, since: datetime, until: datetime, verdicts: Collection[GateVerdict]) -> Sequence[GateTally]:
        """Verdicts of these kinds within the time, by release and gate."""
        one = gate_results.c
        gate = (one.service, one.release_id, one.stage, one.use, one.name, one.verdict)
        statement = (
            select(*gate, func.count(), func.min(one.at, type_=one.at.type), func.max(one.at, type_=one.at.type))
            .where(one.at >= since, one.at < until, one.verdict.in_(sorted(verdicts)))
            .group_by(*gate)
            .order_by(*gate)
        )
        return [GateTally(*row) for row in self.rows(statement)]

    def emergencies_between(self, since: datetime, until: datetime) -> Sequence[tuple[Release, Walk]]:
        """Emergency releases that were started within the time, oldest first."""
        statement = (
            select(*_RELEASE, *_WALK)
            .join_from(releases, walks, releases.c.id == walks.c.release_id)
            .where(walks.c.kind == ReleaseKind.EMERGENCY, releases.c.opened_at >= since, releases.c.opened_at < until)
            .order_by(releases.c.opened_at, releases.c.id)
        )
        middle = len(_RELEASE)
        return [(Release(*row[:middle]), Walk(*row[middle:])) for row in self.rows(statement)]

    def postmortems_between(self, since: datetime, until: datetime) -> Sequence[AskedPostmortem]:
        """Those begun before the end, but for those whose review was made before the time began; oldest first."""
        one = postmortems.c
        statement = (
            select(incidents.c.resolved_at, *columns_of(postmortems, Postmortem))
            .join_from(postmortems, incidents, one.incident_id == incidents.c.id)
            .where(one.opened_at < until, or_(one.reviewed_at.is_(None), one.reviewed_at >= since))
            .order_by(one.opened_at, one.incident_id)
        )
        return [AskedPostmortem(Postmortem(*row[1:]), row[0]) for row in self.rows(statement)]
