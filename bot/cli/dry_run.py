"""`andon run … --dry-run`: every call a run would make, from the plan it would have, without touching anything."""

from __future__ import annotations

import argparse
from typing import Any

from bot.cli.session import program, show
from bot.domain.errors import AndonError, NotFound
from bot.domain.playbooks import plan_hash
from bot.domain.policies import PRODUCTION, Policy
from bot.domain.releases import Release
from bot.flow.planning import Cause, plan_facts


def dry_run(args: argparse.Namespace) -> int:
    """Print the plan; outputs of earlier steps are not known yet and are said to be so."""
    from datetime import timedelta

    with program(args) as app:
        policy = app.configuration.current.policy(args.service)
        playbook = app.configuration.current.playbook(args.playbook)
        environment = _environment(policy, args.environment)
        with app.store.read() as tx:
            release = tx.latest_releases((policy.service,)).get(policy.service)
        if policy.release and (release is None or release.candidate != policy.release.candidate):
            named = policy.release
            release = Release("none", policy.service, named.incumbent, named.candidate, app.clock.now())
        cause = Cause(event_id="", within=timedelta(minutes=5), reason="dry run")
        facts = plan_facts(policy, (policy.service, environment), release=release, incident=None, cause=cause)
        bound = {key: facts[key] for key in ("service", "environment", "release", "target")}
        steps = [planned_step(app, step, facts) for step in playbook.steps]
        plan = plan_hash(playbook, bound)
    if args.json:
        show(
            {
                "playbook": playbook.name,
                "service": policy.service,
                "environment": environment,
                "plan_hash": plan,
                "steps": steps,
            }
        )
        return 0
    show(f"{playbook.name} for {policy.service} in {environment} (plan {plan}); nothing is touched:")
    for number, step in enumerate(steps, 1):
        rules = f"up to {step['tries']} tries, if interrupted: {step['if_interrupted']}"
        show(f"{number}. {step['id']} ({step['use']}, {rules})")
        for call in step["calls"]:
            show(f"     {call}")
    return 0


def _environment(policy: Policy, named: str | None) -> str:
    """As said, else production, else the first there is; where there is none no run can be made either."""
    environment = named or (PRODUCTION if PRODUCTION in policy.targets else next(iter(policy.targets), PRODUCTION))
    if environment not in policy.targets:
        known = ", ".join(policy.targets) or "none"
        raise NotFound(f"{policy.service} has no environment {environment!r}", next=f"its policy names {known}")
    return environment


def planned_step(app: Any, step: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """One step with the calls that it would make."""
    try:
        verb = app.steps[step.use]
        filled = app.workshop.expressions.fill(dict(step.with_), {**facts, "steps": {}}, secrets=False)
        calls = list(verb.plan(verb.Params.model_validate(filled)))
    except (AndonError, ValueError) as error:
        calls = [f"known only while it runs ({str(error).splitlines()[0]})"]
    return {
        "id": step.id,
        "use": step.use,
        "tries": step.most_tries,
        "if_interrupted": str(step.if_interrupted),
        "calls": calls,
    }
