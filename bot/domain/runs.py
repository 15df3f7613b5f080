"""Runs: one execution of one playbook for one service, and every move a run can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.errors import Refused
from bot.domain.playbooks import ActionSpec, IfInterrupted, Playbook, PlaybookKind, StepSpec
from bot.domain.step_states import StepState, StepStatus


class RunStatus(StrEnum):
    """States of a run; see RUN_MOVES."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    NEEDS_HUMAN = "needs_human"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def is_ended(self) -> bool:
        """Nothing moves it any more, and its service and environment are free for another run."""
        return self in _ENDED


_ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SUPERSEDED})


class RunEvent(StrEnum):
    """What can happen to a run."""

    CLAIM = "claim"
    PARK = "park"
    SUCCEED = "succeed"
    FAIL = "fail"
    STOP = "stop"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"
    HALT = "halt"
    RETRY = "retry"
    DONE = "done"
    UNDO = "undo"
    TAKE_OVER = "take_over"


_S, _E = RunStatus, RunEvent

RUN_MOVES: Mapping[tuple[RunStatus, RunEvent], RunStatus] = {
    (_S.QUEUED, _E.CLAIM): _S.RUNNING,
    (_S.QUEUED, _E.CANCEL): _S.CANCELLED,
    (_S.QUEUED, _E.TAKE_OVER): _S.CANCELLED,
    (_S.RUNNING, _E.CLAIM): _S.RUNNING,  # its worker died: another goes on
    (_S.RUNNING, _E.PARK): _S.WAITING,
    (_S.RUNNING, _E.SUCCEED): _S.SUCCEEDED,
    (_S.RUNNING, _E.FAIL): _S.FAILED,
    (_S.RUNNING, _E.STOP): _S.NEEDS_HUMAN,
    (_S.RUNNING, _E.CANCEL): _S.CANCELLED,
    (_S.RUNNING, _E.TAKE_OVER): _S.CANCELLED,  # its worker finds out before its next step
    (_S.WAITING, _E.CLAIM): _S.RUNNING,
    (_S.WAITING, _E.APPROVE): _S.WAITING,  # awake at once
    (_S.WAITING, _E.REJECT): _S.CANCELLED,
    (_S.WAITING, _E.CANCEL): _S.CANCELLED,
    (_S.WAITING, _E.TAKE_OVER): _S.CANCELLED,
    (_S.WAITING, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.NEEDS_HUMAN, _E.RETRY): _S.RUNNING,
    (_S.NEEDS_HUMAN, _E.DONE): _S.RUNNING,
    (_S.NEEDS_HUMAN, _E.UNDO): _S.RUNNING,
    (_S.NEEDS_HUMAN, _E.TAKE_OVER): _S.CANCELLED,
    (_S.NEEDS_HUMAN, _E.CANCEL): _S.CANCELLED,
    # A halt ends whatever promotes, in every state; it never touches a rollback (see Run.halted).
    (_S.QUEUED, _E.HALT): _S.SUPERSEDED,
    (_S.RUNNING, _E.HALT): _S.SUPERSEDED,
    (_S.WAITING, _E.HALT): _S.SUPERSEDED,
    (_S.NEEDS_HUMAN, _E.HALT): _S.SUPERSEDED,
}
"""Every move there is; a pair that is absent is refused. An ended run never moves again."""


class WaitingFor(StrEnum):
    """Why a waiting run waits."""

    APPROVAL = "approval"
    WINDOW = "window"
    TIME = "time"


