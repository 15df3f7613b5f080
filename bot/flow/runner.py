"""Moves one run forward until it ends, waits or needs a person; starting and resuming are the same call.

Before a step acts, its intent is committed with the fence of the lease; after it, its outcome, together with the
intent of the next step. A step found with an intent and no outcome does what it declares: repeat, check or ask.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.domain.errors import AndonError, LeaseLost, TryLater
from bot.domain.outcomes import Outcome, OutcomeKind
from bot.domain.playbooks import IfInterrupted, OnFailure
from bot.domain.records import Approval
from bot.domain.runs import Lease, Run, RunEvent, RunStatus, WaitingFor
from bot.domain.step_states import StepState, StepStatus
from bot.flow.ahead import Ahead
from bot.flow.lease import LeaseKeeper
from bot.flow.moving import Move, Mover, next_move
from bot.flow.stepping import Filling, Unforeseen, Workshop, context_for
from bot.ports import Clock, Log, Store, Transaction

_PATIENCE_SECONDS = 120.0
"""How long an outcome is offered to a database that is away before the job gives up."""
_EARLY = timedelta(seconds=1)
"""How far the clocks of this host and of the database may differ before a wake-up is put back to sleep."""


@dataclass(frozen=True)
class _Work:
    """A step whose intent is committed and that is to be performed or checked now."""

    run: Run
    lease: Lease
    step: StepState
    checks: bool
    approval: Approval | None
    filled: Filling
    """Its values, which were put in while the intent was being committed; a check has others."""


class Runner:
    """One per worker process; `advance` is safe to call twice, at once, and for runs that are long over."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        workshop: Workshop,
        mover: Mover,
        keeper: LeaseKeeper,
        owner: str,
        ttl: timedelta,
        stopping: threading.Event,
        log: Log,
    ) -> None:
        self._store = store
        self._clock = clock
        self._workshop = workshop
        self._mover = mover
        self._keeper = keeper
        self._owner = owner
        self._ttl = ttl
        self._stopping = stopping
        self._log = log
        self._ahead = Ahead()

    def advance(self, run_id: str) -> None:
        """Take the run if it is due and free, and move it as far as it goes. Raises TryLater while SQL is away."""
        try:
            work = self._take(run_id)
            while work is not None:
                work = self._once(work)
        except LeaseLost as lost:
            self._log("run left to another worker", run_id=run_id, why=lost.what)
        except AndonError:
            raise
        except Exception as fault:
            # Its job would be rung again for ever, and fail as often: a person has to see it.
            self._stop_unforeseen(run_id, fault)
            raise
        finally:
            self._keeper.drop()

    def _stop_unforeseen(self, run_id: str, fault: Exception) -> None:
        now = self._clock.now()
        why = self._workshop.secrets.redact(f"{type(fault).__name__}: {fault}")[:300]
        with self._store.write() as tx:
            tx.release_leases_of(self._owner)  # this process works on nothing else
            before = tx.run(run_id)
            lease = tx.claim(before, self._owner, self._ttl) if before is not None and self._is_due(before) else None
            if before is None or lease is None:
                return
            stopped = before.moved(RunEvent.CLAIM, now).moved(RunEvent.STOP, now, error=f"nobody foresaw this ({why})")
            self._mover.write(tx, before, Move(stopped), now)
            tx.save_run(before, stopped)
            tx.release_lease(lease)

    def _take(self, run_id: str) -> _Work | None:
        taken_at = self._clock.monotonic()
        with self._store.write() as tx:
            taken = tx.take(run_id, self._owner, self._ttl)
            if taken is None:
                return None
            before, lease = taken
            if not self._is_due(before):
                tx.release_lease(lease)
                return None
            work = self._proceed(tx, before, before.moved(RunEvent.CLAIM, self._clock.now()), lease)
        self._keeper.hold(lease, taken_at)
        self._workshop.crash("after_intent")
        return work

    def _is_due(self, run: Run) -> bool:
        if run.status is RunStatus.WAITING:
            return run.wake_at is not None and run.wake_at <= self._clock.now() + _EARLY
        return run.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    def _once(self, work: _Work) -> _Work | None:
        now = self._clock.now()
        ctx = context_for(
            self._workshop,
            work.run,
            work.step,
            work.lease,
            now=now,
            approval=work.approval,
            guard=lambda: self._keeper.guard(work.lease),
        )
        if work.checks:
            outcome = self._workshop.check(work.run, work.step, ctx)
        else:
            outcome = self._workshop.perform(work.filled, ctx)
        self._workshop.crash("before_outcome")
        following = self._record(work, outcome)
        self._workshop.crash("after_outcome")
        run = work.run
        self._log(
            "step outcome",
            event_id=run.event_id,
            incident_id=run.incident_id,
            run_id=run.id,
            step=work.step.id,
            outcome=str(outcome.kind),
            tries=work.step.tries,
            fence=work.lease.fence,
        )
        return following

    def _record(self, work: _Work, outcome: Outcome) -> _Work | None:
        """Commit the outcome; kept trying while the database is away, because the effect is there already."""
        delay, give_up_at = 0.05, self._clock.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._record_once(work, outcome)
            except LeaseLost:
                return self._record_late(work, outcome)
            except TryLater as away:
                self._log("outcome not recorded yet", run_id=work.run.id, step=work.step.id, problem=away.what)
                if self._clock.monotonic() > give_up_at:
                    raise
                # The fence is compared in the commit, so it does no harm that the lease may have ended meanwhile.
                # An event of its own: one that is set once the process should stop would make this a busy loop.
                threading.Event().wait(delay)
                delay = min(delay * 2, 1.0)

    def _record_once(self, work: _Work, outcome: Outcome) -> _Work | None:
        now = self._clock.now()
        run, approval = self._after(work, outcome)
        with self._store.write() as tx:
            if run.next_step is None or run.status is RunStatus.NEEDS_HUMAN or outcome.effects or approval:
                tx.lock_services((run.service,))  # before the run's row, in the order in which the front door locks
            tx.confirm(work.lease, live=False)
            self._mover.note_outcome(tx, work.run, run.step(work.step.id), outcome, now)
            self._mover.take_effects(tx, run, outcome, now)
            if approval is not None:
                self._mover.ask(tx, run, approval, now)
            return self._proceed(tx, work.run, run, work.lease)

    def _record_late(self, work: _Work, outcome: Outcome) -> _Work | None:
        """The run was moved by a person meanwhile: its step still gets its outcome, so that the record is true."""
        with self._store.write() as tx:
            current = tx.run(work.run.id)
            if current is None:
                return None
            tx.confirm(work.lease, live=False)
            state = work.step.with_outcome(outcome, self._clock.now())
            self._mover.note_outcome(tx, current, state, outcome, self._clock.now())
            tx.save_run(current, current.with_step(state))
            tx.release_lease(work.lease)
        self._log("run was moved while a step was performed", run_id=work.run.id, step=work.step.id)
        return None

    def _after(self, work: _Work, outcome: Outcome) -> tuple[Run, Approval | None]:
        """The run after a report: pure but for ids and the time."""
        now = self._clock.now()
        state = work.step.with_outcome(outcome, now)
        run = work.run.with_step(state)
        match outcome.kind:
            case OutcomeKind.DONE:
                return run, None
            case OutcomeKind.WAIT if outcome.ask is not None:
                return run.parked(WaitingFor.APPROVAL, None, now), self._mover.approval(run, state.id, outcome.ask, now)
            case OutcomeKind.WAIT:
                return run.parked(WaitingFor.WINDOW, now + outcome.delay, now), None
            case OutcomeKind.TRY_LATER:
                return self._later(run, work, state, outcome), None
            case OutcomeKind.FAILED:
                return self._failed(run, work, state), None
        return self._unknown(run, work, state, outcome), None

    def _later(self, run: Run, work: _Work, state: StepState, outcome: Outcome) -> Run:
        now = self._clock.now()
        backoff = timedelta(seconds=min(2.0 ** min(state.tries, 6), 60.0) / 2)
        if work.checks:
            # What it did is as open as before; look again, but not for ever.
            if state.interruptions >= 10:
                open_still = replace(state, status=StepStatus.UNKNOWN, finished_at=now)
                return self._stop(run.with_step(open_still), open_still, "its check could not be made")
            again = replace(work.step, interruptions=work.step.interruptions + 1, error=outcome.error)
            return run.with_step(again).parked(WaitingFor.TIME, now + max(outcome.delay, backoff), now)
        if state.tries >= run.spec(state.id).most_tries:
            failed = replace(state, status=StepStatus.FAILED, finished_at=now)
            return self._stop_or_undo(run.with_step(failed), failed)
        return run.parked(WaitingFor.TIME, now + max(outcome.delay, backoff), now)

    def _failed(self, run: Run, work: _Work, state: StepState) -> Run:
        if work.step.status is StepStatus.CHECKING:
            return self._stop(run, state, f"its check does not agree that it is done: {state.error}")
        if work.checks:
            # Surely not there: it is performed again. An interruption was not a try, an answer that got lost was one.
            tries = state.tries if work.step.error else max(0, state.tries - 1)
            return run.with_step(replace(state, status=StepStatus.PENDING, tries=tries, finished_at=None))
        return self._stop_or_undo(run, state)

    def _unknown(self, run: Run, work: _Work, state: StepState, outcome: Outcome) -> Run:
        if work.checks:
            return self._stop(run, state, f"its check cannot tell whether it is done: {outcome.error}")
        spec = run.spec(state.id)
        may_again = state.tries < spec.most_tries and not isinstance(outcome, Unforeseen)
        if may_again and spec.if_interrupted is IfInterrupted.REPEAT:
            now = self._clock.now()
            pending = replace(state, status=StepStatus.PENDING, finished_at=None)
            return run.with_step(pending).parked(WaitingFor.TIME, now + timedelta(seconds=1), now)
        if may_again and spec.if_interrupted is IfInterrupted.CHECK and self._workshop.can_check(run, state):
            return run.with_step(replace(state, status=StepStatus.STARTED, finished_at=None))
        return self._stop(run, state, outcome.error)

    def _stop_or_undo(self, run: Run, state: StepState) -> Run:
        if run.playbook.on_failure is OnFailure.UNDO and not run.undoing:
            undone = run.undone(self._clock.now())
            if undone.next_step is not None:
                return undone
        return self._stop(run, state, state.error)

    def _stop(self, run: Run, state: StepState, why: str) -> Run:
        return run.moved(RunEvent.STOP, self._clock.now(), error=f"step {state.id}: {why}")

    def _proceed(self, tx: Transaction, before: Run, run: Run, lease: Lease) -> _Work | None:
        """Write the run with its next intent, or as it ends or waits; what is to be done next, if anything."""
        now = self._clock.now()
        approvals = tx.approvals(run.id) if _reads_approvals(run) else ()
        run = self._mover.recheck(tx, run, now)
        move = next_move(run, approvals, self._workshop, now, stopping=self._stopping.is_set())
        self._workshop.crash("before_intent")
        self._mover.write(tx, before, move, now)
        saved = tx.save_run(before, move.run)
        if move.step is None:
            tx.release_lease(lease)
            self._mover.follow(tx, saved, now)
            return None
        self._mover.intent(tx, before, move, lease, now)
        filled: Filling = partial(self._workshop.fill, saved, saved.spec(move.step.id))
        if not move.checks:
            tx.flush()  # what is left is the wait for the disk, in which the values can be filled in
            filled = self._ahead.begin(filled)
        return _Work(saved, lease, move.step, move.checks, move.approval, filled)


def _reads_approvals(run: Run) -> bool:
    step = run.next_step
    return run.authority != "automatic" or (step is not None and step.use == "ask_approval")
