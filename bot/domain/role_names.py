"""People by what they were there for, not by who they are: ids and names become roles of the policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.domain.events import ANDON
from bot.domain.policies import Policy

SOMEBODY = "a team member"
_SHORTEST = 2


@dataclass(frozen=True)
class RoleNames:
    """What people are called in an account, by every id and name they go by."""

    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str | None) -> str:
        """One person. Andon is called by its name; an unknown one is a team member."""
        if not name:
            return "nobody"
        if name == ANDON.name:
            return "Andon"
        return self.names.get(name.removeprefix("person:"), SOMEBODY)

    def in_text(self, text: str) -> str:
        """A sentence that a machine wrote, with everybody who is known in it called by their role."""
        if not self.names:
            return text
        return self._any.sub(lambda match: self.names[match["name"]], text)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        longest = sorted(self.names, key=lambda name: (-len(name), name))
        name = rf"(?P<name>{'|'.join(map(re.escape, longest))})"
        before, after = r"(?<![\w.@/-])", r"(?![\w@/-])(?!\.\w)"
        return re.compile(rf"{before}(?:<@|person:|@)?{name}(?:(?:\|[^<>]*)?>)?{after}")


def role_names(policy: Policy | None, people: Iterable[str] = (), spared: Iterable[str] = ()) -> RoleNames:
    """The names of a policy's people and of these others. `spared` are words that name a thing as well: services."""
    found = {name: SOMEBODY for name in people if name}
    if policy is not None:
        for person, ids in policy.persons.items():
            found |= dict.fromkeys((person, *ids), SOMEBODY)
        for role, members in reversed(list(policy.roles.items())):
            said = f"the {_words(role)}" if len(members) == 1 else f"a member of {_words(role)}"
            for member in members:
                found |= dict.fromkeys(_all_names(policy, member), said)
    kept = {name: said for name, said in found.items() if len(name) >= _SHORTEST and name not in {*spared, ANDON.name}}
    return RoleNames(kept)


def _all_names(policy: Policy, member: str) -> set[str]:
    person = policy.person(member)
    ids = policy.persons.get(person.removeprefix("person:"), ())
    return {member, *((person.removeprefix("person:"), *ids) if ids else ())}


def _words(role: str) -> str:
    return role.replace("_", " ")
