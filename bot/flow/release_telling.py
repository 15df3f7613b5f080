"""Notices about a release: the brief at its start, its steps on the way, and what its owner is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.gates import GateResult
from bot.domain.manifests import Manifest
from bot.domain.permits import CHAMPION
from bot.domain.pins import Pin
from bot.domain.policies import DEFAULT_AUDIENCES, Policy
from bot.domain.quiet_hours import next_moment, parse_quiet_hours
from bot.domain.records import Notice
from bot.domain.releases import Release
from bot.domain.stages import Stage
from bot.domain.times import format_duration, format_time
from bot.domain.walks import ReleaseKind, Walk
from bot.domain.ways import ENGINEERING, PERSON, Way, way_to, ways_of
from bot.flow.situation import Situation
from bot.flow.telling import Teller
from bot.ports import Ids


class ReleaseTeller:
    """Builds due notices about releases; which words they have is up to the templates."""

    def __init__(self, ids: Ids, teller: Teller) -> None:
        self._ids = ids
        self._teller = teller

    def url(self, release_id: str) -> str:
        """The page of a release."""
        return f"{self._teller.address}/releases/{release_id}"

    def audiences(self, situation: Situation, name: str, policy: Policy, facts: Mapping[str, Any], cause: str) -> None:
        """One notice for each way to each audience of the policy."""
        for audience in policy.audiences or DEFAULT_AUDIENCES:
            self.audience(situation, name, policy, audience, facts, cause)

    def audience(
        self, situation: Situation, name: str, policy: Policy, audience: str, facts: Mapping[str, Any], cause: str
    ) -> None:
        """To one audience, not in its quiet hours."""
        told = policy.audiences.get(audience)
        zone = told.timezone if told else "UTC"
        quiet = parse_quiet_hours(told.quiet, ZoneInfo(zone)) if told and told.quiet else None
        due_at = next_moment(situation.now, quiet=quiet)
        situation.tell(
            self._notice(situation, name, policy, audience, way, {**facts, "zone": zone}, cause, due_at)
            for way in ways_of(policy, audience, self._teller.media)
        )

    def owner(
        self, situation: Situation, name: str, policy: Policy, owner: str | None, facts: Mapping[str, Any], cause: str
    ) -> None:
        """To whoever answers: the members of a role, or one person; the engineers where nobody is named."""
        people = self._people(policy, owner)
        if not people:
            self.audience(situation, name, policy, ENGINEERING, facts, cause)
            return
        situation.tell(
            self._notice(
                situation,
                name,
                policy,
                f"{PERSON}{one}",
                way_to(policy, one, self._teller.media),
                facts,
                cause,
                situation.now,
            )
            for one in people
        )

    def _people(self, policy: Policy, owner: str | None) -> Sequence[str]:
        named = owner or CHAMPION
        members: Iterable[str] = policy.members(named) or ((named,) if owner else ())
        persons: dict[str, str] = {}
        for one in members:
            persons.setdefault(policy.person(one), one)
        return list(persons.values())

    def _notice(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        audience: str,
        way: Way,
        facts: Mapping[str, Any],
        cause: str,
        due_at: Any,
    ) -> Notice:
        return Notice(
            id=self._ids.new("ntc"),
            service=policy.service,
            audience=audience,
            name=name,
            cause=cause,
            due_at=due_at,
            facts={"as_of": format_time(situation.now), **facts},
            medium=way.medium,
            address=way.address,
        )


def release_story(pin: Pin, release: Release, walk: Walk, manifest: Manifest, url: str) -> dict[str, Any]:
    """All that notices and pages say of a release: plain JSON values."""
    policy = pin.policy
    return {
        "service": policy.service,
        "summary": policy.summary,
        "release": {
            "id": release.id,
            "candidate": release.candidate,
            "incumbent": release.incumbent,
            "state": release.state,
            "stage": release.stage or "",
            "kind": str(walk.kind),
            "started_by": walk.started_by,
            "started_at": format_time(release.opened_at),
            "author": release.author or "",
            "url": url,
            "emergency": walk.kind is ReleaseKind.EMERGENCY,
            "retrospective_due_at": format_time(walk.retrospective_due_at) if walk.retrospective_due_at else "",
        },
        "people": {one: name for name, ids in policy.persons.items() for one in ids},
        "stages": [_stage(one) for one in pin.stages],
        "brief": _brief(manifest),
        "criteria": [
            {
                "name": one.name,
                "when": one.when.text,
                "playbook": one.playbook,
                "automatic": one.is_automatic,
                "authority": one.authority,
                "within": format_duration(one.within),
            }
            for one in policy.rollback
        ],
        "canary": _canary(policy),
        "freezes": [one.name for one in policy.freeze],
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "summary": stage.summary,
        "gates": len(stage.gates),
        "do": stage.do or "",
        "owner": stage.owner or "",
        "advance": str(stage.advance),
        "environment": stage.place,
        "window": format_duration(stage.window) if stage.window else "",
    }


def _brief(manifest: Manifest) -> dict[str, Any]:
    papers = ("risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan")
    return {
        "objective": manifest.objective,
        "success_measures": list(manifest.success_measures),
        "expected_effect": manifest.expected_effect,
        "alternatives": list(manifest.alternatives),
        "acceptable_risk": manifest.acceptable_risk,
        "dependencies": [one.service for one in manifest.dependencies],
        **{name: _paper(manifest, name) for name in papers},
    }


def _paper(manifest: Manifest, name: str) -> dict[str, str]:
    paper = getattr(manifest, name)
    return {"text": paper.text, "link": paper.link or ""}


def _canary(policy: Policy) -> dict[str, Any]:
    if policy.canary is None:
        return {}
    then = policy.canary.on_divergence
    return {
        "output": str(policy.canary.output),
        "tolerance": policy.canary.tolerance,
        "automatic": then is not None and then.authority == "automatic",
        "within": format_duration(then.within) if then else "",
    }


def result_facts(result: GateResult) -> dict[str, Any]:
    """What notices say of a gate's verdict."""
    return {
        "gate": result.name,
        "use": result.use,
        "verdict": str(result.verdict),
        "why": result.why,
        "figures": [one.as_json() for one in result.figures[:10]],
    }
