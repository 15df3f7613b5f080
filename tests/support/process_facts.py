"""The measures of a made-up history, counted straight from its facts, one after the other and without any database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.domain.measures import Measured
from support.process_history import DAY, Back, Going, History, Tried, Trouble

Fact = tuple[str, datetime, Measured, str, timedelta | None]
"""Service, moment that decides the month, what, key, and how long it took, if that is known."""
Counted = dict[tuple[str, str, str, str], tuple[int, list[int]]]
_MS = timedelta(milliseconds=1)


def counted(
    history: History, first: datetime, end: datetime, *, services: set[str], environment: str | None, now: datetime
) -> Counted:
    """By service, month, what and key: how often, and the microseconds in ascending order."""
    found: defaultdict[tuple[str, str, str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for service, at, of, key, took in _facts(history, environment, now):
        if service in services and first <= at < end:
            counts, times = found[service, at.astimezone(UTC).strftime("%Y-%m"), str(of), key]
            counts.append(1)
            if took is not None:
                times.append(took // timedelta(microseconds=1))
    return {key: (len(counts), sorted(times)) for key, (counts, times) in found.items()}


def _facts(history: History, environment: str | None, now: datetime) -> Iterator[Fact]:
    there = [
        one
        for one in history.troubles
        if not one.drill and (one.environment != "staging" if environment is None else one.environment == environment)
    ]
    for release in history.releases:
        yield from _of_release(release)
        yield from _of_change(release, history, there)
    for trouble in there:
        yield from _of_trouble(trouble, now)
    yield from _of_disruptions(there)
    for trouble in history.troubles:
        if (environment is None and trouble.environment != "staging") or trouble.environment == environment:
            for run in trouble.runs:
                yield from _of_run(trouble.service, run)
    for drill in history.drills:
        yield from _of_drill(drill)


def _of_release(one: Going) -> Iterator[Fact]:
    yield one.service, one.opened, Measured.STARTED, "" if one.staged else "unstaged", None
    ready = _ready(one)
    if one.judged:
        yield one.service, one.opened, Measured.READINESS, "", ready - one.opened if ready else None
    if one.live:
        yield one.service, one.live, Measured.LEAD, "", one.live - one.opened
        yield one.service, one.live, Measured.SERVING, "", one.live - ready if ready else None
    failed: dict[tuple[int, int], tuple[datetime, str]] = {}
    for stage, judgements in enumerate((one.judged, one.later)):
        for at, verdicts in judgements:
            for position, (use, verdict) in enumerate(verdicts):
                if verdict == "fail":
                    failed.setdefault((stage, position), (at, use))
    for at, use in failed.values():
        yield one.service, at, Measured.GATE_FAILURE, use, None
    for at in one.found:
        yield one.service, at, Measured.DEPENDENCY, "", None


def _ready(one: Going) -> datetime | None:
    """Walk back from the last judgement while all passed."""
    ready = None
    for at, verdicts in reversed(one.judged):
        if any(verdict != "pass" for _, verdict in verdicts):
            break
        ready = at
    return ready


def _of_change(one: Going, history: History, there: list[Trouble]) -> Iterator[Fact]:
    if one.live is None:
        return
    later = [r.live for r in history.releases if r.service == one.service and r.live and r.live > one.live]
    until = min(later, default=datetime.max.replace(tzinfo=UTC))
    halted = one.halted_now or any(
        at >= one.live for trouble in there if trouble.release is one for at in trouble.halts
    )
    emergency = any(
        r.emergency and r.staged and r.service == one.service and one.live <= r.opened < until for r in history.releases
    )
    yield one.service, one.live, Measured.CHANGE, "live", None
    for key, is_so in (("rolled_back", one.rolled_back), ("halted", halted), ("emergency", emergency)):
        if is_so:
            yield one.service, one.live, Measured.CHANGE, key, None
    if one.rolled_back or halted or emergency:
        yield one.service, one.live, Measured.CHANGE, "failed", None


def _goes_on(one: Trouble) -> Trouble | None:
    """The incident that it takes up again; a drill is none."""
    before = one.previous
    if before is None or before.drill or before.resolved is None:
        return None
    return before if one.opened - before.resolved <= DAY else None


def _of_trouble(one: Trouble, now: datetime) -> Iterator[Fact]:
    yield one.service, one.opened, Measured.INCIDENT, "", None
    firing = [start for start, fires in one.alerts if fires]
    if firing:
        starts = [start for start in firing if start is not None]
        earliest = min(starts, default=None)
        took = one.opened - earliest if earliest is not None else None
        yield one.service, one.opened, Measured.DETECTION, "", took if took is not None and took >= 0 * DAY else None
    if one.halts:
        yield one.service, one.opened, Measured.HALT, "", min(one.halts) - one.opened
    for at, state, due in one.items:
        if state in ("open", "done"):
            yield one.service, at, Measured.ACTION_ITEM, "recorded", None
            yield one.service, at, Measured.ACTION_ITEM, state, None
            if state == "open" and due is not None and due <= now:
                yield one.service, at, Measured.ACTION_ITEM, "overdue", None


def _over(one: Trouble) -> datetime | None:
    if one.resolved is None:
        return one.endorsed[-1] if one.stable else None
    if not one.endorsed:
        return one.resolved
    last = one.endorsed[-1]
    acted = [run.acted for run in one.runs if run.acted]
    news = [*one.halts, *acted, *(at for at, fires in one.alarms if fires)]
    return one.resolved if any(at > last for at in news) else last


def _of_disruptions(there: list[Trouble]) -> Iterator[Fact]:
    chains: list[list[Trouble]] = []
    holding: dict[str, list[Trouble]] = {}
    for one in there:
        if (before := _goes_on(one)) is not None:
            holding[one.id] = holding[before.id]
            holding[one.id].append(one)
        else:
            holding[one.id] = [one]
            chains.append(holding[one.id])
    for chain in chains:
        ends = [_over(one) for one in chain]
        over = ends[-1] if all(ends) else None
        key = "deployment" if any(map(_is_deployment, chain)) else "other"
        yield chain[0].service, chain[0].opened, Measured.DISRUPTION, key, over - chain[0].opened if over else None
        for _ in chain[1:]:
            yield chain[0].service, chain[0].opened, Measured.REOPENED, key, None


def _is_deployment(one: Trouble) -> bool:
    if one.release is None or one.release.live is None or one.release.live > one.opened:
        return False
    return bool(one.halts) or any(_restores(run) for run in one.runs)


def _restores(run: Back) -> bool:
    return run.status == "succeeded" and run.is_rollback and not run.drill


def _of_run(service: str, run: Back) -> Iterator[Fact]:
    if run.drill:
        return
    if run.is_rollback and run.finished:
        if run.status == "succeeded":
            name = {None: "unknown:", "canary divergence": "canary:"}.get(run.criterion, f"criterion:{run.criterion}")
            cause = "people:" if run.person else name
            yield service, run.accepted, Measured.ROLLBACK, cause, run.finished - run.accepted
        elif run.acted:
            yield service, run.accepted, Measured.ATTEMPT, "failed", None
    for asked, answered, state in run.asked:
        if state != "withdrawn":
            took = answered - asked if answered and state in ("approved", "rejected") else None
            yield service, asked, Measured.APPROVAL, "", took


def _of_drill(one: Tried) -> Iterator[Fact]:
    if one.state in ("passed", "failed", "aborted", "missed", "skipped"):
        yield one.service, one.due, Measured.DRILL, one.state, None
    if one.state in ("passed", "failed", "aborted"):
        begun = one.injected or one.detected
        took = one.verified - begun if one.verified and begun else None
        yield one.service, one.due, Measured.DRILL_RESTORE, one.state, took
