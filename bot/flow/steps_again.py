"""Holds the steps of a run that was made again against those of the recorded one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepState
from bot.flow.findings import Finding, Same


def compare_runs(recorded: Run, again: Run) -> Iterator[Finding]:
    """How the run ended, then step by step. A run that is not over yet is not told."""
    same = Same.SAME if again.status is recorded.status else Same.DIFFERS
    if same is Same.DIFFERS and not again.is_ended and again.status is not RunStatus.NEEDS_HUMAN:
        same = Same.NOT_TOLD
    why = again.error or (f"it waits for {again.waiting_for}" if again.waiting_for else "")
    yield Finding("run", recorded.id, f"{recorded.playbook.name} as {again.id}", *_ends(recorded, again), same, why)
    found = {step.id: step for step in again.steps}
    for step in recorded.steps:
        if step.undoes is None:
            yield _compared(step, found.get(step.id), is_over=same is not Same.NOT_TOLD)


def _ends(recorded: Run, again: Run) -> tuple[str, str]:
    return f"{recorded.status}{_took(recorded)}", f"{again.status}{_took(again)}"


def _took(run: Run) -> str:
    return f" in {(run.finished_at - run.accepted_at).total_seconds():.1f} s" if run.finished_at else ""


def _compared(step: StepState, again: StepState | None, *, is_over: bool) -> Finding:
    if again is None:
        return Finding("step", step.id, step.use, str(step.status), "", Same.DIFFERS, "there is no such step")
    alike = step.status is again.status and _gist(step) == _gist(again)
    same = Same.SAME if alike else Same.DIFFERS if is_over else Same.NOT_TOLD
    return Finding("step", step.id, step.use, _in_words(step), _in_words(again), same, again.error)


def _gist(step: StepState) -> Any:
    """What of its output has to be the same: how the call was answered. Bodies carry times and numbers of their own."""
    return step.output.get("status")


def _in_words(step: StepState) -> str:
    status = _gist(step)
    return f"{step.status}{f' ({status})' if status is not None else ''}"
