"""One validated set of policies and playbooks, as a whole in force or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.errors import Fault, NotFound
from bot.domain.keeping import Retention
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy
from bot.domain.policy_versions import ConfigFile


@dataclass(frozen=True)
class Configuration:
    """What was loaded. `warnings` are things that are valid but that nothing acts on yet, or that look wrong."""

    policies: Mapping[str, Policy] = field(default_factory=dict)
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()
    retention: Retention = field(default_factory=Retention)
    """How long records are kept; without the file, for ever."""
    digest: str = ""
    files: tuple[ConfigFile, ...] = ()
    """The policies and playbooks of the folder as they were loaded; what ships with the product is not among them."""

    def policy(self, service: str) -> Policy:
        """The policy of a service; NotFound with the names there are."""
        policy = self.policies.get(service)
        if policy is None:
            raise NotFound(f"No policy for service {service!r}", next=_nearest(service, self.policies))
        return policy

    def playbook(self, name: str) -> Playbook:
        """A playbook by name; NotFound with the names there are."""
        playbook = self.playbooks.get(name)
        if playbook is None:
            raise NotFound(f"No playbook {name!r}", next=_nearest(name, self.playbooks))
        return playbook

    def of_stages(self) -> frozenset[str]:
        """Names of the playbooks by which stages act, of whatever kind they say they are."""
        stages = [stage.do for policy in self.policies.values() for stage in policy.stages]
        urgent = [policy.emergency.do for policy in self.policies.values() if policy.emergency]
        return frozenset(name for name in (*stages, *urgent) if name)


def _nearest(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    if not known:
        return "the configuration has none; `andon init` writes an example"
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(known)[:10])}"
