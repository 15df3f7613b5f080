"""The runbook of a service: what people do by hand on the day when Andon or Slack is down.

No time stands in it, so that it only changes when what it says does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError
from bot.domain.paper import Block, Commands, Heading, Line, Mono, Points, Prose, prose
from bot.domain.playbooks import Playbook
from bot.domain.policies import AUTOMATIC, Policy
from bot.domain.releases import Release
from bot.domain.times import format_duration
from bot.flow.by_hand import Manual
from bot.flow.planning import Cause, plan_facts
from bot.plugins import Call


@dataclass(frozen=True)
class House:
    """Where Andon itself lives; addresses without passwords."""

    address: str
    database: str
    redis: str
    data: str
    config: str


def runbook(
    policy: Policy,
    configuration: Configuration,
    release: Release | None,
    manual: Manual,
    house: House,
    environments: Sequence[str],
) -> list[Block]:
    """The whole document for these environments of the policy."""
    found: list[Block] = [
        Heading(1, f"Runbook: {policy.service}"),
        prose(policy.summary or "What to do by hand when Andon or Slack is down."),
        prose(
            "Made of the policy in force (", Mono(policy.digest or "unknown"), ") and its playbooks. ",
            "While Andon works, let Andon do it: it counts, proves and tells. Do not do both.",
        ),
        _versions(release),
        *_callees(policy),
        *_before(policy, configuration, release, manual, environments),
    ]  # fmt: skip
    for environment in environments:
        found += _environment(policy, configuration, release, manual, environment)
    return [*found, *_telling(policy), *_return(policy, house)]


def _versions(release: Release | None) -> Prose:
    if release is None:
        return prose("No release is on record: ask which version is good before anything is put back.")
    state = f"Release {release.id}, {release.status}: " if release.id else "The policy names: "
    return prose(
        state, "the candidate is ", Mono(release.candidate), ", the incumbent is ", Mono(release.incumbent), "."
    )


def playbooks_of(policy: Policy, configuration: Configuration) -> list[tuple[Playbook, str]]:
    """Those that halt and roll back, each once, with when it is wanted."""
    wanted: dict[str, list[str]] = {}
    if policy.halt is not None:
        wanted.setdefault(policy.halt.playbook, []).append("a halt")
    for one in policy.rollback:
        who = "by itself" if one.authority == AUTOMATIC else f"once {one.authority} approves"
        when = f"{one.name}: {one.when.text} ({who}, within {format_duration(one.within)})"
        wanted.setdefault(one.playbook, []).append(when)
    rule = policy.canary.on_divergence if policy.canary else None
    if rule is not None:
        wanted.setdefault(rule.playbook, []).append("the canary diverges")
    for name in policy.fallbacks:
        wanted.setdefault(name, []).append("the incumbent cannot be restored")
    return [
        (configuration.playbooks[name], "; ".join(why))
        for name, why in wanted.items()
        if name in configuration.playbooks
    ]


def _facts(policy: Policy, environment: str, release: Release | None) -> dict[str, Any]:
    cause = Cause(event_id="", within=timedelta(minutes=5), reason=f"by hand, after the runbook of {policy.service}")
    facts = plan_facts(policy, (policy.service, environment), release=release, incident=None, cause=cause)
    return {**facts, "steps": {}}


def _before(
    policy: Policy, configuration: Configuration, release: Release | None, manual: Manual, environments: Iterable[str]
) -> Iterator[Block]:
    names = {
        name
        for environment in environments
        for playbook, _ in playbooks_of(policy, configuration)
        for step in playbook.steps
        for name in manual.secrets(step, _facts(policy, environment, release))
    }
    yield Heading(2, "Before you begin")
    yield prose("Use bash. The same key goes with every repeated call, so keep the window open:")
    lines = ['RUN="by-hand-$(date -u +%Y%m%dT%H%M%SZ)"']
    lines += [f"read -rs {name} && export {name}  # from where your secrets are kept" for name in sorted(names)]
    yield Commands("\n".join(lines))
    yield prose("Write down what you do and when. Say who does it: one person acts, another reads along.")


def _environment(
    policy: Policy, configuration: Configuration, release: Release | None, manual: Manual, environment: str
) -> Iterator[Block]:
    yield Heading(2, f"In {environment}")
    facts = _facts(policy, environment, release)
    if live := policy.live.get(environment):
        yield from _live(live, facts, manual)
    found = playbooks_of(policy, configuration)
    if not found:
        yield prose("The policy names no playbook that halts or rolls back: stop promotion in your pipeline.")
    for playbook, why in found:
        yield Heading(3, f"{playbook.name}: {playbook.summary}" if playbook.summary else playbook.name)
        yield prose("Wanted for: ", Mono(why))
        for number, step in enumerate(playbook.steps, 1):
            again = f"; if it broke off, {step.if_interrupted}" if step.if_interrupted else ""
            yield prose(f"Step {number}, {step.id}: up to {step.most_tries} tries{again}.")
            yield from manual.blocks(step, facts)


def _live(live: Any, facts: dict[str, Any], manual: Manual) -> Iterator[Block]:
    try:
        filled = manual.expressions.fill_marked({"url": live.url, "headers": dict(live.headers)}, facts, manual.marks)
        command = manual.command(Call("GET", filled["url"], headers=filled["headers"]), "live")
    except (ValueError, AndonError):
        return
    yield prose("Which version serves now (", Mono(live.version.text), "):")
    yield Commands(command)


def _callees(policy: Policy) -> Iterator[Block]:
    yield Heading(2, "Whom to call")
    lines: list[Line] = [(f"{role}: ", ", ".join(ids) or "nobody is named") for role, ids in policy.roles.items()]
    lines += [(f"{person} is ", ", ".join(ids)) for person, ids in policy.persons.items()]
    for level in policy.escalation:
        pager = f", paged by {level.page}" if level.page else ""
        lines.append((f"after {format_duration(level.after)} without an answer: {level.notify}{pager}",))
    yield Points(tuple(lines) or (("Nobody is named in the policy: find its owner in the repository.",),))


def _telling(policy: Policy) -> Iterator[Block]:
    yield Heading(2, "Whom to tell, and where")
    lines: list[Line] = []
    for name, audience in policy.audiences.items():
        places = [*([audience.slack] if audience.slack else []), *audience.email]
        lines.append((f"{name}: ", ", ".join(places) or "no place is named; its page would have it"))
    yield Points(tuple(lines) or (("No audience is named in the policy.",),))
    yield prose(
        "Say: what happens and since when; what users notice; what was done, and with which result; "
        f"when they hear next (every {format_duration(policy.update_every)}). Where Slack is down, mail and call."
    )


def _return(policy: Policy, house: House) -> Iterator[Block]:
    yield Heading(2, "Where everything is, and how to bring Andon back")
    yield Points(
        (
            ("pages and API: ", Mono(house.address)),
            ("database, which is the truth: ", Mono(house.database)),
            ("Redis, only a doorbell, nothing is lost with it: ", Mono(house.redis)),
            ("data folder: ", Mono(house.data)),
            ("configuration: ", Mono(house.config)),
        )
    )
    yield Commands(
        "andon doctor            # says what does not answer, and how to mend it\n"
        "andon db upgrade        # where its tables are of another version\n"
        "andon up                # web, workers and clock in one; else start web, worker and clock each\n"
        "andon service           # what it believes to be so"
    )
    yield prose(
        "While Redis is away, workers take what is due from the database each second. While the database is away, "
        "nothing is decided: senders get 503 and send again. Restore it from its backup, then start the processes; "
        "they go on where they were."
    )
    yield prose("Once it is back, tell it what was done by hand, so that it does not do it again:")
    name = policy.service
    yield Commands(
        f"andon automation off --reason 'done by hand, being checked'\n"
        f"andon service {name}\n"
        "andon take-over RUN     # for each run that still wants to do it\n"
        f"andon live {name}\n"
        "andon automation on"
    )
