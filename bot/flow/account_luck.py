"""What went well and where luck helped, by rules over the record: suggestions, for people to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from bot.domain.canaries import CanaryVerdict, Phase
from bot.domain.decisions import Verdict
from bot.domain.drills import DrillState
from bot.domain.records import ApprovalStatus, NoticeStatus
from bot.domain.runs import RunStatus
from bot.domain.step_states import StepStatus
from bot.domain.times import format_duration
from bot.flow.account import Account
from bot.flow.account_conditions import DRILL_HOLDS, Finding
from bot.flow.account_times import Response

_NARROW = 0.1
"""Less than this share of the time left: it was close."""
_SEEN = "halt"


def went_well(account: Account, response: Response) -> list[Finding]:
    """What the record shows to have worked as it was meant to."""
    return [one for rule in _WELL for one in rule(account, response)]


def luck(account: Account, response: Response) -> list[Finding]:
    """What might have gone otherwise."""
    return [one for rule in _LUCK for one in rule(account, response)]


def _in_time(account: Account, response: Response) -> Iterator[Finding]:
    run = account.restoring
    if response.met and response.took is not None and run is not None:
        text = f"It was restored {_span(response.took)} after it was detected, within what was agreed"
        yield Finding(text, (f"run {run.id}",))


def _by_itself(account: Account, _: Response) -> Iterator[Finding]:
    run = account.restoring
    if run is not None and run.criterion and run.authority == "automatic" and not account.approvals.get(run.id):
        yield Finding(f"The criterion “{run.criterion}” restored it; no person was needed", (f"run {run.id}",))


def _early(account: Account, _: Response) -> Iterator[Finding]:
    canary = account.canary
    if canary is not None and canary.verdict is CanaryVerdict.DIVERGED and canary.phase == Phase.CANARY:
        text = f"The comparison saw it after {canary.pairs:,} pairs, before everybody was served by the new version"
        yield Finding(text, (f"canary of release {canary.release_id}",))


def _rehearsed(account: Account, _: Response) -> Iterator[Finding]:
    run = account.restoring
    if run is None:
        return
    passed = [one for one in account.drills if one.state is DrillState.PASSED and one.playbook == run.playbook.name]
    if passed and account.incident.opened_at - (passed[-1].ended_at or passed[-1].slot) <= DRILL_HOLDS:
        days = (account.incident.opened_at - (passed[-1].ended_at or passed[-1].slot)).days
        when = "on the same day" if days < 1 else "the day before" if days == 1 else f"{days} days before"
        yield Finding(f"The way back had been rehearsed {when}", (f"drill {passed[-1].id}",))


def _all_told(account: Account, _: Response) -> Iterator[Finding]:
    counted = [one for one in account.notices if one.status is not NoticeStatus.SUPERSEDED]
    if counted and all(one.status is NoticeStatus.SENT for one in counted):
        yield Finding(f"All {len(counted)} notices arrived", ("the notices of the incident",))


def _held(account: Account, response: Response) -> Iterator[Finding]:
    if response.stable is not None and account.watch is not None:
        span = format_duration(timedelta(seconds=account.watch.window_seconds))
        yield Finding(f"What was restored was good for all of {span}", (f"run {account.watch.run_id}",))


def _close(account: Account, response: Response) -> Iterator[Finding]:
    if not response.met or response.left is None or response.within is None:
        return
    if response.left < response.within * _NARROW:
        run = account.rollbacks[0]
        yield Finding(f"Only {_span(response.left)} of the agreed time were left", (f"run {run.id}",))


def _noticed(account: Account, _: Response) -> Iterator[Finding]:
    """A person saw what no alert told."""
    first = next((one for one in account.timeline if one.kind in (_SEEN, "alert")), None)
    if first is not None and first.kind == _SEEN and first.actor not in (None, "andon"):
        yield Finding("A person saw it before any alert did", (f"timeline {first.id}",))


def _tries(account: Account, _: Response) -> Iterator[Finding]:
    for run in account.rollbacks:
        for step in run.steps:
            if step.status is StepStatus.DONE and step.tries > 1:
                text = f"Step {step.id} of {run.playbook.name} succeeded only at try {step.tries}"
                yield Finding(text, (f"run {run.id}",))


def _second_run(account: Account, _: Response) -> Iterator[Finding]:
    failed = [run for run in account.rollbacks if run.status in (RunStatus.FAILED, RunStatus.CANCELLED)]
    if account.restoring is not None and failed:
        text = "One rollback did not get to its end, and another did"
        yield Finding(text, tuple(f"run {run.id}" for run in (*failed, account.restoring)))


def _late_yes(account: Account, _: Response) -> Iterator[Finding]:
    for approvals in account.approvals.values():
        for one in approvals:
            late = one.answered_at is not None and one.answered_at > one.expires_at
            if late and one.status is ApprovalStatus.APPROVED:
                yield Finding("Somebody answered although the question had ended", (f"approval {one.id}",))


def _joined(account: Account, _: Response) -> Iterator[Finding]:
    if any(one.verdict is Verdict.HELD for one in account.decisions) and account.restoring is not None:
        run = account.restoring
        if run.requested_by:
            yield Finding("Automation was paused, and a person was there to ask for the rollback", (f"run {run.id}",))


def _span(span: timedelta) -> str:
    return format_duration(timedelta(seconds=round(span.total_seconds())))


_Rule = Callable[[Account, Response], Iterator[Finding]]
_WELL: Sequence[_Rule] = (_in_time, _by_itself, _early, _rehearsed, _all_told, _held)
_LUCK: Sequence[_Rule] = (_close, _noticed, _tries, _second_run, _late_yes, _joined)
