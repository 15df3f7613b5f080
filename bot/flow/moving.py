"""What a run does next, and what is written down when it moves: the two halves of the runner without its loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.configuration import Configuration
from bot.domain.errors import Refused
from bot.domain.events import ANDON, Actor, Role
from bot.domain.outcomes import Ask, Freeze, Outcome, Tell
from bot.domain.permits import check_answer
from bot.domain.playbooks import IfInterrupted, PlaybookKind
from bot.domain.policies import AUTOMATIC
from bot.domain.records import Approval, ApprovalStatus, AuditEntry
from bot.domain.runs import Lease, Run, RunEvent, RunStatus, WaitingFor
from bot.domain.step_states import StepState, StepStatus
from bot.flow.consequences import Consequences
from bot.flow.endings import Endings
from bot.flow.release_moves import ReleaseMoves
from bot.flow.situation import Situation, wake_drill
from bot.flow.stepping import Workshop
from bot.flow.timeline import line
from bot.ports import Ids, Transaction

_SECONDS = 60.0
MOST_INTERRUPTIONS = 10
"""After so many deaths of its worker a step is suspected of causing them, and a person looks."""


@dataclass(frozen=True)
class Move:
    """A run as it is to be written; `step` is what its worker performs or checks next, if anything."""

    run: Run
    step: StepState | None = None
    checks: bool = False
    approval: Approval | None = None


def next_move(run: Run, approvals: Sequence[Approval], workshop: Workshop, now: datetime, *, stopping: bool) -> Move:
    """Pure: the next intent of a running run, its end, or the run as it is when it waits or has stopped."""
    if run.status is not RunStatus.RUNNING:
        return Move(run)
    step = run.next_step
    if step is None:
        event = RunEvent.FAIL if run.undoing else RunEvent.SUCCEED
        return Move(run.moved(event, now, error="it was undone" if run.undoing else ""))
    if stopping:
        return Move(run)  # another worker takes it: it is running without a lease
    return _next_step(run, step, _answer_to(step, approvals), workshop, now)


def _next_step(run: Run, step: StepState, approval: Approval | None, workshop: Workshop, now: datetime) -> Move:
    spec = run.spec(step.id)
    if step.status is StepStatus.CHECKING:
        return Move(run, step, checks=True)
    if step.status is StepStatus.STARTED:
        step = step if step.error else step.interrupted()  # with an error: its answer got lost, its worker lives
        if step.interruptions > MOST_INTERRUPTIONS:
            return _stopped(run, step, f"its worker died at it {step.interruptions} times", now)
        if spec.if_interrupted is IfInterrupted.CHECK and workshop.can_check(run, step):
            return Move(run.with_step(step), step, checks=True)
        if spec.if_interrupted is not IfInterrupted.REPEAT:
            why = "it was interrupted: whether it had its effect is not known, and it may not be done twice unasked"
            return _stopped(run, step, why, now)
    intended = step.intended(now)
    first = run.first_action_at or (now if workshop.acts(spec) else None)
    return Move(replace(run.with_step(intended), first_action_at=first), intended, approval=approval)


def _stopped(run: Run, step: StepState, why: str, now: datetime) -> Move:
    unknown = replace(step, status=StepStatus.UNKNOWN, error=why, finished_at=now)
    return Move(run.with_step(unknown).moved(RunEvent.STOP, now, error=f"step {step.id}: {why}"))


def _answer_to(step: StepState, approvals: Sequence[Approval]) -> Approval | None:
    answered = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)
    # A step that a person retries begins anew and asks anew: what was answered before is not its answer.
    since = step.started_at
    asked = [one for one in approvals if one.step_id == step.id and since is not None and one.asked_at >= since]
    return next((one for one in reversed(asked) if one.status in answered), None)


class Mover:
    """Writes what a move implies: audit rows, the timeline, due notices, the incident's and the release's state."""

    def __init__(
        self,
        ids: Ids,
        configuration: Callable[[], Configuration],
        endings: Endings,
        consequences: Consequences,
        moves: ReleaseMoves,
    ) -> None:
        self._moves = moves
        self._consequences = consequences
        self._ids = ids
        self._configuration = configuration
        self._endings = endings

    def write(self, tx: Transaction, before: Run, move: Move, now: datetime) -> None:
        """The consequences of a changed status, besides the run's own row."""
        if move.run.status is not before.status and not _is_polling(before, move.run):
            tx.add(
                AuditEntry(now, ANDON.name, f"run.{move.run.status}", f"run:{move.run.id}", {"error": move.run.error})
            )
        if move.run.is_ended or move.run.status is RunStatus.NEEDS_HUMAN:
            self._endings.write(tx, move.run, now)
            wake_drill(tx, move.run, now)

    def follow(self, tx: Transaction, run: Run, now: datetime) -> None:
        """What becomes possible once a run has left its place, in the same commit."""
        if run.is_ended and run.kind is not PlaybookKind.ROLLBACK:
            situation = Situation(tx, tx.standing((run.service,)), now, self._ids)
            self._moves.after_run(situation, run)
            self._consequences.after_run(situation, run, self._configuration())
            situation.write_back()

    def recheck(self, tx: Transaction, run: Run, now: datetime) -> Run:
        """Who approved is checked once more at the moment of execution, against the policy as it is now."""
        if run.status is not RunStatus.RUNNING or run.authority == AUTOMATIC or run.first_action_at:
            return run
        try:
            self._check_approval(run, tx.approvals(run.id))
        except Refused as refusal:
            return run.moved(RunEvent.STOP, now, error=f"its approval does not hold: {refusal}")
        return run

    def _check_approval(self, run: Run, approvals: Sequence[Approval]) -> None:
        policy = self._configuration().policies.get(run.service)
        approval = next((one for one in approvals if one.step_id is None), None)
        if policy is None or approval is None or approval.status is not ApprovalStatus.APPROVED:
            raise Refused(f"Run {run.id} is not approved")
        role = Role.ADMIN if approval.role not in policy.roles else Role.OPERATOR
        groups = (approval.answered_as,) if approval.answered_as else ()
        check_answer(Actor(approval.answered_by or "", role, groups=groups), policy, approval, run.plan_hash)

    def intent(self, tx: Transaction, before: Run, move: Move, lease: Lease, now: datetime) -> None:
        """No effect without an earlier audit row, in the commit of the intent; a poll that goes on is not news."""
        run, step = move.run, move.step
        if step is None or step.state:
            return
        known = next((one.interruptions for one in before.steps if one.id == step.id), 0)  # an undo is new
        if step.interruptions > known:
            goes_on = (
                "it is looked whether its effect is there" if move.checks else "repeating it is safe, so it goes on"
            )
            self._note(
                tx, run, step, f"Step {step.id} was interrupted, its worker is gone: {goes_on}", "interrupted", now
            )
        data = {"step": step.id, "use": step.use, "try": step.tries, "fence": lease.fence, "owner": lease.owner}
        tx.add(AuditEntry(now, ANDON.name, "step.intended", f"run:{run.id}", data))

    def note_outcome(self, tx: Transaction, run: Run, state: StepState, outcome: Outcome, now: datetime) -> None:
        """The outcome on the timeline and in the audit trail; a poll that goes on waiting is not news."""
        if state.status is StepStatus.WAITING and outcome.ask is None:
            return
        data = {"step": state.id, "outcome": str(outcome.kind), "try": state.tries, "error": outcome.error}
        tx.add(AuditEntry(now, ANDON.name, "step.outcome", f"run:{run.id}", data))
        text = f"Step {state.id} ({state.use}): {_words(outcome, state, now)}"
        self._note(tx, run, state, text, str(outcome.kind), now)

    def _note(self, tx: Transaction, run: Run, step: StepState, text: str, outcome: str, now: datetime) -> None:
        if run.incident_id is None:
            return
        data = {"step": step.id, "outcome": outcome}
        tx.add(line(self._ids, run.incident_id, now, "step", text, run_id=run.id, data=data))

    def approval(self, run: Run, step_id: str, ask: Ask, now: datetime) -> Approval:
        """The question that a step waits for."""
        return Approval(
            id=self._ids.new("apr"),
            run_id=run.id,
            role=ask.role,
            question=ask.question,
            plan_hash=run.plan_hash,
            asked_at=now,
            expires_at=now + ask.expires,
            then=ask.then,
            step_id=step_id,
            requested_by=run.requested_by,
        )

    def ask(self, tx: Transaction, run: Run, approval: Approval, now: datetime) -> None:
        """Put a step's question to its role."""
        tx.add(approval)
        self._endings.ask(tx, run, approval, now)

    def take_effects(self, tx: Transaction, run: Run, outcome: Outcome, now: datetime) -> None:
        """What a step asked to be written down: a freeze of promotion, notices."""
        for effect in outcome.effects:
            match effect:
                case Freeze() if run.drill:  # promotion is the whole service's: a rehearsal leaves it alone
                    self._note_freeze(tx, run, now)
                case Freeze():
                    self._endings.freeze(tx, run, effect.reason, now)
                case Tell():
                    self._endings.say(tx, run, effect, now)

    def _note_freeze(self, tx: Transaction, run: Run, now: datetime) -> None:
        if run.incident_id is not None:
            text = "Promotion would be frozen now; a drill freezes nothing"
            tx.add(line(self._ids, run.incident_id, now, "step", text, run_id=run.id))


def _is_polling(before: Run, after: Run) -> bool:
    moving = (RunStatus.WAITING, RunStatus.RUNNING)
    return before.status in moving and after.status in moving and before.waiting_for is not WaitingFor.APPROVAL


def _words(outcome: Outcome, state: StepState, now: datetime) -> str:
    seconds = (now - state.started_at).total_seconds() if state.started_at else 0.0
    took = f"{seconds:.2f} s" if seconds < _SECONDS else f"{seconds / _SECONDS:.1f} min"
    tries = f", try {state.tries}" if state.tries > 1 else ""
    why = f": {outcome.error}" if outcome.error else ""
    return f"{str(outcome.kind).replace('_', ' ')} after {took}{tries}{why}"
