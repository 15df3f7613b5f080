"""Who may do what about a service, found by asking the rules that judge orders for everybody who could ask. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.canary_rules import CANARY_DIVERGENCE
from bot.domain.errors import Refused
from bot.domain.events import Actor, Command, Origin, Role, Standing
from bot.domain.people import is_slack_group
from bot.domain.permits import (
    check_answer,
    check_drill,
    check_endorse,
    check_entitled,
    check_halt,
    check_help,
    check_lift,
    holds,
)
from bot.domain.playbooks import Playbook
from bot.domain.policies import AUTOMATIC, ROLLBACK_AUTHORITY, Policy
from bot.domain.postmortem_permits import role_of_signature
from bot.domain.records import Approval
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.words import Word

COMMAND_LINE = Actor("anybody at the command line", Role.ANYONE)
"""Whoever runs `andon` without a token, on a database that is not the embedded one."""
MEMBER = Actor("any member of the workspace", Role.ANYONE, Origin.CHAT)
"""Somebody in chat whom no policy names."""
_THEN = datetime(2000, 1, 1, tzinfo=UTC)
_STEPLESS = {"playbook": "any", "steps": [{"id": "any", "use": "any"}]}

Check = Callable[[Actor], None]
"""Raises Refused where this actor may not."""


@dataclass(frozen=True)
class Right:
    """One thing that can be done, and everybody who may."""

    name: str
    about: str = ""
    """The criterion, the item or the stage that it is about."""
    automatic: bool = False
    """Nobody is asked."""
    role: str | None = None
    """The role of the policy that it is for, where there is one."""
    tokens: tuple[str, ...] = ()
    """Names of API tokens whose holders may."""
    people: tuple[str, ...] = ()
    """Ids in the policy (people and groups) who may in chat."""
    anybody_in_chat: bool = False
    anybody_at_command_line: bool = False
    note: str = ""


def rights_of(policy: Policy, tokens: Iterable[Actor], release: Release | None) -> list[Right]:
    """Every right about a service, in the order in which one needs them."""
    asked = _Asked(policy, sorted({one.name: one for one in tokens}.values(), key=lambda one: one.name))
    found = [asked.right("halt", Word.HALT, lambda who: check_halt(who, policy), role=_named(policy, "halt"))]
    found += _criteria(policy, asked)
    by_hand = next((one.authority for one in policy.rollback if not one.is_automatic), ROLLBACK_AUTHORITY)
    found.append(asked.right("ask for a rollback", Word.ROLLBACK, note="another person has to approve it"))
    found.append(_approval(policy, asked, by_hand, "a rollback that a person asked for"))
    found.append(_steering(policy, asked))
    endorser = policy.stable.endorse if policy.stable and policy.stable.endorse else "endorser"
    endorse = asked.right("endorse", Word.ENDORSE, lambda who: check_endorse(who, policy), role=endorser)
    author = "never the author of the candidate"
    found += [
        endorse,
        asked.right("lift a halt", Word.LIFT, lambda who: check_lift(who, policy, release), note=author),
        asked.right("pause automation (hands off)", Word.HANDS_OFF),
        asked.right("switch automation off everywhere", Word.AUTOMATION),
    ]
    found += [*_drill_rights(policy, asked), *_signatures(policy, asked)]
    return [*found, *(_release_rights(policy, asked) if policy.stages or policy.emergency else ())]


def _drill_rights(policy: Policy, asked: _Asked) -> Iterator[Right]:
    yield asked.right("start a drill", Word.DRILL, note="never in production")
    for name, word in (("run", Word.RUN_DRILL), ("skip", Word.SKIP_DRILL), ("move", Word.MOVE_DRILL)):
        yield asked.right(f"{name} a planned drill", word, lambda who: check_drill(who, policy))


def _signatures(policy: Policy, asked: _Asked) -> Iterator[Right]:
    for role in policy.postmortem.sign_off:
        yield asked.right(
            "sign a postmortem off", Word.POSTMORTEM_SIGN_OFF, _signer(policy, role), about=f"for {role}", role=role,
            note="not the only one who wrote it, and each person for one role",
        )  # fmt: skip


def _signer(policy: Policy, role: str) -> Check:
    def check(who: Actor) -> None:
        role_of_signature(who, policy, [role], role)

    return check


def _criteria(policy: Policy, asked: _Asked) -> Iterator[Right]:
    for one in policy.rollback:
        if one.is_automatic:
            note = f"runs {one.playbook} by itself, unless automation is off"
            yield Right("roll back", f"criterion {one.name}", automatic=True, note=note)
        else:
            yield _approval(policy, asked, one.authority, f"criterion {one.name}")
    if policy.canary is not None and policy.canary.on_divergence is not None:
        rule = policy.canary.on_divergence
        if rule.authority == AUTOMATIC:
            yield Right("roll back", f"criterion {CANARY_DIVERGENCE}", automatic=True, note=f"runs {rule.playbook}")
        else:
            yield _approval(policy, asked, rule.authority, f"criterion {CANARY_DIVERGENCE}")


def _approval(policy: Policy, asked: _Asked, role: str, about: str) -> Right:
    question = Approval("", "", role, "", "", _THEN, _THEN)
    note = "never the one who asked for it"
    return asked.right(
        "approve",
        Word.APPROVE,
        lambda who: check_answer(who, policy, question, None),
        about=about,
        role=role,
        note=note,
    )


def _steering(policy: Policy, asked: _Asked) -> Right:
    authority = next((one.authority for one in policy.rollback), AUTOMATIC)
    run = Run.planned(
        id="", service=policy.service, environment="", playbook=Playbook.model_validate(_STEPLESS), plan_hash="",
        facts={}, accepted_at=_THEN, deadline=_THEN, authority=authority,
    )  # fmt: skip
    return asked.right(
        "cancel, retry, undo or take over a run", Word.CANCEL, lambda who: check_help(who, policy, run),
        role=ROLLBACK_AUTHORITY, note="of a run that waits for another role, that role may too",
    )  # fmt: skip


def _release_rights(policy: Policy, asked: _Asked) -> Iterator[Right]:
    yield asked.right("start a release", Word.RELEASE_START)
    yield asked.right("ask for the next stage", Word.PROMOTE, note="the gates decide; no role passes a gate")
    for stage in policy.stages:
        for item in _items(stage.gates):
            name, role = str(item.get("name", "")), str(item.get("role", ""))
            note = "the author's own counts for nothing" if item.get("not_author") else ""
            about = f"{name}, stage {stage.name}"
            yield asked.right("sign", Word.SIGN, _holder(policy, role), about=about, role=role, note=note)
    if policy.emergency is not None:
        role, note = policy.emergency.role, "neither who started it nor the author of the candidate"
        about = "an emergency release"
        yield asked.right("be the second person", Word.SECOND, _holder(policy, role), about=about, role=role, note=note)


def _items(gates: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for gate in gates:
        items = getattr(gate, "params", {}).get("items", ()) if getattr(gate, "use", "") == "checklist" else ()
        yield from (one for one in items if isinstance(one, Mapping))


def _holder(policy: Policy, role: str) -> Check:
    def check(who: Actor) -> None:
        if not holds(who, policy, role):
            raise Refused(f"{who.name} does not hold {role}")

    return check


def _named(policy: Policy, role: str) -> str | None:
    return role if policy.members(role) else None


@dataclass(frozen=True)
class _Asked:
    """Everybody who could ask, held against a rule."""

    policy: Policy
    tokens: Sequence[Actor]

    def right(
        self, name: str, word: Word, check: Check = lambda _: None, *, about: str = "", role: str | None = None,
        note: str = "",
    ) -> Right:  # fmt: skip
        def may(who: Actor) -> bool:
            try:
                check_entitled(Command(word, self.policy.service, who), self.policy)
                check(who)
            except Refused:
                return False
            return True

        return Right(
            name,
            about,
            role=role,
            tokens=tuple(one.name for one in self.tokens if may(one)),
            people=tuple(one.name for one in self._people() if may(one)),
            anybody_in_chat=may(MEMBER),
            anybody_at_command_line=may(COMMAND_LINE),
            note=note,
        )

    def _people(self) -> list[Actor]:
        """Whom the policy names, as they are in chat: people by their id, groups by somebody who is in them."""
        named = [one for ids in (*self.policy.roles.values(), *self.policy.persons.values()) for one in ids]
        return [
            Actor(one, Role.ANYONE, Origin.CHAT, Standing.MEMBER, (one,) if is_slack_group(one) else ())
            for one in dict.fromkeys(named)
        ]
