"""What a drill may do: where it must never go, which entry of the policy it carries out, what counts as proof. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from bot.domain.drill_schedules import rule_of, schedule_of
from bot.domain.drills import Drill
from bot.domain.policies import PRODUCTION, DrillRule, Policy
from bot.domain.stages import STAGING

_PRODUCTION = re.compile(rf"{PRODUCTION}|prod|prd|live")
_NOT_YET = frozenset({"pre", "non", "not"})
PROOFS = frozenset({"wait_for_metric", "wait_for_http"})
"""Steps that wait until something is measured to be good: after the last one that acts they prove what it did."""
LEAST_PATIENCE = timedelta(minutes=10)
"""A drill waits for twice its objective, and never less than this, before it ends what does not come to an end."""


def is_production(policy: Policy | None, environment: str) -> bool:
    """Whether nothing may be rehearsed there: by its name, or because the policy's releases go live there."""
    if _sounds_like_production(environment):
        return True
    if environment == STAGING:  # also where a policy's stages end there
        return False
    live = next((one.place for one in policy.stages if one.name == policy.live_stage), None) if policy else None
    return live is not None and environment == live


def _sounds_like_production(environment: str) -> bool:
    """`production`, `Prod`, `prod-eu`, `eu_prd2`, but not `pre-prod`, `non-prod` or `nonprod`."""
    words = [one.rstrip("0123456789") for one in re.split(r"[^a-z0-9]+", environment.lower())]
    return not _NOT_YET.intersection(words) and any(_PRODUCTION.fullmatch(one) for one in words)


def production_hosts(policies: Iterable[Policy]) -> tuple[str, ...]:
    """Every host that a target for production allows, of whichever service."""
    found = (
        host
        for policy in policies
        for environment, target in policy.targets.items()
        if is_production(policy, environment)
        for host in target.allow_hosts
    )
    return tuple(dict.fromkeys(found))


def rule_for(policy: Policy, drill: Drill) -> DrillRule | None:
    """The entry that a drill carries out, as the policy has it now; None where it has it no more. One that was asked
    for carries its own."""
    if not drill.schedule:
        return rule_of(drill)
    ours = (one for one in policy.drills if one.cron and schedule_of(policy.service, one) == drill.schedule)
    return next(ours, None)


def patience_of(drill: Drill) -> timedelta:
    """For how long each part of a drill is waited for."""
    return max(2 * drill.objective, LEAST_PATIENCE)
