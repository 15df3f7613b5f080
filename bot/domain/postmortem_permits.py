"""Who may write into a postmortem, and who may sign it off."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.errors import BadInput, Refused
from bot.domain.events import Actor, Origin, Role
from bot.domain.incidents import Incident
from bot.domain.permits import CHAMPION, holds
from bot.domain.policies import ROLLBACK_AUTHORITY, Policy
from bot.domain.postmortems import Postmortem


def check_writer(actor: Actor, policy: Policy, incident: Incident, postmortem: Postmortem) -> None:
    """Refused unless this person may change its words: an operator's token; in chat the owner, or a role of the policy.

    A comment is open to every member; so whoever may not write can say what is missing."""
    if actor.origin is Origin.TOKEN:
        return  # its role was looked at where the order came in
    owners = {policy.person(one) for one in (incident.owner, postmortem.owner) if one}
    roles = (CHAMPION, ROLLBACK_AUTHORITY, *policy.postmortem.sign_off)
    if policy.person(actor.name) in owners or any(holds(actor, policy, role) for role in roles):
        return
    raise Refused(
        f"{actor.name} may not write into this postmortem",
        why=f"that is for its owner and for members of {' and '.join(dict.fromkeys(roles))}",
        next="say it as a comment: that is open to everybody",
    )


def role_of_signature(actor: Actor, policy: Policy, missing: Sequence[str], named: str | None) -> str:
    """The role that this person signs for. Refused where there is none, BadInput for one that does not sign here."""
    wanted = policy.postmortem.sign_off
    if named is not None and named not in wanted:
        raise BadInput(f"{named!r} does not sign postmortems here", next=f"the policy names {', '.join(wanted)}")
    if not missing or (named is not None and named not in missing):
        raise Refused("This was signed off already", next="it can be reopened with a reason")
    for role in [named] if named is not None else missing:
        if holds(actor, policy, role) or _is_last_resort(actor, policy, role):
            return role
    members = [member for role in missing for member in policy.members(role)]
    raise Refused(
        f"{actor.name} may not sign this postmortem off",
        why=f"that is for members of {' or '.join(missing)}",
        next=f"ask {' or '.join(dict.fromkeys(members))}" if members else f"name them under roles.{missing[0]}",
    )


def _is_last_resort(actor: Actor, policy: Policy, role: str) -> bool:
    """Nobody is named at all: better an admin than an account that can never be reviewed."""
    return role not in policy.roles and actor.origin is Origin.TOKEN and actor.role is Role.ADMIN


def check_sole_author(actor: Actor, policy: Policy, authors: Sequence[str]) -> None:
    """Refused where nobody but the signer has written into it: somebody else has to have read it."""
    if {policy.person(one) for one in authors} == {policy.person(actor.name)}:
        raise Refused(
            f"{actor.name} may not sign this postmortem off",
            why="nobody else has written into it, and the one who writes it is not the one who reviews it",
            next="ask somebody else who may, or have somebody else add what is missing",
        )
