"""What notices say of a release and of a gate's verdict: plain JSON values, the same for every reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.gate_words import gate_words
from bot.domain.policies import AUTOMATIC, Criterion, Policy
from bot.domain.times import format_duration, format_time
from bot.domain.walks import ReleaseKind, Walk

if TYPE_CHECKING:
    from bot.domain.canary_rules import OnDivergence
    from bot.domain.gates import GateResult
    from bot.domain.manifests import Manifest
    from bot.domain.pins import Pin
    from bot.domain.releases import Release
    from bot.domain.stages import Stage

ENDORSER = "endorser"
"""The role that accepts a release where the policy names no other."""


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
            "status": str(release.status),
            "state": release.state,
            "stage": release.stage or "",
            "kind": str(walk.kind),
            "started_by": walk.started_by,
            "second_person": walk.second_person or "",
            "started_at": format_time(release.opened_at),
            "author": release.author or "",
            "url": url,
            "emergency": walk.kind is ReleaseKind.EMERGENCY,
            "retrospective_due_at": format_time(walk.retrospective_due_at) if walk.retrospective_due_at else "",
        },
        "people": {one: name for name, ids in policy.persons.items() for one in ids},
        "stages": [_stage(one) for one in pin.stages],
        "brief": _brief(manifest),
        "criteria": [_criterion(policy, one) for one in policy.rollback],
        "canary": _canary(policy),
        "freezes": [one.name for one in policy.freeze],
        "endorse_role": endorsing_role(policy),
        "endorsers": list(policy.members(endorsing_role(policy))),
    }


def endorsing_role(policy: Policy) -> str:
    """Who accepts a candidate that was watched."""
    return policy.stable.endorse if policy.stable and policy.stable.endorse else ENDORSER


def _criterion(policy: Policy, one: Criterion) -> dict[str, Any]:
    return {
        "name": one.name,
        "when": one.when.text,
        "playbook": one.playbook,
        "automatic": one.is_automatic,
        "authority": one.authority,
        "members": list(policy.members(one.authority)),
        "within": format_duration(one.within),
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "summary": stage.summary,
        "gates": [gate_words(one) for one in stage.gates],
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
        "depends_on": [one.service for one in manifest.dependencies],
        **{name: _paper(manifest, name) for name in papers},
    }


def _paper(manifest: Manifest, name: str) -> dict[str, str]:
    paper = getattr(manifest, name)
    return {"text": paper.text, "link": paper.link or ""}


def _canary(policy: Policy) -> dict[str, Any]:
    if policy.canary is None:
        return {}
    return {
        "output": str(policy.canary.output),
        "tolerance": policy.canary.tolerance,
        "watch": format_duration(policy.canary.watch) if policy.canary.watch else "",
        **_on_divergence(policy.canary.on_divergence),
    }


def _on_divergence(then: OnDivergence | None) -> dict[str, Any]:
    if then is None:
        return {"automatic": False, "authority": "", "within": ""}
    automatic = then.authority == AUTOMATIC
    return {"automatic": automatic, "authority": then.authority, "within": format_duration(then.within)}


def result_facts(result: GateResult) -> dict[str, Any]:
    """What notices say of a gate's verdict."""
    return {
        "gate": result.name,
        "use": result.use,
        "verdict": str(result.verdict),
        "why": result.why,
        "figures": [one.as_json() for one in result.figures[:10]],
    }
