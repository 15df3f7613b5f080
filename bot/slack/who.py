"""Who is behind an id: asked of Slack within a short time, because the answer to a person is due in three seconds."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.configuration import Configuration
from bot.domain.errors import Refused
from bot.domain.events import Actor, Origin, Role, Standing
from bot.domain.people import Profile, is_slack_group
from bot.ports import People

HALT_WAIT = timedelta(seconds=1)
"""A halt waits no longer to know who gives it."""

WAIT = timedelta(seconds=2)

_THREADS = 8


@dataclass(frozen=True)
class Visitor:
    """Somebody in chat, and what is known of them."""

    actor: Actor
    profile: Profile | None = None

    @property
    def name(self) -> str:
        """To be shown, never compared."""
        return (self.profile.name if self.profile else "") or self.actor.name

    @property
    def zone(self) -> str:
        """An IANA name; UTC where nothing is known."""
        return (self.profile.time_zone if self.profile else "") or "UTC"

    def demand_member(self, what: str) -> None:
        """Refused unless this is surely a full member of the workspace."""
        if self.actor.standing is Standing.STRANGER:
            raise Refused(f"{self.name} may not {what}", why="only full members of this workspace may")
        if self.actor.standing is Standing.UNKNOWN:
            raise Refused(f"{self.name} may not {what} now", why="Slack did not say in time who that is")


class Badges:
    """Makes actors of ids."""

    def __init__(self, people: People, team: str | None) -> None:
        self._people = people
        self._team = team
        self._named: tuple[Configuration | None, frozenset[str]] = (None, frozenset())
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="slack-who")

    def visitor(self, person: str, team: str, configuration: Configuration, wait: timedelta = WAIT) -> Visitor:
        """Who this is, as far as Slack says within `wait`. Never raises: who is not known has no rights."""
        if self._team and team and team != self._team:
            return Visitor(_actor(person, Standing.STRANGER))
        asked = self._threads.submit(self._look_up, person, self._groups(configuration))
        try:
            return asked.result(wait.total_seconds())
        except Late:
            return Visitor(_actor(person, Standing.UNKNOWN))

    def _groups(self, configuration: Configuration) -> frozenset[str]:
        """Looked for once for each configuration: a halt does not wait for it again."""
        known, groups = self._named
        if known is not configuration:
            groups = groups_in(configuration)
            self._named = (configuration, groups)
        return groups

    def close(self) -> None:
        """Nobody is asked any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look_up(self, person: str, groups: frozenset[str]) -> Visitor:
        profile = self._people.person(person)
        standing = self._standing(profile)
        if standing is not Standing.MEMBER:
            return Visitor(_actor(person, standing), profile)
        held = [group for group in sorted(groups) if person in (self._people.members(group) or ())]
        return Visitor(_actor(person, standing, tuple(held)), profile)

    def _standing(self, profile: Profile | None) -> Standing:
        if profile is None:
            return Standing.UNKNOWN
        is_elsewhere = bool(self._team and profile.team and profile.team != self._team)
        is_member = profile.is_full_member and not (profile.is_bot or profile.is_deleted or is_elsewhere)
        return Standing.MEMBER if is_member else Standing.STRANGER


def groups_in(configuration: Configuration) -> frozenset[str]:
    """Every user group that some policy names in a role."""
    named: Iterable[str] = (
        one for policy in configuration.policies.values() for ids in policy.roles.values() for one in ids
    )
    return frozenset(filter(is_slack_group, named))


def _actor(person: str, standing: Standing, groups: tuple[str, ...] = ()) -> Actor:
    return Actor(person, Role.ANYONE, Origin.CHAT, standing, groups)
