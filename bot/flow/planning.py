"""Plans a run: the playbook's copy, the facts it will be filled with, and the hash that an approval names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from bot.domain.drill_rules import production_hosts
from bot.domain.incidents import Incident
from bot.domain.judging import release_facts
from bot.domain.playbooks import Playbook, plan_hash
from bot.domain.policies import AUTOMATIC, Policy
from bot.domain.records import Approval
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.ports import Ids, Place

BARRED = "production_hosts"
"""The fact of a drill's run that says which hosts were production's when it was planned."""


@dataclass(frozen=True)
class Cause:
    """Why a run is planned: an alert that met a criterion, or a person who asked."""

    event_id: str
    within: timedelta
    authority: str = AUTOMATIC
    criterion: str | None = None
    requested_by: str | None = None
    reason: str = ""
    alert: Mapping[str, Any] | None = None


def plan_facts(
    policy: Policy, place: Place, *, release: Release | None, incident: Incident | None, cause: Cause
) -> dict[str, Any]:
    """Everything that the playbook's values may read; plain JSON, kept with the run."""
    target = policy.targets.get(place[1])
    return {
        "service": place[0],
        "environment": place[1],
        "release": release_facts(release),
        "target": target.facts() if target else {},
        "incident": {"id": incident.id, "severity": str(incident.severity), "title": incident.title}
        if incident
        else {},
        "alert": dict(cause.alert or {}),
        "reason": cause.reason,
    }


def plan_run(
    ids: Ids,
    policy: Policy,
    playbook: Playbook,
    place: Place,
    *,
    release: Release | None,
    incident: Incident | None,
    cause: Cause,
    now: datetime,
    is_drill: bool = False,
    like: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """A run that is due now, or that waits for its approval where its authority is a role. What belongs to an incident
    of a drill is a drill. `like`: facts of a run that is taken back where it acted, whatever the policy says by now."""
    facts = plan_facts(policy, place, release=release, incident=incident, cause=cause)
    drill = is_drill or (incident is not None and incident.drill)
    facts |= {name: like[name] for name in ("release", "target") if name in like}
    if drill:
        facts[BARRED] = list(dict.fromkeys((*production_hosts([policy]), *like.get(BARRED, ()))))
    run = Run.planned(
        id=ids.new("run"),
        service=place[0],
        environment=place[1],
        playbook=playbook,
        plan_hash=plan_hash(playbook, bound_facts(facts)),
        facts=facts,
        accepted_at=now,
        deadline=now + cause.within,
        incident_id=incident.id if incident else None,
        event_id=cause.event_id,
        release_id=release.id if release else None,
        criterion=cause.criterion,
        requested_by=cause.requested_by,
        authority=cause.authority,
        drill=drill,
    )
    return run if cause.authority == AUTOMATIC else run.asking()


def bound_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan is hashed with. Which incident or alert asked does not change what would be done, so an approval does
    not depend on it."""
    bound = {key: facts[key] for key in ("service", "environment", "release", "target")}
    return bound | {BARRED: facts[BARRED]} if BARRED in facts else bound


def approval_for(ids: Ids, run: Run, *, expires: timedelta, then: str, now: datetime) -> Approval:
    """The question that a planned run waits for before its first step."""
    what = f"{run.playbook.summary or run.playbook.name} ({run.service}, {run.environment})"
    return Approval(
        id=ids.new("apr"),
        run_id=run.id,
        role=run.authority,
        question=f"May Andon do this: {what}?",
        plan_hash=run.plan_hash,
        asked_at=now,
        expires_at=now + expires,
        then=then,
        requested_by=run.requested_by,
    )
