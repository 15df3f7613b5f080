"""A made-up history of releases, incidents, rollbacks, questions, promises and drills: plain facts, and its records."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.drills import Drill, DrillState
from bot.domain.gates import GateResult, GateVerdict
from bot.domain.incidents import IncidentStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.playbooks import Playbook
from bot.domain.records import ApprovalStatus
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.runs import RunStatus
from bot.domain.times import format_time
from bot.domain.walks import LiveVersion, ReleaseKind, UnplannedDependency, Walk
from bot.ports import Record
from support.store_records import PLAYBOOK, approval, decision, event, incident, new_id, run, timeline_entry

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
END = datetime(2026, 8, 20, tzinfo=UTC)
SERVICES = ("churn", "fraud", "ranker", "search")
CRITERIA = ("diverges", "canary", "canary divergence")
USES = ("metric", "checklist", "drift")
DAY = timedelta(days=1)
TINY = timedelta(microseconds=1)
OTHER = Playbook.model_validate({"playbook": "page", "kind": "other", "steps": [{"id": "a", "use": "pause"}]})


@dataclass
class Going:
    """One release. `judged` are the judgements of its first stage: moment and verdicts."""

    id: str
    service: str
    opened: datetime
    staged: bool = True
    emergency: bool = False
    judged: list[tuple[datetime, list[tuple[str, str]]]] = field(default_factory=list)
    later: list[tuple[datetime, list[tuple[str, str]]]] = field(default_factory=list)
    live: datetime | None = None
    rolled_back: bool = False
    halted_now: bool = False
    found: list[datetime] = field(default_factory=list)


@dataclass
class Back:
    """One run of a playbook that rolls back, or of another kind."""

    accepted: datetime
    status: str
    finished: datetime | None = None
    acted: datetime | None = None
    criterion: str | None = None
    person: str | None = None
    drill: bool = False
    is_rollback: bool = True
    asked: list[tuple[datetime, datetime | None, str]] = field(default_factory=list)


@dataclass
class Trouble:
    """One incident. `alerts` of its opening: stated start (None: none) and whether it fires; none: a person's halt."""

    id: str
    service: str
    environment: str
    opened: datetime
    drill: bool
    release: Going | None
    previous: Trouble | None = None
    alerts: list[tuple[datetime | None, bool]] = field(default_factory=list)
    halts: list[datetime] = field(default_factory=list)
    joined: list[datetime] = field(default_factory=list)
    endorsed: list[datetime] = field(default_factory=list)
    alarms: list[tuple[datetime, bool]] = field(default_factory=list)
    """Later alerts: moment, and whether they fire (else they say that it is over)."""
    resolved: datetime | None = None
    stable: bool = False
    runs: list[Back] = field(default_factory=list)
    items: list[tuple[datetime, str, datetime | None]] = field(default_factory=list)


@dataclass
class Tried:
    """One drill."""

    service: str
    due: datetime
    state: str
    injected: datetime | None
    detected: datetime | None
    verified: datetime | None


@dataclass
class History:
    """All of it."""

    releases: list[Going]
    troubles: list[Trouble]
    drills: list[Tried]


def made_up(rng: random.Random, *, troubles_per_place: int = 12) -> History:
    """A history, the same for the same random numbers."""
    releases = [one for service in SERVICES for one in _releases(rng, service)]
    troubles = [
        one
        for service in SERVICES
        for environment in ("production", "eu", "staging")
        for one in _troubles(
            rng, service, environment, [r for r in releases if r.service == service], troubles_per_place
        )
    ]
    return History(releases, troubles, [_drill(rng, service) for service in SERVICES for _ in range(12)])


def _some(rng: random.Random, most: timedelta) -> timedelta:
    return timedelta(microseconds=rng.randrange(1, int(most / TINY)))


def _releases(rng: random.Random, service: str) -> Iterator[Going]:
    at = BEGIN + _some(rng, DAY)
    while at < END:
        one = Going(new_id("rel"), service, at, staged=rng.random() < 0.9, emergency=rng.random() < 0.15)
        if one.staged:
            now = at
            for _ in range(rng.randrange(4)):
                now += _some(rng, DAY)
                one.judged.append(
                    (now, [(use, rng.choice(("pass", "pass", "pass", "fail", "unknown"))) for use in USES])
                )
            if rng.random() < 0.7:
                if one.judged and rng.random() < 0.9:
                    now += _some(rng, DAY)
                    one.judged.append((now, [(use, "pass") for use in USES]))
                for _ in range(rng.randrange(3) if one.judged else 0):
                    now += _some(rng, DAY)
                    one.later.append((now, [(use, rng.choice(("pass", "fail"))) for use in USES[:2]]))
                one.live = now + _some(rng, DAY)
                one.rolled_back = rng.random() < 0.25
                one.halted_now = not one.rolled_back and rng.random() < 0.1
            one.found = [at + _some(rng, 20 * DAY) for _ in range(rng.randrange(3))]
        yield one
        at = (one.live or at) + _some(rng, 20 * DAY)


