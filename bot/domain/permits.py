"""Who may give which order: by the token's role first, then by the policy's roles, compared as persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.domain.errors import Refused
from bot.domain.events import ANDON, Actor, Command, Origin, Role, Standing
from bot.domain.policies import ROLLBACK_AUTHORITY, Policy
from bot.domain.records import Approval
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.words import Word

CHAMPION = "champion"
"""The role that answers for a service when nobody else does."""

_ADMINS = (Word.LIFT, Word.HANDS_OFF, Word.AUTOMATION)

NEEDED: Mapping[Word, Role] = {
    **dict.fromkeys(Word, Role.OPERATOR),
    **dict.fromkeys(_ADMINS, Role.ADMIN),
    Word.HALT: Role.ANYONE,
    Word.POSTMORTEM_COMMENT: Role.VIEWER,
}
"""The least token role for each order. A halt is cheap and safe, so anybody at the command line may give it."""

CHAT_ROLES: Mapping[Word, tuple[str, ...]] = {
    Word.LIFT: (ROLLBACK_AUTHORITY, CHAMPION),
    Word.HANDS_OFF: (ROLLBACK_AUTHORITY, CHAMPION),
    Word.DRILL: (ROLLBACK_AUTHORITY, CHAMPION),
}
"""In chat there are no tokens: who may is said by the policy's role of the word's own name, or by these without one."""


def check_entitled(command: Command, policy: Policy | None) -> None:
    """Refused unless this person may give this order at all: by the token's role, or in chat by the policy's."""
    if command.actor.origin is Origin.CHAT:
        _check_member(command)
        if policy is not None:
            _check_chat_role(command, policy)
        return
    needed = NEEDED[command.word]
    if command.actor.role.rank < needed.rank:
        has = "no token was given" if command.actor.role is Role.ANYONE else f"this token has {command.actor.role}"
        raise Refused(
            f"{command.actor.name} may not {_said(command.word)}",
            why=f"it needs the role {needed}, and {has}",
            next="set ANDON_TOKEN to the secret of one of ANDON_API_TOKENS that has it",
        )


def _check_member(command: Command) -> None:
    if command.word is Word.AUTOMATION:
        raise Refused(
            "Automation everywhere is not switched in chat", next="use `andon automation off`, or the page of services"
        )
    if command.actor.standing is Standing.STRANGER:
        raise Refused(
            f"{command.actor.name} may not {_said(command.word)}",
            why="only full members of this workspace may: no guests, no bots, nobody of another workspace",
            next="ask a member of the team",
        )
    if command.actor.standing is Standing.UNKNOWN and command.word is not Word.HALT:
        raise Refused(
            f"{command.actor.name} may not {_said(command.word)} now",
            why="Slack did not say in time who that is",
            next="try again, or do it on the page or with the `andon` command",
        )


def _check_chat_role(command: Command, policy: Policy) -> None:
    own = str(command.word)
    roles = (own,) if policy.members(own) else CHAT_ROLES.get(command.word, ())
    if not roles or any(holds(command.actor, policy, role) for role in roles):
        return
    members = [member for role in roles for member in policy.members(role)]
    raise Refused(
        f"{command.actor.name} may not {_said(command.word)} {policy.service}",
        why=f"that is for members of {' or '.join(roles)}",
        next=f"ask one of {', '.join(dict.fromkeys(members))}" if members else f"name them under roles.{roles[0]}",
    )


def check_lift(actor: Actor, policy: Policy, release: Release | None) -> None:
    """Refused where the one who lifts a halt is the one who made the candidate."""
    author = release.author if release else None
    if author and policy.person(actor.name) == policy.person(author):
        raise Refused(
            f"{actor.name} may not lift the halt of {policy.service}",
            why="the author of a candidate never lifts its halt alone",
            next="ask somebody else who may",
        )


def _said(word: Word) -> str:
    return word.replace("_", " ")


def is_same_person(policies: Iterable[Policy], one: str, other: str) -> bool:
    """Whether any of these policies (the pinned one, the one in force) says that two ids are one person: an edit that
    parts them does not make two people."""
    return any(policy.person(one) == policy.person(other) for policy in policies)


def holds(actor: Actor, policy: Policy, role: str) -> bool:
    """Whether a person holds a role: by an id of that person, or by a group that the person is in."""
    return policy.membership(actor.ids, role) is not None


def check_halt(actor: Actor, policy: Policy) -> None:
    """Refused where the policy says who may halt and this is none of them. A gate's halt needs nobody's leave."""
    if actor == ANDON:
        return
    if policy.members("halt") and not holds(actor, policy, "halt"):
        raise Refused(
            f"{actor.name} may not halt {policy.service}",
            why=f"its policy lets {', '.join(policy.members('halt'))} halt it",
            next="ask one of them",
        )


def check_answer(actor: Actor, policy: Policy, approval: Approval, shown_hash: str | None) -> None:
    """Refused unless this person holds the approval's role, did not ask for it, and saw the plan as it is."""
    if shown_hash is not None and shown_hash != approval.plan_hash:
        raise Refused(
            "The plan is not the one that was shown",
            why=f"it is {approval.plan_hash} now",
            next="look at the run again",
        )
    if approval.requested_by and policy.person(actor.name) == policy.person(approval.requested_by):
        raise Refused(f"{actor.name} asked for this run", why="the one who asks cannot be the one who approves")
    if holds(actor, policy, approval.role):
        return
    if approval.role not in policy.roles and actor.origin is Origin.TOKEN and actor.role is Role.ADMIN:
        return  # nobody is named at all: better an admin than a rollback that can never be approved
    members = ", ".join(policy.members(approval.role)) or "nobody: the policy does not name that role"
    raise Refused(
        f"{actor.name} is not a member of {approval.role}",
        why=f"its members are {members}",
        next=f"ask one of them, or add {actor.name!r} under roles.{approval.role} in the policy",
    )


