"""What the watch over a restored state means for others: whether it may be endorsed yet, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.decisions import Decision, Verdict
from bot.domain.errors import Refused
from bot.domain.events import AlertStatus
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import Policy
from bot.domain.runs import Run, RunStatus
from bot.domain.stable_rules import StableRule
from bot.domain.times import format_duration, format_time
from bot.domain.watches import Watch, WatchState
from bot.flow.watch_shapes import WatchView
from bot.ports import Transaction

_JUDGED = frozenset({Verdict.NOTE, Verdict.RUN, Verdict.ASK, Verdict.JOIN, Verdict.OBSERVE, Verdict.HELD})
_BAD = frozenset({Severity.SEV_1, Severity.SEV_2})
_SHOWN = frozenset({IncidentStatus.MONITORING, IncidentStatus.HALTED, IncidentStatus.STABLE, IncidentStatus.RESOLVED})
_NEXT = "or resolve the incident with a reason"


def rule_of(policy: Policy) -> StableRule | None:
    """What is watched and for how long; None where the policy asks for no watch."""
    return policy.stable if policy.stable is not None and policy.stable.watched_for is not None else None


def watched_run(tx: Transaction, incident: Incident) -> Run | None:
    """The rollback whose result this incident is watched for; a drill is none."""
    if incident.status is not IncidentStatus.MONITORING:
        return None
    restored = (
        run
        for run in tx.runs(limit=100, incident_id=incident.id)
        if run.status is RunStatus.SUCCEEDED and run.kind is PlaybookKind.ROLLBACK and not run.drill
    )
    return max(restored, key=_ended, default=None)


def _ended(run: Run) -> datetime:
    return run.finished_at or run.accepted_at


def alerts_of_note(decisions: Iterable[Decision], *, until: datetime | None = None) -> int:
    """How many alerts fired that meet a criterion or are SEV-1 or SEV-2; repeats of one that goes on do not count."""
    return sum(
        1
        for one in decisions
        if one.verdict in _JUDGED
        and one.alert.get("status") == AlertStatus.FIRING
        and (one.criterion is not None or one.severity in _BAD)
        and (until is None or one.at <= until)
    )


def begun(tx: Transaction, incident: Incident, run: Run, rule: StableRule, now: datetime) -> Watch:
    """The watch as it is before its first look."""
    window = rule.watched_for or timedelta(0)
    restored_at = _ended(run)
    return Watch(
        incident_id=incident.id,
        service=incident.service,
        environment=incident.environment,
        run_id=run.id,
        restored_at=restored_at,
        begun_at=restored_at,
        looked_at=now,
        window_seconds=window.total_seconds(),
        alerts=alerts_of_note(tx.decisions(incident_id=incident.id), until=restored_at),
    )


def check_stable(tx: Transaction, policy: Policy, incident: Incident, now: datetime) -> None:
    """Refused while the restored state was not seen to be good for as long as the policy wants, with the time left."""
    rule = rule_of(policy)
    run = watched_run(tx, incident) if rule is not None else None
    if rule is None or run is None:
        return
    what = f"The restored state of {incident.service} is not stable yet"
    watch = tx.watch(incident.id)
    window = format_duration(rule.watched_for or timedelta(0))
    if watch is None or watch.run_id != run.id:
        raise Refused(what, why=f"its window of {window} has not begun", next=f"endorse it in {window}, {_NEXT}")
    if alerts_of_note(tx.decisions(incident_id=incident.id)) > watch.alerts:
        why = f"an alert of note fired, so its window of {window} begins again"
        raise Refused(what, why=why, next=f"endorse it in {window}, {_NEXT}")
    left = _spoken(watch.left, up=True)
    if watch.state is WatchState.FAILING:
        why = f"{watch.problem}; {left} of {window} are left once it holds"
        raise Refused(what, why=why, next=f"mend it, {_NEXT}")
    if watch.state is WatchState.UNKNOWN or watch.is_stale(now, rule.every):
        why = watch.problem or f"nobody has looked since {format_time(watch.looked_at)}"
        raise Refused(what, why=f"{why}; {left} of {window} are left", next=f"mend what measures it, {_NEXT}")
    if watch.stable_at is None:
        why = f"it was seen to be good for {_spoken(timedelta(seconds=watch.held_seconds))} of {window}"
        raise Refused(what, why=why, next=f"endorse it in {left}, {_NEXT}")


def _spoken(span: timedelta, *, up: bool = False) -> str:
    """In whole seconds; what is left is rounded up, so that nobody comes back too early."""
    second = timedelta(seconds=1)
    return format_duration((-(-span // second) if up else span // second) * second)


def watch_view(tx: Transaction, incident: Incident) -> WatchView | None:
    """How the restored state does; None where nothing of it is watched."""
    watch = tx.watch(incident.id) if incident.status in _SHOWN else None
    if watch is None:
        return None
    until = watch.stable_at
    if until is None and watch.state is WatchState.HOLDING:
        until = watch.looked_at + watch.left
    return {
        "since": format_time(watch.begun_at),
        "until": format_time(until) if until else None,
        "state": str(watch.state),
        "restored_at": format_time(watch.restored_at),
        "looked_at": format_time(watch.looked_at),
        "stable_at": format_time(watch.stable_at) if watch.stable_at else None,
        "window_seconds": watch.window_seconds,
        "held_seconds": round(watch.held_seconds, 3),
        "problem": watch.problem,
        "run_id": watch.run_id,
        "metrics": [
            {
                "query": one["query"],
                "condition": one["condition"],
                "state": one["state"],
                "value": one["value"],
                "low": one["low"],
                "high": one["high"],
                "samples": one["samples"],
                "why": one["why"],
            }
            for one in watch.figures
        ],
    }
