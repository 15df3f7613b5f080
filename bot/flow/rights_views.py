"""Rights as plain values and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from typing_extensions import TypedDict

from bot.domain.events import Actor
from bot.domain.policies import Policy
from bot.domain.rights import Right, rights_of
from bot.ports import Transaction


class TokenView(TypedDict):
    """An API token without its secret."""

    name: str
    role: str


class RightView(TypedDict):
    """One right. `who` says it in a sentence."""

    right: str
    about: str
    automatic: bool
    role: str | None
    tokens: list[str]
    people: list[str]
    anybody_in_chat: bool
    anybody_at_command_line: bool
    note: str
    who: str


class ServiceRights(TypedDict):
    """All rights about one service."""

    service: str
    policy_digest: str
    roles: dict[str, list[str]]
    persons: dict[str, list[str]]
    rights: list[RightView]


class RightsView(TypedDict):
    """Rights about services, and the API tokens that there are."""

    tokens: list[TokenView]
    services: list[ServiceRights]


def rights_view(tx: Transaction, policies: Sequence[Policy], actors: Iterable[Actor]) -> RightsView:
    """What is so now, by the policies in force."""
    tokens = sorted({(one.name, str(one.role)): one for one in actors}.values(), key=lambda one: one.name)
    releases = tx.latest_releases([one.service for one in policies])
    return {
        "tokens": [{"name": one.name, "role": str(one.role)} for one in tokens],
        "services": [
            {
                "service": one.service,
                "policy_digest": one.digest,
                "roles": {role: list(members) for role, members in one.roles.items()},
                "persons": {person: list(ids) for person, ids in one.persons.items()},
                "rights": [_view(right) for right in rights_of(one, tokens, releases.get(one.service))],
            }
            for one in policies
        ],
    }


def _view(one: Right) -> RightView:
    return {
        "right": one.name,
        "about": one.about,
        "automatic": one.automatic,
        "role": one.role,
        "tokens": list(one.tokens),
        "people": list(one.people),
        "anybody_in_chat": one.anybody_in_chat,
        "anybody_at_command_line": one.anybody_at_command_line,
        "note": one.note,
        "who": said(one),
    }


def said(one: Right) -> str:
    """Everybody who may, in words: never empty."""
    if one.automatic:
        return "automatic: nobody is asked"
    parts = []
    if one.anybody_at_command_line:
        parts.append("anybody at the command line")
    if one.tokens:
        parts.append(f"tokens {', '.join(one.tokens)}")
    if one.anybody_in_chat:
        parts.append("in chat any member of the workspace")
    elif one.people:
        parts.append(f"in chat {', '.join(one.people)}")
    return "; ".join(parts) or "nobody"


_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~])")


def escaped(text: str) -> str:
    """Text as one line of Markdown that means nothing but itself."""
    return _MARKS.sub(r"\\\1", " ".join("".join(one if one.isprintable() else " " for one in text).split()))


def rights_markdown(view: RightsView) -> str:
    """A table for each service."""
    lines = ["# Who may do what", "", "Tokens: " + (_tokens(view["tokens"]) or "none"), ""]
    for service in view["services"]:
        lines += [f"## {escaped(service['service'])}", "", f"Policy {escaped(service['policy_digest'])}", ""]
        lines += _table(service["rights"])
        lines += ["", *(_role(name, ids) for name, ids in _sorted(service["roles"])), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tokens(tokens: Sequence[TokenView]) -> str:
    return ", ".join(f"{escaped(one['name'])} \\({one['role']}\\)" for one in tokens)


def _table(rights: Sequence[RightView]) -> list[str]:
    rows = ["| right | role | who | note |", "|---|---|---|---|"]
    for one in rights:
        what = f"{one['right']} ({one['about']})" if one["about"] else one["right"]
        cells = (what, one["role"] or "", one["who"], one["note"])
        rows.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    return rows


def _role(name: str, ids: Sequence[str]) -> str:
    return f"- {escaped(name)}: {escaped(', '.join(ids)) or 'nobody'}"


def _sorted(roles: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted(roles.items())
