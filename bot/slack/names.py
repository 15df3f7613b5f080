"""Whom a name means: mentions, mail addresses, names of the policy, and names that Slack shows of those in it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from bot.domain.configuration import Configuration
from bot.domain.due_dates import zone_named
from bot.domain.heard import KnownPerson
from bot.domain.people import Profile, is_mail, is_slack_person
from bot.domain.policies import Policy
from bot.ports import People

MOST_ASKED = 50
"""People of all policies whose names are looked up."""

_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]{0,100})?>")
_OWN = frozenset({"me", "myself", "i"})


class Names:
    """Knows people by what they are called. A name that two people bear means neither."""

    def __init__(self, people: People, later: Callable[[str, Callable[[], object]], None]) -> None:
        self._people = people
        self._later = later
        self._lock = threading.Lock()
        self._shown: dict[str, Profile] = {}
        self._asked: set[str] = set()

    def known(self, configuration: Configuration) -> tuple[KnownPerson, ...]:
        """Whom the policies name, with the names that were learnt so far; Slack is asked for the others meanwhile."""
        ids = list(dict.fromkeys(_ids(configuration)))[:MOST_ASKED]
        self._learn(ids)
        persons = [
            KnownPerson(next(filter(is_slack_person, given), ""), name, next(filter(is_mail, given), ""))
            for policy in configuration.policies.values()
            for name, given in policy.persons.items()
        ]
        with self._lock:
            shown = [self._shown[one] for one in ids if one in self._shown]
        return (*persons, *(KnownPerson(one.id, one.name, one.email, _zone(one)) for one in shown))

    def id_of(self, said: str, speaker: str, policy: Policy | None) -> str:
        """The id behind a name; the name as it was said where nobody, or more than one, is called that."""
        text = said.strip()
        if mention := _MENTION.fullmatch(text):
            return mention[1]
        if text.lower() in _OWN:
            return speaker
        if is_mail(text):
            profile = self._people.by_email(text)
            return profile.id if profile is not None and profile.is_full_member else text
        bare = text.removeprefix("@")
        if policy is not None and (bare in policy.persons or is_slack_person(bare)):
            return bare
        return self._called(bare) or text

    def _called(self, name: str) -> str | None:
        wanted = name.casefold()
        with self._lock:
            shown = list(self._shown.values())
        found = {one.id for one in shown if wanted in _called(one)}
        return found.pop() if len(found) == 1 else None

    def _learn(self, ids: list[str]) -> None:
        with self._lock:
            new = [one for one in ids if one not in self._asked]
            self._asked.update(new)
        if new:
            self._later("learn names", lambda: self._ask(new))

    def _ask(self, ids: list[str]) -> None:
        for one in ids:
            profile = self._people.person(one)
            with self._lock:
                if profile is None:
                    self._asked.discard(one)  # Slack may say so later
                elif not profile.is_deleted:
                    self._shown[one] = profile


def _ids(configuration: Configuration) -> Iterator[str]:
    for policy in configuration.policies.values():
        for given in (*policy.roles.values(), *policy.persons.values()):
            yield from filter(is_slack_person, given)


def _called(profile: Profile) -> set[str]:
    """What somebody is called: the whole name, the first name, the name before the mail address's sign."""
    whole = profile.name.casefold()
    return {name for name in (whole, whole.partition(" ")[0], profile.email.casefold().partition("@")[0]) if name}


def _zone(profile: Profile) -> ZoneInfo | None:
    return zone_named(profile.time_zone)
