"""Who may give which order: by the token's role first, then by the policy's roles, compared as persons."""

from __future__ import annotations

from bot.domain.errors import Refused
from bot.domain.events import Actor, Command, Role, Word
from bot.domain.policies import ROLLBACK_AUTHORITY, Policy
from bot.domain.records import Approval
from bot.domain.runs import Run

NEEDED: dict[Word, Role] = {
    Word.HALT: Role.ANYONE,
    Word.LIFT: Role.ADMIN,
    Word.HANDS_OFF: Role.ADMIN,
    Word.AUTOMATION: Role.ADMIN,
    Word.ROLLBACK: Role.OPERATOR,
    Word.APPROVE: Role.OPERATOR,
    Word.REJECT: Role.OPERATOR,
    Word.CANCEL: Role.OPERATOR,
    Word.RETRY: Role.OPERATOR,
    Word.DONE: Role.OPERATOR,
    Word.UNDO: Role.OPERATOR,
    Word.TAKE_OVER: Role.OPERATOR,
    Word.RESOLVE: Role.OPERATOR,
    Word.ENDORSE: Role.OPERATOR,
}
"""The least token role for each order. A halt is cheap and safe, so anybody at the command line may give it."""


def check_token(command: Command) -> None:
    """Refused unless the token's role is enough for the order at all."""
    needed = NEEDED[command.word]
    if command.actor.role.rank < needed.rank:
        has = "no token was given" if command.actor.role is Role.ANYONE else f"this token has {command.actor.role}"
        raise Refused(
            f"{command.actor.name} may not {command.word.replace('_', ' ')}",
            why=f"it needs the role {needed}, and {has}",
            next="set ANDON_TOKEN to the secret of one of ANDON_API_TOKENS that has it",
        )


def check_halt(actor: Actor, policy: Policy) -> None:
    """Refused where the policy says who may halt and this is none of them."""
    if policy.members("halt") and not policy.holds_role(actor.name, "halt"):
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
    if policy.holds_role(actor.name, approval.role):
        return
    if approval.role not in policy.roles and actor.role is Role.ADMIN:
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
    if actor.role is Role.ADMIN or not roles or any(policy.holds_role(actor.name, role) for role in roles):
        return
    raise Refused(
        f"{actor.name} may not steer this run",
        why=f"that is for members of {' or '.join(dict.fromkeys(roles))}",
        next=f"they are {', '.join(member for role in roles for member in policy.members(role))}",
    )


def check_endorse(actor: Actor, policy: Policy) -> None:
    """Refused unless this person may accept the restored state."""
    role = policy.stable.endorse if policy.stable and policy.stable.endorse else "endorser"
    if role in policy.roles and not policy.holds_role(actor.name, role):
        raise Refused(
            f"{actor.name} is not a member of {role}", why=f"its members are {', '.join(policy.members(role))}"
        )
