"""Who an item belongs to: kept as the id it was given, and never guessed from a name that people are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.events import Actor
from bot.domain.people import is_mail, is_slack_group, is_slack_person
from bot.domain.policies import Policy

_MENTION = re.compile(r"<(?:@|!subteam\^)([A-Z0-9]{2,21})(?:\|[^<>]{0,100})?>")
_OWN = frozenset({"me", "myself", "i"})


@dataclass(frozen=True)
class Owner:
    """A person as an order named them."""

    name: str | None
    is_known: bool = True
    """An id of a medium, or a name or an id of the policy: reminders can reach it."""

    def spoken(self, missing: str = "nobody yet") -> str:
        """For an answer, with a warning where nobody can be reminded."""
        if self.name is None:
            return missing
        if self.is_known:
            return self.name
        return f"{self.name} (unknown: neither an id, a mail address nor a name of the policy; nobody is reminded)"


def owner_of(said: str, actor: Actor, policy: Policy) -> Owner:
    """The owner as an id where one was given; any other name stays as it was written, marked as unknown."""
    text = said.strip()
    if not text:
        return Owner(None)
    if text.lower() in _OWN:
        return Owner(actor.name)
    if mention := _MENTION.fullmatch(text):
        return Owner(mention[1])
    bare = text.removeprefix("@")
    if is_known(bare, actor, policy):
        return Owner(bare)
    return Owner(text, is_known=False)


def is_known(name: str, actor: Actor | None, policy: Policy) -> bool:
    """Whether this is an id of a medium, or stands in the policy."""
    if is_slack_person(name) or is_slack_group(name) or is_mail(name) or (actor is not None and name == actor.name):
        return True
    return name in named_in(policy)


def named_in(policy: Policy) -> frozenset[str]:
    """Every id and every person that the policy names."""
    ids = (one for members in (*policy.roles.values(), *policy.persons.values()) for one in members)
    return frozenset((*ids, *policy.persons))
