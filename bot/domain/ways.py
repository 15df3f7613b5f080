"""Ways: by which medium and to which address a notice goes, and where else when that way is closed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.letters import Medium
from bot.domain.people import is_mail, is_slack_person

if TYPE_CHECKING:
    from bot.domain.policies import Policy

PERSON = "person:"
"""Before the id, where a notice is for one person and not for an audience."""

ENGINEERING = "engineering"
"""The audience that hears what could not be told to anybody else."""


@dataclass(frozen=True)
class Way:
    """One medium with an address in it; the page needs none."""

    medium: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.medium}:{self.address}"


PAGE = Way(Medium.PAGE)


def ways_of(policy: Policy, audience: str, media: Collection[str]) -> list[Way]:
    """Where an audience is told, all of these at once: its channel and its addresses, else the page."""
    found = [way for way in _of(policy, audience) if way.medium in media]
    return found or [PAGE]


def way_to(policy: Policy, person: str, media: Collection[str], *, first: str = "") -> Way:
    """Where one person is told: by the medium `first` if there is a way, else in chat, by mail, on the page."""
    ways = [way for way in _to(policy, person) if way.medium in media]
    return next((way for way in ways if way.medium == first), next(iter(ways), PAGE))


def other_way(policy: Policy, audience: str, media: Collection[str], tried: Collection[str]) -> Way | None:
    """Where to go when a way is closed for good: the audience's own other ways, then the engineers'. None: nowhere."""
    own = _to(policy, audience.removeprefix(PERSON)) if audience.startswith(PERSON) else _of(policy, audience)
    for way in (*own, *_of(policy, ENGINEERING)):
        if way.medium in media and str(way) not in tried:
            return way
    return None


def _of(policy: Policy, audience: str) -> Iterator[Way]:
    told = policy.audiences.get(audience)
    if told is not None and told.slack:
        yield Way(Medium.SLACK, told.slack)
    if told is not None and told.email:
        yield Way(Medium.MAIL, ",".join(told.email))


def _to(policy: Policy, person: str) -> Iterator[Way]:
    ids = [person, *(one for ids in policy.persons.values() if person in ids for one in ids)]
    ids += list(policy.persons.get(person.removeprefix("person:"), ()))
    yield from (Way(Medium.SLACK, one) for one in dict.fromkeys(ids) if is_slack_person(one))
    yield from (Way(Medium.MAIL, one) for one in dict.fromkeys(ids) if is_mail(one))
