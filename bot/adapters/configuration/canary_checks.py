"""What is said of a policy's `canary:` when it is loaded: the extra it needs, and a criterion that could not act."""

from __future__ import annotations

from collections.abc import Iterator

from bot.adapters.configuration.files import PolicyFile
from bot.domain.errors import Fault
from bot.domain.policies import AUTOMATIC, ROLLBACK_AUTHORITY
from bot.statistics.installed import EXTRA, is_installed


def canary_faults(file: PolicyFile) -> Iterator[Fault]:
    """What cannot be meant."""
    rule = file.policy.canary
    if rule is not None and rule.on_divergence is not None and not file.policy.targets:
        yield file.document.fault(("canary", "on_divergence"), "it needs 'targets:', which say where its playbook acts")


def canary_warnings(file: PolicyFile) -> Iterator[Fault]:
    """What is valid but will not do what it says."""
    policy, rule = file.policy, file.policy.canary
    if rule is None:
        return
    if not is_installed():
        why = f"observations wait and the verdict stays unknown, because NumPy is not installed: {EXTRA}"
        yield file.document.fault(("canary",), why)
    acts = rule.on_divergence
    asks_later = acts is not None and acts.authority == AUTOMATIC and bool(policy.cooldown)
    if asks_later and not policy.members(ROLLBACK_AUTHORITY):
        why = f"inside the cooldown it asks the role {ROLLBACK_AUTHORITY}, which has no members"
        yield file.document.fault(("canary", "on_divergence"), why)
