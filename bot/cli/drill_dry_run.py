"""`andon drill … --dry-run`: every call that a drill would make, in its order, without touching anything."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from bot.cli.dry_run import facts_now, planned_step
from bot.cli.session import program, show
from bot.domain.errors import BadInput, Refused

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.playbooks import StepSpec
    from bot.domain.policies import DrillRule, Policy

Part = dict[str, Any]


def dry_run(args: argparse.Namespace) -> int:
    """What would be injected, the alert, the playbook, and what would be taken back."""
    from bot.domain.drill_choice import rules_meant
    from bot.domain.drill_rules import is_production

    if args.surprise:
        raise BadInput("A surprise is not told beforehand", next="name a drill, or leave --dry-run out")
    with program(args) as app:
        policy = app.configuration.current.policy(args.service)
        rule = rules_meant(policy, args.environment, args.playbook, args.name)[0]
        if is_production(policy, rule.environment):
            raise Refused(f"Nothing is rehearsed in {rule.environment}", why="it is production")
        parts = _parts(app, policy, rule)
    if args.json:
        show({"service": policy.service, "environment": rule.environment, "playbook": rule.playbook, "parts": parts})
        return 0
    show(f"{rule.playbook} for {policy.service} in {rule.environment}, rehearsed; nothing is touched:")
    show("every call would carry `Andon-Drill: true`, and could reach no host of production")
    for part in parts:
        show(f"\n{part['part']}")
        for step in part["steps"] or [{"id": "", "calls": ["nothing"]}]:
            for call in step["calls"]:
                show(f"  {step['id']}{': ' if step['id'] else ''}{call}")
    return 0


def _parts(app: App, policy: Policy, rule: DrillRule) -> list[Part]:
    playbook = app.configuration.current.playbook(rule.playbook)
    facts = facts_now(app, policy, rule.environment)
    undone = [_undo(step) for step in reversed(rule.inject) if step.undo is not None]
    alert = json.dumps({"service": policy.service, "environment": rule.environment, "labels": dict(rule.alert)})
    chosen = "the policy's criteria choose the playbook" if rule.alert else "it selects its playbook itself"
    return [
        {"part": "1. the failure is brought about", "steps": [planned_step(app, one, facts) for one in rule.inject]},
        {"part": f"2. its alert at the front door ({chosen})", "steps": [{"id": "alert", "calls": [alert]}]},
        {
            "part": f"3. the playbook {rule.playbook}",
            "steps": [planned_step(app, one, facts) for one in playbook.steps],
        },
        {
            "part": "4. what was brought about is taken back, whatever came of it",
            "steps": [planned_step(app, one, facts) for one in undone],
        },
    ]


def _undo(step: StepSpec) -> StepSpec:
    """The step that takes another back, by the other's name."""
    assert step.undo is not None
    return step.model_copy(update={"use": step.undo.use, "with_": step.undo.with_})
