"""What the run of a drill tells of the way back: when it acted, when it was done, when that was proven. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.drill_rules import PROOFS
from bot.domain.drills import Drill, DrillEvent
from bot.domain.playbooks import ActionSpec
from bot.domain.policies import AUTOMATIC
from bot.domain.records import Approval
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepState, StepStatus
from bot.domain.times import format_duration

Acts = Callable[[ActionSpec], bool]
"""Whether an action may change the world outside."""


@dataclass(frozen=True)
class Judged:
    """What a drill comes to, and why where it did not pass."""

    verdict: DrillEvent
    why: str = ""


def measured(drill: Drill, run: Run, approvals: Sequence[Approval], acts: Acts) -> Drill:
    """The drill with the moments that its run tells so far."""
    done = [one for one in run.steps if one.status is StepStatus.DONE and one.undoes is None]
    acted = [number for number, one in enumerate(done) if acts(run.spec(one.id))]
    proofs = [one.finished_at for one in done[acted[-1] + 1 :] if _proves(one)] if acted else []
    is_over = run.status is RunStatus.SUCCEEDED
    return replace(
        drill,
        decided_at=run.accepted_at,
        first_action_at=run.first_action_at,
        restored_at=done[acted[-1]].finished_at if acted and is_over else None,
        verified_at=max(filter(None, proofs), default=None) if is_over else None,
        human=_needed_somebody(run, approvals),
    )


def injected_at(run: Run, acts: Acts) -> datetime | None:
    """When the last step that acted was done: from then on the failure is there."""
    done = [one for one in run.steps if one.status is StepStatus.DONE]
    acted = [one.finished_at for one in done if acts(run.spec(one.id))]
    return max(filter(None, acted), default=run.finished_at)


def ended_badly(run: Run) -> Judged | None:
    """What a run that restored nothing means for its drill; None while it may still succeed, and where it has."""
    if run.status is RunStatus.NEEDS_HUMAN:
        if any(one.interruptions and one.status is StepStatus.UNKNOWN for one in run.steps):
            return Judged(DrillEvent.ABORT, f"its worker was lost: {run.error}")
        return Judged(DrillEvent.FAIL, f"it needs a person: {run.error}")
    if run.is_ended and run.status is not RunStatus.SUCCEEDED:
        return Judged(DrillEvent.FAIL, f"its run is {run.status}: {run.error}".rstrip(": "))
    return None


def judged(drill: Drill) -> Judged:
    """The verdict about what was restored and measured to be good: within the objective, or too late."""
    seconds = drill.seconds_to_restore
    if drill.restored_at is None:
        return Judged(DrillEvent.FAIL, "no step of its playbook acted, so nothing was restored")
    if drill.verified_at is None or seconds is None:
        return Judged(DrillEvent.FAIL, "nothing verified what was restored")
    if seconds > drill.objective_seconds:
        objective = format_duration(drill.objective)
        return Judged(DrillEvent.FAIL, f"it took {seconds:.1f} s, the objective is {objective}")
    return Judged(DrillEvent.PASS)


def _proves(step: StepState) -> bool:
    return step.use in PROOFS or "held_seconds" in step.output


def _needed_somebody(run: Run, approvals: Sequence[Approval]) -> bool:
    asked = run.authority != AUTOMATIC or bool(approvals) or run.requested_by is not None
    return asked or run.status is RunStatus.NEEDS_HUMAN
