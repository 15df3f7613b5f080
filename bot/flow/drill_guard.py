"""Keeps what a drill does away from production: what it may reach is worked out anew for every call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from bot.domain.drill_rules import is_production, production_hosts
from bot.domain.errors import Refused
from bot.domain.playbooks import PlaybookKind, plan_hash
from bot.domain.policies import Policy
from bot.domain.runs import Run
from bot.flow.planning import BARRED, bound_facts
from bot.plugins import Call

MARK = ("Andon-Drill", "true")
"""Every call of a drill carries it."""
VARIABLE = ("ANDON_DRILL", "true")
"""Every script of a drill finds it."""

Policies = Callable[[], Mapping[str, Policy]]


@dataclass(frozen=True)
class Reach:
    """What one call may reach. `bar_hosts` win over `allow_hosts`."""

    allow_hosts: tuple[str, ...]
    bar_hosts: tuple[str, ...] = ()
    is_drill: bool = False

    def marked(self, call: Call) -> Call:
        """The call, which says that it is a drill's where it is one."""
        if not self.is_drill:
            return call
        others = {name: value for name, value in call.headers.items() if name.lower() != MARK[0].lower()}
        return replace(call, headers={**others, MARK[0]: MARK[1]})

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variables of a script likewise."""
        return {**env, VARIABLE[0]: VARIABLE[1]} if self.is_drill else dict(env)


def is_rehearsal(run: Run) -> bool:
    """Whether a run belongs to a drill: by its mark, by its kind, or by what it was planned with."""
    return run.drill or run.kind is PlaybookKind.DRILL or BARRED in run.facts


def reach_of(run: Run, policies: Mapping[str, Policy]) -> Reach:
    """What the run may reach now. Refused, for a drill, in production, and where its plan is not the one it was given.

    Barred are production's hosts of now, of every service, and those of when it was planned: neither a policy that was
    changed meanwhile nor a row that somebody edited gets around it.
    """
    allowed = tuple(run.facts.get("target", {}).get("allow_hosts", ()))
    if not is_rehearsal(run):
        return Reach(allowed)
    policy = policies.get(run.service)
    if {run.environment, str(run.facts.get("environment"))} != {run.environment}:
        raise Refused(f"Run {run.id} was planned for another environment", why="a drill never leaves its own")
    if is_production(policy, run.environment):
        raise Refused(f"Run {run.id} is a drill, and {run.environment} is production", why="a drill never touches it")
    if run.plan_hash != plan_hash(run.playbook, bound_facts(run.facts)):
        raise Refused(f"Run {run.id} is a drill, and its plan was altered", why="it is not carried out any more")
    barred: Collection[str] = run.facts.get(BARRED, ())
    return Reach(allowed, (*production_hosts(policies.values()), *barred), is_drill=True)
