"""Which drill somebody means who asks for one. Pure."""

from __future__ import annotations

from bot.domain.errors import BadInput, NotFound
from bot.domain.policies import DrillRule, Policy

DEFAULT_ENVIRONMENT = "staging"


def rules_meant(policy: Policy, environment: str | None, playbook: str, name: str) -> list[DrillRule]:
    """The policy's entries that fit, the first of them meant; the bare playbook where none does. NotFound, BadInput."""
    fits = [
        one
        for one in policy.drills
        if environment in (None, one.environment) and playbook in ("", one.playbook) and name in ("", one.name)
    ]
    if fits:
        return fits
    if name:
        known = ", ".join(one.name for one in policy.drills if one.name) or "none"
        raise NotFound(f"{policy.service} has no drill called {name!r}", next=f"its policy names {known}")
    meant = playbook or next((one.playbook for one in policy.rollback), "")
    if not meant:
        raise BadInput(f"The policy of {policy.service} has neither drills nor a rollback", next="name a playbook")
    return [DrillRule(playbook=meant, environment=environment or DEFAULT_ENVIRONMENT)]


def rules_to_pick_from(policy: Policy, environment: str | None) -> list[DrillRule]:
    """Those that may come as a surprise. BadInput where there are none."""
    fits = [one for one in policy.drills if environment in (None, one.environment)]
    if not fits:
        raise BadInput(f"The policy of {policy.service} has no drills to pick from there")
    return fits