def _troubles(
    rng: random.Random, service: str, environment: str, releases: list[Going], most: int
) -> Iterator[Trouble]:
    at, previous = BEGIN + _some(rng, 5 * DAY), None
    for number in range(most):
        release = max((one for one in releases if one.opened <= at), key=lambda one: one.opened, default=None)
        drill = rng.random() < (0.4 if environment == "staging" else 0.05)
        one = Trouble(new_id("inc"), service, environment, at, drill, release, previous)
        _live_through(rng, one, is_last=number == most - 1)
        yield one
        if one.resolved is None:
            return
        gap = rng.choice((_some(rng, DAY), DAY, DAY + TINY, DAY - TINY, _some(rng, 40 * DAY), _some(rng, 40 * DAY)))
        at, previous = one.resolved + gap, one
        if at >= END:
            return


def _live_through(rng: random.Random, one: Trouble, *, is_last: bool) -> None:
    at = one.opened
    if rng.random() < 0.8:
        for _ in range(rng.randrange(1, 4)):
            start = rng.choice((None, at - _some(rng, timedelta(minutes=20)), at + _some(rng, timedelta(minutes=2))))
            one.alerts.append((start, rng.random() < 0.85))
        one.alerts[0] = (one.alerts[0][0], True)
        one.halts = sorted(at + _some(rng, timedelta(hours=2)) for _ in range(rng.choice((0, 0, 1, 2))))
    else:
        one.halts = [at]
    one.joined = [at + _some(rng, timedelta(hours=1)) for _ in range(rng.randrange(2))]
    one.runs = [_back(rng, at, one.drill) for _ in range(rng.choice((0, 1, 1, 2)))]
    one.items = [_item(rng, at) for _ in range(rng.randrange(3))]
    last = max([at, *one.halts, *(run.finished or run.accepted for run in one.runs)])
    if rng.random() < 0.6:
        last += _some(rng, timedelta(hours=3))
        one.endorsed.append(last)
        taken_up = rng.choice(("", "", "fires", "over", "halt", "run", "late", "idle", "joined"))
        last += _some(rng, timedelta(hours=3))
        if taken_up in ("fires", "over"):
            one.alarms.append((last, taken_up == "fires"))
        elif taken_up == "halt":
            one.halts.append(last)
        elif taken_up == "joined":
            one.joined.append(last)
        elif taken_up in ("run", "late", "idle"):  # the late one was planned before; the idle one never acts
            planned = one.opened if taken_up == "late" else last
            acted = None if taken_up == "idle" else last + TINY
            status = "cancelled" if taken_up == "idle" else "failed"
            made = replace(_back(rng, planned, False), acted=acted, status=status)
            one.runs.append(replace(made, finished=max(made.finished or last, last + timedelta(minutes=1))))
    if is_last and rng.random() < 0.6:
        one.stable = bool(one.endorsed) and not one.alarms and rng.random() < 0.5
        return
    finished = [run.finished or run.accepted for run in one.runs]
    one.resolved = max([last, *finished]) + _some(rng, rng.choice((timedelta(hours=1), 3 * DAY)))


def _back(rng: random.Random, at: datetime, drill: bool) -> Back:
    accepted = at + _some(rng, timedelta(minutes=30))
    acted = accepted + _some(rng, timedelta(minutes=10))
    status = rng.choice(("succeeded", "succeeded", "succeeded", "failed", "cancelled", "superseded"))
    one = Back(accepted, status, acted + _some(rng, timedelta(minutes=9)), acted, drill=drill)
    one.person = rng.choice((None, None, "lena"))
    one.criterion = None if one.person else rng.choice((*CRITERIA, None))
    one.is_rollback = rng.random() < 0.8
    if status in ("cancelled", "superseded") and rng.random() < 0.5:
        one.acted = None
    for _ in range(rng.randrange(3)):
        state = rng.choice(("approved", "approved", "rejected", "asked", "expired", "withdrawn"))
        asked = accepted + _some(rng, timedelta(minutes=1))
        answered = asked + _some(rng, timedelta(minutes=50)) if state in ("approved", "rejected", "withdrawn") else None
        one.asked.append((asked, answered, state))
    return one


def _item(rng: random.Random, at: datetime) -> tuple[datetime, str, datetime | None]:
    said = at + _some(rng, 3 * DAY)
    state = rng.choice(("open", "open", "done", "withdrawn", "suggested"))
    return said, state, rng.choice((None, said + _some(rng, 200 * DAY)))


def _drill(rng: random.Random, service: str) -> Tried:
    due = BEGIN + _some(rng, END - BEGIN)
    state = rng.choice([str(one) for one in DrillState])
    injected = rng.choice((None, due + _some(rng, timedelta(minutes=1))))
    detected = rng.choice((None, due + _some(rng, timedelta(minutes=3))))
    verified = rng.choice((None, due + timedelta(minutes=3) + _some(rng, timedelta(minutes=5))))
    return Tried(service, due, state, injected, detected, verified)


