"""Leases and fences, by the database's clock: who may work on a run, and the number that outlives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from bot.adapters.sql.database_clock import now, now_and
from bot.adapters.sql.run_queries import RunQueries
from bot.adapters.sql.run_tables import leases
from bot.adapters.sql.sessions import Answer
from bot.domain.errors import LeaseLost
from bot.domain.runs import Lease, Run

_IS_MINE = (
    leases.c.run_id == bindparam("the_run"),
    leases.c.owner == bindparam("the_owner"),
    leases.c.fence == bindparam("the_fence"),
)
_LIVES = leases.c.expires_at > now()

_LIVING = select(leases.c.run_id, leases.c.owner, leases.c.fence, leases.c.expires_at).where(
    leases.c.run_id == bindparam("the_run"), _LIVES
)
_HELD = select(_LIVES.label("lives")).where(*_IS_MINE)
# Whoever claims the run next waits until this transaction is through.
_HELD_AND_LOCKED = _HELD.with_for_update()
_RENEW = update(leases).where(*_IS_MINE, _LIVES).values(expires_at=now_and("ttl")).returning(leases.c.expires_at)
_END = delete(leases).where(*_IS_MINE)
_END_ALL = delete(leases).where(leases.c.owner == bindparam("the_owner")).returning(leases.c.run_id)


class LeaseQueries(RunQueries):
    """Who is at it."""

    def claim(self, run: Run, owner: str, ttl: timedelta) -> Lease | None:
        """A lease with a higher fence than any before at its place; None while another one lives.

        The fence rises first: its row makes claims of one place wait for each other, so none is given twice.
        A claim that comes to nothing may leave a number out.
        """
        return _lease(run.id, owner, self._ask_claim(run.id, owner, ttl)())

    def take(self, run_id: str, owner: str, ttl: timedelta) -> tuple[Run, Lease] | None:
        """A run that is not over and needs nobody, as it is once it is claimed; None where there is none to be had."""
        claimed, found = self._ask_claim(run_id, owner, ttl), self._ask_run(run_id)
        lease, run = _lease(run_id, owner, claimed()), found()
        return (run, lease) if run and lease else None

    def _ask_claim(self, run_id: str, owner: str, ttl: timedelta) -> Answer:
        self.write(self.statements.raise_fence, {"the_run": run_id})
        return self.ask(self.statements.take_lease, {"the_run": run_id, "the_owner": owner, "ttl": ttl})

    def confirm(self, lease: Lease, *, live: bool) -> None:
        """LeaseLost unless the run's lease still has this fence and, with `live`, has not ended."""
        row = self.row(_HELD_AND_LOCKED if self.writes else _HELD, _key(lease))
        if row is None or (live and not row.lives):
            raise _lost(lease)

    def renew(self, lease: Lease, ttl: timedelta) -> Lease:
        """The lease with a later end; LeaseLost where it is another's or has ended."""
        self.must_write()
        row = self.row(_RENEW, {**_key(lease), "ttl": ttl})
        if row is None:
            raise _lost(lease)
        return replace(lease, expires_at=row[0])

    def release_lease(self, lease: Lease) -> None:
        """End it, if it is still this one."""
        self.write(_END, _key(lease))

    def release_leases_of(self, owner: str) -> Sequence[str]:
        """End the leases of an owner whose process is surely dead; returns run ids."""
        self.must_write()
        return [row[0] for row in self.rows(_END_ALL, {"the_owner": owner})]

    def lease(self, run_id: str) -> Lease | None:
        """The lease of a run, if it has one that lives."""
        row = self.row(_LIVING, {"the_run": run_id})
        return Lease(*row) if row else None


def _lease(run_id: str, owner: str, rows: Sequence[Any]) -> Lease | None:
    return Lease(run_id, owner, *rows[0]) if rows else None


def _key(lease: Lease) -> dict[str, object]:
    return {"the_run": lease.run_id, "the_owner": lease.owner, "the_fence": lease.fence}


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"The lease of run {lease.run_id} with fence {lease.fence} is over", why="it ended, or another worker has it"
    )