def check_help(actor: Actor, policy: Policy, run: Run) -> None:
    """Refused unless this person may steer a run: a member of its authority or the rollback authority, or an admin."""
    roles = [role for role in (run.authority, ROLLBACK_AUTHORITY) if role in policy.roles]
    named_nowhere = not roles and actor.origin is Origin.TOKEN
    if actor.role is Role.ADMIN or named_nowhere or any(holds(actor, policy, role) for role in roles):
        return
    raise Refused(
        f"{actor.name} may not steer this run",
        why=f"that is for members of {' or '.join(dict.fromkeys(roles)) or ROLLBACK_AUTHORITY}",
        next=f"they are {', '.join(member for role in roles for member in policy.members(role)) or 'not named yet'}",
    )


def check_drill(actor: Actor, policy: Policy) -> None:
    """Refused unless this person may say when a planned drill happens: whoever answers for the service, or an admin."""
    roles = [role for role in (CHAMPION, ROLLBACK_AUTHORITY) if policy.members(role)]
    named_nowhere = not roles and actor.origin is Origin.TOKEN
    if actor.role is Role.ADMIN or named_nowhere or any(holds(actor, policy, role) for role in roles):
        return
    raise Refused(
        f"{actor.name} may not change the drills of {policy.service}",
        why=f"that is for members of {' or '.join(roles) or CHAMPION}",
        next=f"they are {', '.join(member for role in roles for member in policy.members(role)) or 'not named yet'}",
    )


def check_endorse(actor: Actor, policy: Policy) -> None:
    """Refused unless this person may accept the restored state."""
    role = policy.stable.endorse if policy.stable and policy.stable.endorse else "endorser"
    may_anybody = role not in policy.roles and actor.origin is Origin.TOKEN
    if not may_anybody and not holds(actor, policy, role):
        raise Refused(
            f"{actor.name} is not a member of {role}",
            why=f"its members are {', '.join(policy.members(role)) or 'not named in the policy'}",
        )