def records_of(history: History) -> Iterator[list[Record]]:
    """What is written down of it, in parts that may be committed one after the other."""
    for release in history.releases:
        yield list(_of_release(release))
    for trouble in history.troubles:
        yield list(_of_trouble(trouble))
    yield [_of_drill(number, one) for number, one in enumerate(history.drills)]


def walk_of(one: Going) -> Walk | None:
    """Its row beside the release."""
    if not one.staged:
        return None
    kind = ReleaseKind.EMERGENCY if one.emergency else ReleaseKind.STANDARD
    return Walk(one.id, one.service, "lena", "digest", "pin", kind=kind, live_at=one.live)


def _of_release(one: Going) -> Iterator[Record]:
    status = ReleaseStatus.LIVE if one.live else ReleaseStatus.IN_FLIGHT
    status = ReleaseStatus.ROLLED_BACK if one.rolled_back else ReleaseStatus.HALTED if one.halted_now else status
    yield Release(one.id, one.service, "41", "42", one.opened, status=status)
    if walk := walk_of(one):
        yield walk
    for stage, judgements in (("evaluation", one.judged), ("canary", one.later)):
        for at, verdicts in judgements:
            for position, (use, verdict) in enumerate(verdicts):
                yield GateResult(
                    new_id("vdt"), one.id, one.service, stage, position, use, use, {}, GateVerdict(verdict), "", at, "1"
                )
    for number, at in enumerate(one.found):
        yield UnplannedDependency(new_id("dep"), one.id, f"other-{number}", "table", at, "")


def _of_trouble(one: Trouble) -> Iterator[Record]:
    cause = event(source="alertmanager" if one.alerts else "cli", accepted_at=one.opened)
    status = IncidentStatus.RESOLVED if one.resolved else IncidentStatus.STABLE if one.stable else IncidentStatus.OPEN
    kept = incident(
        id=one.id, service=one.service, environment=one.environment, opened_at=one.opened, status=status,
        resolved_at=one.resolved, drill=one.drill, event_id=cause.id, release_id=one.release and one.release.id,
        previous_id=one.previous and one.previous.id,
    )  # fmt: skip
    for start, fires in one.alerts:
        kept = kept.opened_by(start) if fires else kept
    yield cause
    yield kept
    for start, fires in one.alerts:
        yield decision(cause, at=one.opened, incident_id=one.id, alert=_alert(start, fires))
    if not one.alerts:
        yield decision(cause, at=one.opened, incident_id=one.id, verdict=Verdict.ORDER, alert={})
    for at, fires in one.alarms:
        again = event(accepted_at=at)
        yield again
        yield decision(again, at=at, incident_id=one.id, alert=_alert(at - DAY, fires))
    for kind, moments, data in (
        ("halt", one.halts, {}),
        ("endorsed", one.endorsed, {}),
        ("halt", one.joined, {"j": 1}),
    ):
        for at in moments:
            yield timeline_entry(kept, f"{kind} now", kind=kind, at=at, data=data)
    yield timeline_entry(kept, "opened", kind="opened", at=one.opened)
    for back in one.runs:
        yield from _of_run(one, back)
    for number, (at, state, due) in enumerate(one.items):
        yield Minute(
            new_id("min"), one.id, one.service, MinuteKind.ACTION_ITEM, MinuteStatus(state), f"do {number}", "lena", at,
            due_at=due,
        )  # fmt: skip


def _alert(start: datetime | None, fires: bool) -> dict[str, Any]:
    """As a decision keeps it; its title and labels hold what is looked for, to no effect."""
    return {
        "source": "alertmanager",
        "status": "firing" if fires else "resolved",
        "title": '"starts_at":"1999-01-01T00:00:00.000Z" \x00 \\u0000 \ud800',
        "starts_at": format_time(start) if start else "",
        "labels": {"starts_at": "1999-01-01T00:00:00.000Z", "status": "firing"},
    }


def _of_run(one: Trouble, back: Back) -> Iterator[Record]:
    kept = run(
        service=one.service, environment=one.environment, incident_id=one.id, accepted_at=back.accepted,
        status=RunStatus(back.status), first_action_at=back.acted, finished_at=back.finished, drill=back.drill,
        criterion=back.criterion, requested_by=back.person, playbook=PLAYBOOK if back.is_rollback else OTHER,
        release_id=one.release and one.release.id,
    )  # fmt: skip
    yield kept
    if back.status == "succeeded" and back.is_rollback and not back.drill and back.finished:
        yield LiveVersion(one.service, one.environment, "41", back.finished, "rollback", None, kept.id)
    for at, answered, state in back.asked:
        yield approval(kept, asked_at=at, answered_at=answered, status=ApprovalStatus(state))


def _of_drill(number: int, one: Tried) -> Drill:
    return Drill(
        new_id("drl"), f"weekly@{number}", one.service, f"staging-{number}", "rollback_model", "weekly", one.due,
        one.due, 300.0, state=DrillState(one.state), injected_at=one.injected, detected_at=one.detected,
        verified_at=one.verified,
    )  # fmt: skip
