"""The clock's round: rings for what is due, records breaches and lapsed approvals, does every chore, seals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.errors import LeaseLost
from bot.domain.records import ApprovalStatus
from bot.flow.chores import do_each
from bot.flow.due import DueWork, Key
from bot.flow.endings import Endings
from bot.ports import Clock, Queue, Store


class Sweep:
    """Called by every clock process; several at once do no harm, because a ring is only a ring."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        due: DueWork,
        clock: Clock,
        endings: Endings,
        again: timedelta,
        keep_head: Callable[[tuple[int, str]], None],
        chores: Sequence[Callable[[], None]] = (),
        looks: Sequence[Callable[[], None]] = (),
        beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._beat = beat
        self._looks = looks
        self._chores = chores
        self._keep_head = keep_head
        self._store = store
        self._queue = queue
        self._due = due
        self._clock = clock
        self._endings = endings
        self._again = again
        self._rung: dict[Key, datetime] = {}

    def wake(self) -> datetime | None:
        """Ring for what is due, record breaches and lapsed approvals; the next moment at which something is due."""
        now = self._clock.now()
        self._rung = {key: at for key, at in self._rung.items() if at > now - self._again}
        due = {key: bell for key, bell in self._due.bells(now).items() if key not in self._rung}
        if due and self._queue.ring(list(due.values())):
            self._rung.update(dict.fromkeys(due, now))
        # After the ringing: a row that cannot be written about must not keep any run from going on.
        self._record_breaches()
        self._record_lapses()
        do_each(self._chores, lambda chore: chore())
        self._beat()  # only now: whoever reads it may rely on all of the above
        with self._store.read() as tx:
            return min(filter(None, (tx.next_wake(), tx.next_told())), default=None)

    def look(self) -> None:
        """Ask outside what became of what was sent there. Apart from `wake`: a slow service keeps nothing waiting."""
        do_each(self._looks, lambda look: look())

    def seal(self) -> tuple[int, str] | None:
        """Chain the audit rows that are not chained yet; the new head is kept outside the database too."""
        head = self._store.seal()
        if head is not None:
            self._keep_head(head)
        return head

    def _record_breaches(self) -> None:
        with self._store.read() as tx:
            late = tx.overdue_runs()
        for run in late:
            try:
                self._record_breach(run.id)
            except LeaseLost:
                continue  # it moved at this moment; the next look finds it again

    def _record_breach(self, run_id: str) -> None:
        with self._store.write() as tx:
            run = tx.run(run_id)
            if run is None or run.is_ended or run.breached_at is not None:
                return
            now = self._clock.now()
            if tx.record_breach(run_id, now):
                self._endings.late(tx, replace(run, breached_at=now), now)

    def _record_lapses(self) -> None:
        with self._store.read() as tx:
            lapsed = tx.lapsed_approvals()
        for approval in lapsed:
            with self._store.write() as tx:
                run = tx.run(approval.run_id)
                if run is None:
                    continue
                tx.lock_services((run.service,))  # somebody may be answering it at this moment
                current = next((one for one in tx.approvals(approval.run_id) if one.id == approval.id), None)
                if current is None or current.status is not ApprovalStatus.ASKED:
                    continue
                tx.save(replace(current, status=ApprovalStatus.EXPIRED))
                self._endings.unanswered(tx, run, current, self._clock.now())
