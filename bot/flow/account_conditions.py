"""Conditions that contributed, as far as the record shows any: each with the records that it rests on. No causes.

An incident rarely has one cause; conditions that had to come together are what can be changed. After R. Cook, "How
Complex Systems Fail" (2000), and the template of the SRE book, chapter 15.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.decisions import Verdict
from bot.domain.drills import DrillState
from bot.domain.escalations import EscalationStatus
from bot.domain.gates import GateVerdict
from bot.domain.records import Approval, ApprovalStatus, NoticeStatus
from bot.domain.runs import Run
from bot.domain.step_states import StepStatus
from bot.domain.times import format_duration, parse_time
from bot.domain.walks import ReleaseKind
from bot.domain.watches import WatchState
from bot.flow.account import Account

LATE_ALERT = timedelta(minutes=5)
"""An alert that came so long after what it tells of began is called late."""
DRILL_HOLDS = timedelta(days=90)
"""A rehearsal that is older than this says little about today."""
_MOST_OF_A_KIND = 10


@dataclass(frozen=True)
class Finding:
    """One thing that the record shows, and the records that show it."""

    text: str
    evidence: tuple[str, ...] = ()


def conditions_of(account: Account) -> list[Finding]:
    """All of them, in one order; at most so many of a kind, with the number of the others."""
    return [one for rule in _RULES for one in _some(list(rule(account)))]


def _some(found: Sequence[Finding]) -> list[Finding]:
    more = found[_MOST_OF_A_KIND:]
    rest = [Finding(f"{len(more)} more of this kind", tuple(e for one in more for e in one.evidence)[:50])]
    return [*found[:_MOST_OF_A_KIND], *(rest if more else [])]


def _gates(account: Account) -> Iterator[Finding]:
    for gate in account.gates:
        if gate.verdict is not GateVerdict.PASS:
            text = f"Gate “{gate.name}” of stage {gate.stage} was {_verdict(gate.verdict)}: {gate.why}"
            yield Finding(text, (f"gate result {gate.id}",))
    release = account.release
    if release is not None and account.walk is None:
        yield Finding(f"No gate stood in the way of {release.candidate}", (f"release {release.id} has no stages",))


def _verdict(verdict: GateVerdict) -> str:
    return {GateVerdict.FAIL: "failing", GateVerdict.UNKNOWN: "not known"}.get(verdict, str(verdict))


def _emergency(account: Account) -> Iterator[Finding]:
    if account.walk is not None and account.walk.kind is ReleaseKind.EMERGENCY:
        yield Finding("The release was an emergency, with fewer gates", (f"release {account.walk.release_id}",))


def _dependencies(account: Account) -> Iterator[Finding]:
    for one in account.dependencies:
        text = f"The release depended on {one.what} of {one.on_service}, which was not planned: {one.why}"
        yield Finding(text, (f"dependency {one.id}",))


def _drills(account: Account) -> Iterator[Finding]:
    if not account.rollbacks:
        return
    names = {run.playbook.name for run in account.rollbacks}
    drills = [one for one in account.drills if one.playbook in names]
    passed = [one for one in drills if one.state is DrillState.PASSED]
    shown = ", ".join(sorted(names))
    if not passed:
        missed = tuple(f"drill {one.id} ({one.state})" for one in drills[-3:])
        text = f"The way back ({shown}) had never been rehearsed with success"
        yield Finding(text, missed or (f"no drill of {shown} is recorded before the incident",))
        return
    last = passed[-1]
    age = account.incident.opened_at - (last.ended_at or last.slot)
    if age > DRILL_HOLDS:
        yield Finding(f"The way back was rehearsed last {age.days} days before", (f"drill {last.id}",))
    if drills[-1] is not last:
        why = f": {drills[-1].why}" if drills[-1].why else ""
        text = f"The newest rehearsal of the way back did not pass ({drills[-1].state}{why})"
        yield Finding(text, (f"drill {drills[-1].id}",))


def _approvals(account: Account) -> Iterator[Finding]:
    for run in account.runs:
        for one in account.approvals.get(run.id, ()):
            if text := _waited(run, one):
                yield Finding(text, (f"approval {one.id}", f"run {run.id}"))


def _waited(run: Run, one: Approval) -> str:
    role = one.role.replace("_", " ")
    if one.answered_at is None or one.status is ApprovalStatus.WITHDRAWN:
        lapsed = one.status is ApprovalStatus.EXPIRED
        return f"The question to {role} had no answer by its end" if lapsed else ""
    waited = one.answered_at - one.asked_at
    if one.answered_at > one.expires_at:
        return f"The answer of {role} came after {_span(waited)}, when the question had ended"
    if waited > run.deadline - run.accepted_at:
        return f"The answer of {role} took {_span(waited)}, longer than the whole rollback was to take"
    return ""


def _late_alerts(account: Account) -> Iterator[Finding]:
    for one in account.decisions:
        begun = one.alert.get("starts_at")
        if not begun or one.alert.get("status") != "firing" or one.verdict in (Verdict.DUPLICATE, Verdict.STALE):
            continue
        late = one.at - parse_time(str(begun))
        if late > LATE_ALERT:
            title = str(one.alert.get("title") or one.alert.get("labels", {}).get("alertname") or "An alert")
            yield Finding(f"{title} came {_span(late)} after it began", (f"event {one.event_id}",))


def _held_back(account: Account) -> Iterator[Finding]:
    for one in account.decisions:
        if one.verdict in (Verdict.HELD, Verdict.OBSERVE):
            yield Finding(f"Nothing was done by itself: {one.reason}", (f"decision {one.id}",))


def _no_criterion(account: Account) -> Iterator[Finding]:
    noted = [one for one in account.decisions if one.verdict is Verdict.NOTE and one.alert]
    if noted and not any(one.criterion and one.run_id for one in account.decisions):
        text = f"No criterion answered: {noted[0].reason}"
        yield Finding(text, tuple(f"decision {one.id}" for one in noted[:3]))


def _runs(account: Account) -> Iterator[Finding]:
    for run in account.runs:
        for step in run.steps:
            if step.status in (StepStatus.FAILED, StepStatus.UNKNOWN):
                how = "failed" if step.status is StepStatus.FAILED else "had an end that nobody knows"
                why = f": {step.error}" if step.error else ""
                yield Finding(f"Step {step.id} of {run.playbook.name} {how}{why}", (f"run {run.id}",))
            if step.interruptions:
                times = "once" if step.interruptions == 1 else f"{step.interruptions} times"
                yield Finding(f"Step {step.id} of {run.playbook.name} was interrupted {times}", (f"run {run.id}",))
        if run.breached_at is not None:
            span = format_duration(run.deadline - run.accepted_at)
            yield Finding(f"{run.playbook.name} did not end within {span}", (f"run {run.id}",))


def _calls(account: Account) -> Iterator[Finding]:
    for run in account.runs:
        told = [one for one in account.escalations.get(run.id, ()) if one.told_at is not None]
        if told and not any(one.status is EscalationStatus.ACKNOWLEDGED for one in told):
            levels = "one level was" if len(told) == 1 else f"{len(told)} levels were"
            yield Finding(f"{levels} called, and nobody had said that they look at it", (f"run {run.id}",))


def _notices(account: Account) -> Iterator[Finding]:
    for one in account.notices:
        if one.status in (NoticeStatus.DEAD, NoticeStatus.FAILED):
            how = "never arrived" if one.status is NoticeStatus.DEAD else "has not arrived yet"
            why = f": {one.error}" if one.error else ""
            audience = "a person" if one.audience.startswith("person:") else one.audience
            yield Finding(f"The notice {one.name} to {audience} {how}{why}", (f"notice {one.id}",))


def _watch(account: Account) -> Iterator[Finding]:
    watch = account.watch
    if watch is not None and watch.stable_at is None and watch.state is WatchState.UNKNOWN:
        yield Finding(f"Whether the restored state is good could not be measured: {watch.problem}", ())


def _again(account: Account) -> Iterator[Finding]:
    if account.incident.previous_id:
        text = "It was not the first incident here"
        yield Finding(text, (f"incident {account.incident.previous_id}",))


def _span(span: timedelta) -> str:
    return format_duration(timedelta(seconds=round(span.total_seconds())))


_RULES: Sequence[Callable[[Account], Iterator[Finding]]] = (
    _gates, _emergency, _dependencies, _drills, _late_alerts, _held_back, _no_criterion, _approvals, _runs, _calls,
    _notices, _watch, _again,
)  # fmt: skip
