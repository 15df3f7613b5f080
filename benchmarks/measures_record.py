"""A long record to measure: incidents with all that belongs to them, releases with their gates, drills."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.decisions import Verdict
from bot.domain.drills import Drill, DrillState
from bot.domain.gates import GateResult, GateVerdict
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.records import ApprovalStatus
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus
from bot.domain.times import format_time
from bot.domain.walks import LiveVersion, ReleaseKind, Walk
from bot.ports import Record
from tests.support.store_records import approval, decision, event, incident, new_id, run, timeline_entry

BEGIN, DAYS = datetime(2026, 1, 1, tzinfo=UTC), 364
SERVICES, PLACES = 200, 5
ENVIRONMENTS = ("production", "eu", "us", "asia", "staging")
_CRITERIA = ("prediction divergence", "latency", "canary divergence", None)


def names() -> list[str]:
    """Of the services."""
    return [f"model-{number:03}" for number in range(SERVICES)]


def releases(seeded: random.Random, each: int) -> Iterator[list[Record]]:
    """So many of each service, one after the other over the year."""
    for service in names():
        found: list[Record] = []
        for number in range(each):
            opened = BEGIN + timedelta(days=DAYS * number / each) + _some(seeded, 60)
            found += _release(seeded, service, opened)
        yield found


def _release(seeded: random.Random, service: str, opened: datetime) -> Iterator[Record]:
    live = opened + _some(seeded, 5000) + timedelta(hours=20) if seeded.random() < 0.8 else None
    status = (
        ReleaseStatus.IN_FLIGHT
        if live is None
        else seeded.choice((ReleaseStatus.ENDORSED,) * 4 + (ReleaseStatus.ROLLED_BACK,))
    )
    one = Release(new_id("rel"), service, "41", "42", opened, status=status)
    kind = ReleaseKind.EMERGENCY if seeded.random() < 0.05 else ReleaseKind.STANDARD
    yield one
    yield Walk(one.id, service, "lena", "digest", "pin", kind=kind, live_at=live)
    for turn, stage in enumerate(("evaluation", "evaluation", "canary", "production")):
        for position, use in enumerate(("metric", "drift", "checklist", "latency")):
            verdict = GateVerdict.FAIL if turn == 0 and seeded.random() < 0.2 else GateVerdict.PASS
            at = opened + timedelta(hours=4 * turn + 1)
            yield GateResult(new_id("vdt"), one.id, service, stage, position, use, use, {}, verdict, "", at, "1")


def incidents(seeded: random.Random, each: int) -> Iterator[list[Record]]:
    """So many at each place, one after the other over the year, each with its runs, decisions and timeline."""
    for service in names():
        for environment in ENVIRONMENTS:
            found: list[Record] = []
            before: Incident | None = None
            for number in range(each):
                opened = BEGIN + timedelta(days=DAYS * number / each) + _some(seeded, 4000)
                made = list(_incident(seeded, service, environment, opened, before))
                before = next(one for one in made if isinstance(one, Incident))
                found += made
            yield found


def _incident(
    seeded: random.Random, service: str, environment: str, opened: datetime, before: Incident | None
) -> Iterator[Record]:
    cause = event(accepted_at=opened)
    resolved = opened + _some(seeded, 900)
    began = opened - _some(seeded, 10)
    one = incident(
        service=service, environment=environment, opened_at=opened, status=IncidentStatus.RESOLVED,
        resolved_at=resolved, event_id=cause.id, previous_id=before.id if before else None,
        by_alert=True, began_at=began,
    )  # fmt: skip
    alert = {
        "source": "alertmanager", "kind": "alert", "status": "firing", "severity": "critical", "title": "Diverges",
        "fingerprint": f"{seeded.getrandbits(64):016x}", "starts_at": format_time(began),
        "labels": {"alertname": "PredictionDivergence", "service": service, "instance": "scoring-7", "zone": "b"},
        "annotations": {"description": "Candidate and incumbent disagree on more than 2 % of live requests."},
    }  # fmt: skip
    yield cause
    yield one
    yield decision(cause, at=opened, incident_id=one.id, alert=alert, verdict=Verdict.RUN)
    yield decision(cause, at=resolved, incident_id=one.id, alert={**alert, "status": "resolved"})
    for kind in ("opened", "alert", "run", "approval", "run", "watch"):
        yield timeline_entry(
            one, "A line as they are written, some eighty characters long, about what was done", kind=kind
        )
    if seeded.random() < 0.3:
        yield timeline_entry(one, "lena halted the release", kind="halt", at=opened + _some(seeded, 30))
    if seeded.random() < 0.6:
        yield timeline_entry(one, "otto accepts it", kind="endorsed", at=resolved - timedelta(seconds=1))
    yield timeline_entry(one, "otto resolved the incident", kind="resolved", at=resolved)
    if seeded.random() < 0.7:
        yield from _run(seeded, one)
    if seeded.random() < 0.3:
        status = seeded.choice((MinuteStatus.OPEN, MinuteStatus.DONE, MinuteStatus.DONE))
        due = opened + timedelta(days=seeded.randrange(1, 90))
        yield Minute(
            new_id("min"), one.id, service, MinuteKind.ACTION_ITEM, status, "mend it", "lena", opened, due_at=due
        )


def _run(seeded: random.Random, of: Incident) -> Iterator[Record]:
    accepted = of.opened_at
    acted = accepted + _some(seeded, 2)
    finished = acted + _some(seeded, 4)
    person = "lena" if seeded.random() < 0.2 else None
    status = RunStatus.SUCCEEDED if seeded.random() < 0.95 else RunStatus.FAILED
    one: Run = run(
        service=of.service, environment=of.environment, incident_id=of.id, accepted_at=accepted, status=status,
        first_action_at=acted, finished_at=finished, requested_by=person,
        criterion=None if person else seeded.choice(_CRITERIA),
    )  # fmt: skip
    yield replace(one, steps=tuple(replace(step, status=StepStatus.DONE, finished_at=finished) for step in one.steps))
    if status is RunStatus.SUCCEEDED:
        yield LiveVersion(of.service, of.environment, "41", finished, "rollback", None, one.id)
    if seeded.random() < 0.4:
        yield approval(one, asked_at=accepted, answered_at=acted, status=ApprovalStatus.APPROVED)


def drills(seeded: random.Random, each: int) -> Iterator[list[Record]]:
    """So many of each service."""
    for service in names():
        found: list[Record] = []
        for number in range(each):
            due = BEGIN + timedelta(days=DAYS * number / each)
            state = seeded.choice((DrillState.PASSED,) * 8 + (DrillState.FAILED, DrillState.MISSED))
            claim, verified = f"{service}@{number}", due + _some(seeded, 5)
            found.append(
                Drill(
                    new_id("drl"),
                    claim,
                    service,
                    "staging",
                    "rollback_model",
                    service,
                    due,
                    due,
                    300.0,
                    state=state,
                    injected_at=due,
                    verified_at=verified,
                )
            )
        yield found


def _some(seeded: random.Random, minutes: float) -> timedelta:
    return timedelta(microseconds=seeded.randrange(1, round(minutes * 60_000_000)))
