"""Approvals, notices and who is logged in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, or_, select, update

from bot.adapters.sql.database_clock import now, now_and
from bot.adapters.sql.run_tables import ASKED, approvals
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import REFRESHED, UNSENT, accesses, notices
from bot.adapters.sql.work import Work
from bot.domain.access import Access, AccessKind
from bot.domain.letters import Medium
from bot.domain.records import Approval, Notice, NoticeStatus

CLOCKS_DIFFER = timedelta(milliseconds=50)
"""A notice is due by a process's clock and taken by the database's: so much earlier is early enough."""

_APPROVAL = columns_of(approvals, Approval)
_NOTICE = columns_of(notices, Notice)
_ACCESS = columns_of(accesses, Access)

_APPROVALS = (
    select(*_APPROVAL).where(approvals.c.run_id == bindparam("run_id")).order_by(approvals.c.asked_at, approvals.c.id)
)
_LAPSED = select(*_APPROVAL).where(ASKED, approvals.c.expires_at <= now()).order_by(approvals.c.expires_at)

_NOTICE_BY_ID = select(*_NOTICE).where(notices.c.id == bindparam("id"))
_IS_DUE = (
    UNSENT,
    notices.c.due_at <= now_and(CLOCKS_DIFFER),
    or_(notices.c.held_until.is_(None), notices.c.held_until <= now()),
)
_IS_REFRESHED = (
    REFRESHED,
    notices.c.status == NoticeStatus.SENT,
    notices.c.refresh_at <= now_and(CLOCKS_DIFFER),
    or_(notices.c.held_until.is_(None), notices.c.held_until <= now()),
)
_DUE = (
    select(notices.c.id)
    .where(or_(and_(*_IS_DUE), and_(*_IS_REFRESHED)))
    .order_by(notices.c.due_at, notices.c.id)
    .limit(bindparam("most", type_=notices.c.tries.type))
)
_TAKE = (
    update(notices)
    .where(notices.c.id == bindparam("the_notice"), *_IS_DUE)
    .values(held_by=bindparam("the_owner", type_=notices.c.held_by.type), held_until=now_and("ttl"))
    .returning(*_NOTICE)
)

_TAKE_SENT = (
    update(notices)
    .where(notices.c.id == bindparam("the_notice"), *_IS_REFRESHED)
    .values(held_by=bindparam("the_owner", type_=notices.c.held_by.type), held_until=now_and("ttl"))
    .returning(*_NOTICE)
)
_ATTEMPT = (
    update(notices)
    .where(notices.c.id == bindparam("the_notice"))
    .values(attempted_at=bindparam("the_moment", type_=notices.c.attempted_at.type))
)
_RETELL = (
    update(notices)
    .where(
        notices.c.name.in_(bindparam("the_names", expanding=True)),
        notices.c.medium == Medium.SLACK,
        notices.c.status == NoticeStatus.SENT,
    )
    .values(refresh_at=bindparam("the_moment", type_=notices.c.refresh_at.type))
)
_RETELL_INCIDENT = _RETELL.where(notices.c.incident_id == bindparam("the_subject"))
_RETELL_RUN = _RETELL.where(notices.c.run_id == bindparam("the_subject"))
_BEFORE = select(notices.c.id).where(
    UNSENT,
    notices.c.medium == bindparam("medium"),
    notices.c.address == bindparam("address"),
    or_(
        notices.c.due_at < bindparam("due_at", type_=notices.c.due_at.type),
        and_(notices.c.due_at == bindparam("due_at", type_=notices.c.due_at.type), notices.c.id < bindparam("id")),
    ),
)
_SENT = (
    select(notices.c.sent_at)
    .where(
        notices.c.service == bindparam("service"),
        notices.c.audience == bindparam("audience"),
        notices.c.sent_at > bindparam("since", type_=notices.c.sent_at.type),
    )
    .order_by(notices.c.sent_at)
)

_SESSION = select(*_ACCESS).where(
    accesses.c.digest == bindparam("digest"), accesses.c.kind == AccessKind.SESSION, accesses.c.expires_at > now()
)
_SPEND = (
    delete(accesses)
    .where(accesses.c.digest == bindparam("digest"), accesses.c.kind == AccessKind.LINK, accesses.c.expires_at > now())
    .returning(*_ACCESS)
)
_END = delete(accesses).where(or_(accesses.c.digest == bindparam("digest"), accesses.c.expires_at <= now()))


class NoticeQueries(Work):
    """Who is asked and who is told."""

    def approvals(self, run_id: str) -> Sequence[Approval]:
        """Oldest first."""
        return [Approval(*row) for row in self.rows(_APPROVALS, {"run_id": run_id})]

    def lapsed_approvals(self) -> Sequence[Approval]:
        """Asked for, past their end by the database's clock, and not yet marked expired."""
        return [Approval(*row) for row in self.rows(_LAPSED)]

    def notice(self, notice_id: str) -> Notice | None:
        """One notice."""
        row = self.row(_NOTICE_BY_ID, {"id": notice_id})
        return Notice(*row) if row else None

    def notices(self, *, incident_id: str | None = None, limit: int = 200) -> Sequence[Notice]:
        """Oldest first."""
        statement = select(*_NOTICE).order_by(notices.c.id).limit(limit)
        if incident_id is not None:
            statement = statement.where(notices.c.incident_id == incident_id)
        return [Notice(*row) for row in self.rows(statement)]

    def due_notices(self, *, limit: int) -> Sequence[str]:
        """Ids of notices whose time has come and that nobody is sending."""
        return [row[0] for row in self.rows(_DUE, {"most": limit})]

    def claim_notice(self, notice_id: str, owner: str, ttl: timedelta) -> Notice | None:
        """The notice, for this worker only until `ttl` is over; None where it is not due or another has it."""
        self.must_write()
        row = self.row(_TAKE, {"the_notice": notice_id, "the_owner": owner, "ttl": ttl})
        return Notice(*row) if row else None

    def record_attempt(self, notice_id: str, at: datetime) -> None:
        """Note that sending it begins now, so that whoever finds it without an end knows that it may have gone."""
        self.count(_ATTEMPT, {"the_notice": notice_id, "the_moment": at})

    def retell(
        self, at: datetime, names: Collection[str], *, incident_id: str | None = None, run_id: str | None = None
    ) -> None:
        """From `at` on, notices of these names that stand in chat are to be told anew."""
        statement = _RETELL_RUN if run_id else _RETELL_INCIDENT
        self.count(statement, {"the_names": list(names), "the_moment": at, "the_subject": run_id or incident_id})

    def claim_refresh(self, notice_id: str, owner: str, ttl: timedelta) -> Notice | None:
        """A notice that stands somewhere and is to be told anew; None where it is not, or another has it."""
        self.must_write()
        row = self.row(_TAKE_SENT, {"the_notice": notice_id, "the_owner": owner, "ttl": ttl})
        return Notice(*row) if row else None

    def waiting_before(self, notice: Notice) -> Sequence[str]:
        """Ids of notices to the same place that are to go before this one."""
        values = {"medium": notice.medium, "address": notice.address, "due_at": notice.due_at, "id": notice.id}
        return [row[0] for row in self.rows(_BEFORE, values)]

    def sent_since(self, service: str, audience: str, since: datetime) -> Sequence[datetime]:
        """When this audience was told of this service, oldest first."""
        return [row[0] for row in self.rows(_SENT, {"service": service, "audience": audience, "since": since})]

    def access(self, digest: str) -> Access | None:
        """A session that has not ended."""
        row = self.row(_SESSION, {"digest": digest})
        return Access(*row) if row else None

    def spend_link(self, digest: str) -> Access | None:
        """A link that was neither used nor has ended; it is gone now, so only one caller gets it."""
        self.must_write()
        row = self.row(_SPEND, {"digest": digest})
        return Access(*row) if row else None

    def end_access(self, digest: str) -> None:
        """End one, and forget those whose time is over."""
        self.write(_END, {"digest": digest})