@dataclass(frozen=True)
class Run:
    """One execution of one playbook. It keeps the playbook's copy and the facts it was planned with."""

    id: str
    service: str
    environment: str
    playbook: Playbook
    plan_hash: str
    facts: Mapping[str, Any]
    steps: tuple[StepState, ...]
    accepted_at: datetime
    deadline: datetime
    status: RunStatus = RunStatus.QUEUED
    incident_id: str | None = None
    event_id: str | None = None
    release_id: str | None = None
    criterion: str | None = None
    requested_by: str | None = None
    """The person who asked; none where an alert did."""
    authority: str = "automatic"
    approved_by: str | None = None
    drill: bool = False
    undoing: bool = False
    waiting_for: WaitingFor | None = None
    wake_at: datetime | None = None
    first_action_at: datetime | None = None
    finished_at: datetime | None = None
    breached_at: datetime | None = None
    error: str = ""
    version: int = 1
    """Grows with each save; a save that expects another version is refused by the store."""

    @classmethod
    def planned(cls, *, playbook: Playbook, **values: Any) -> Self:
        """A new run with one pending step for each of the playbook's."""
        steps = tuple(StepState(id=step.id, use=step.use) for step in playbook.steps)
        return cls(playbook=playbook, steps=steps, **values)

    @property
    def kind(self) -> PlaybookKind:
        """What its playbook does to a release."""
        return self.playbook.kind

    @property
    def is_ended(self) -> bool:
        """Nothing moves it any more."""
        return self.status.is_ended

    @property
    def is_approved(self) -> bool:
        """Needs no approval before its first step, or has it."""
        return self.authority == "automatic" or self.approved_by is not None

    @property
    def only_waits_for_approval(self) -> bool:
        """Nothing was done yet and nothing will be before somebody says yes."""
        return self.status is RunStatus.WAITING and not self.is_approved

    @property
    def seconds_to_first_action(self) -> float | None:
        """From acceptance of the cause to the first step that acts; waiting for an approval counts."""
        return (self.first_action_at - self.accepted_at).total_seconds() if self.first_action_at else None

    @property
    def yields(self) -> bool:
        """Makes way for an automatic rollback: it only waits for an approval, or it promotes."""
        return self.only_waits_for_approval or self.kind is PlaybookKind.PROMOTE

    @property
    def next_step(self) -> StepState | None:
        """The first step that is not settled; None when all are."""
        return next((step for step in self.steps if not step.is_settled), None)

    def allows(self, event: RunEvent) -> bool:
        """Whether the event may happen now."""
        return (self.status, event) in RUN_MOVES

    def moved(self, event: RunEvent, now: datetime, *, error: str = "") -> Self:
        """The run after the event; raises Refused where the table has no such move."""
        target = RUN_MOVES.get((self.status, event))
        if target is None:
            raise Refused(
                f"Run {self.id} is {self.status}: it cannot {event.replace('_', ' ')}",
                next="look at it with `andon incident show` or on its page",
            )
        return replace(
            self,
            status=target,
            error=error or ("" if target is RunStatus.RUNNING else self.error),
            finished_at=now if target.is_ended else None,
            waiting_for=self.waiting_for if target is RunStatus.WAITING else None,
            wake_at=self.wake_at if target is RunStatus.WAITING else None,
        )

    def parked(self, waiting_for: WaitingFor, wake_at: datetime | None, now: datetime) -> Self:
        """Waiting without a worker until `wake_at`, or until somebody answers when that is None."""
        parked = self.moved(RunEvent.PARK, now)
        return replace(parked, waiting_for=waiting_for, wake_at=wake_at)

    def asking(self) -> Self:
        """A planned run that waits for its approval before anything is done."""
        return replace(self, status=RunStatus.WAITING, waiting_for=WaitingFor.APPROVAL, wake_at=None)

    def approved(self, by: str, now: datetime) -> Self:
        """Awake at once, after a yes. The first yes of a run that needed one is kept as its approval."""
        moved = self.moved(RunEvent.APPROVE, now)
        approved_by = self.approved_by or (by if self.authority != "automatic" else None)
        return replace(moved, approved_by=approved_by, waiting_for=WaitingFor.TIME, wake_at=now)

    def halted(self, now: datetime) -> Self:
        """After a halt of its service: what promotes is superseded, everything else goes on."""
        if self.kind is not PlaybookKind.PROMOTE or self.is_ended:
            return self
        return self.moved(RunEvent.HALT, now, error="the service was halted")

    def spec(self, step_id: str) -> StepSpec:
        """The playbook's words for a step; for one that undoes, the undo's."""
        state = self.step(step_id)
        spec = next(one for one in self.playbook.steps if one.id == (state.undoes or step_id))
        if state.undoes is None or spec.undo is None:
            return spec
        # Under the name of the step that it takes back: a colon is for keys, no name may hold one.
        return StepSpec(
            id=spec.id,
            use=spec.undo.use,
            with_=spec.undo.with_,
            timeout=spec.timeout,
            tries=spec.tries,
            if_interrupted=spec.if_interrupted if spec.if_interrupted is IfInterrupted.REPEAT else IfInterrupted.ASK,
        )

    def check_of(self, step_id: str) -> ActionSpec | None:
        """The declared check of a step, if its playbook gives one."""
        return self.spec(step_id).check

    def step(self, step_id: str) -> StepState:
        """The state of one step; KeyError where there is none."""
        for state in self.steps:
            if state.id == step_id:
                return state
        raise KeyError(step_id)

    def with_step(self, state: StepState) -> Self:
        """The run with one step replaced."""
        return replace(self, steps=tuple(state if one.id == state.id else one for one in self.steps))

    def retried(self, now: datetime) -> Self:
        """A person says: perform the step that stopped once more, with fresh tries."""
        moved = self.moved(RunEvent.RETRY, now)
        step = self.next_step
        # Started anew: a wait that ran into its timeout gets all of its time again.
        fresh = step and replace(step, status=StepStatus.PENDING, tries=0, error="", started_at=None)
        return moved.with_step(fresh) if fresh else moved

    def said_done(self, now: datetime) -> Self:
        """A person says that the step that stopped is done; its check decides."""
        moved = self.moved(RunEvent.DONE, now)
        step = self.next_step
        return moved.with_step(replace(step, status=StepStatus.CHECKING, error="")) if step else moved

    def undone(self, now: datetime) -> Self:
        """From now on the run takes back, in reverse order, whatever acted and declares an undo."""
        moved = (
            replace(self, status=RunStatus.RUNNING) if self.status is RunStatus.RUNNING else self.moved(_E.UNDO, now)
        )
        undos = tuple(
            StepState(id=f"{state.id}:undo", use=spec.undo.use, undoes=state.id)
            for state, spec in reversed([(state, self._declared(state)) for state in self.steps])
            if spec is not None and spec.undo is not None and state.may_have_acted
        )
        kept = tuple(
            state if state.status is StepStatus.DONE else replace(state, status=StepStatus.SKIPPED, error=state.error)
            for state in self.steps
        )
        return replace(moved, steps=kept + undos, undoing=True)

    def _declared(self, state: StepState) -> StepSpec | None:
        if state.undoes is not None:
            return None
        return next((one for one in self.playbook.steps if one.id == state.id), None)


@dataclass(frozen=True)
class Lease:
    """The right of one worker to work on one run until `expires_at` by the database's clock."""

    run_id: str
    owner: str
    fence: int
    expires_at: datetime
