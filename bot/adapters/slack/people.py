"""Who somebody is in Slack, asked within a short time and remembered for a few minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.failures import SlackRefusal
from bot.domain.errors import AndonError, TryLater
from bot.domain.people import Profile, is_mail, is_slack_group, is_slack_person
from bot.ports import Clock

DEADLINE = timedelta(seconds=1.5)
"""Of one question: an answer to a person is due within three seconds."""

LASTS = timedelta(minutes=5)
GROUP_LASTS = timedelta(seconds=20)
"""Groups are rights: who left one is to lose them soon."""

TEAM_LASTS = timedelta(days=1)
REFUSAL_LASTS = timedelta(seconds=30)
"""How long "there is nobody of that id" holds."""

SILENCE = timedelta(seconds=5)
"""After Slack failed to answer nothing is asked for so long, or every order would wait for the deadline again."""

_MOST_KEPT = 5_000

_FLAGS = ("is_bot", "deleted", "is_restricted", "is_ultra_restricted")

_Found = TypeVar("_Found")


class SlackPeople:
    """Answers None where Slack does not say: who is not known has no rights. Safe to use from several threads.

    `team` is the own workspace; unset, it is that of the token.
    """

    def __init__(
        self,
        client: SlackClient,
        *,
        clock: Clock,
        team: str | None = None,
        deadline: timedelta = DEADLINE,
        lasts: timedelta = LASTS,
    ) -> None:
        self._client = client
        self._clock = clock
        self._team = team
        self._deadline = deadline
        self._lasts = lasts
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, Any]] = {}
        self._silent_until = float("-inf")

    def person(self, user_id: str) -> Profile | None:
        """The profile of an account."""
        if not is_slack_person(user_id):
            return None
        return self._remembered(("person", user_id), lambda: self._shown(self._ask("users.info", user=user_id)))

    def by_email(self, email: str) -> Profile | None:
        """The account with this mail address."""
        if not is_mail(email):
            return None
        key = ("email", email.casefold())
        return self._remembered(key, lambda: self._shown(self._ask("users.lookupByEmail", email=email)))

    def members(self, group_id: str) -> frozenset[str] | None:
        """The ids of the people in a user group."""
        if not is_slack_group(group_id):
            return None
        return self._remembered(
            ("group", group_id),
            lambda: _ids(self._ask("usergroups.users.list", usergroup=group_id).get("users")),
            lasts=GROUP_LASTS,
        )

    def team(self) -> str | None:
        """The id of the own workspace; ask for it at the start, so that no order waits for it."""
        return self._team or self._remembered(("team", ""), self._team_of_token, lasts=TEAM_LASTS)

    def forget(self) -> None:
        """Ask anew from now on."""
        with self._lock:
            self._kept.clear()
            self._silent_until = float("-inf")

    def _remembered(
        self, key: tuple[str, str], ask: Callable[[], _Found | None], *, lasts: timedelta | None = None
    ) -> _Found | None:
        now = self._clock.monotonic()
        with self._lock:
            until, kept = self._kept.get(key, (float("-inf"), None))
            if now < until:
                found: _Found | None = kept
                return found
            if now < self._silent_until:
                return None
        try:
            answer, lasts = ask(), lasts or self._lasts
            if answer is None:
                return None  # it did not say "nobody": it did not say
        except SlackRefusal:
            answer, lasts = None, REFUSAL_LASTS
        except AndonError as error:
            self._be_silent(error)
            return None
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (self._clock.monotonic() + lasts.total_seconds(), answer)
        return answer

    def _be_silent(self, error: AndonError) -> None:
        pause = max(SILENCE, error.delay) if isinstance(error, TryLater) else SILENCE
        with self._lock:
            self._silent_until = self._clock.monotonic() + pause.total_seconds()

    def _ask(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        return self._client.call(method, deadline=self._deadline, **arguments)

    def _shown(self, answer: Mapping[str, Any]) -> Profile | None:
        home = self.team()
        user = _map(answer.get("user"))
        return profile_of(user, home) if home and is_slack_person(str(user.get("id"))) and _tells(user) else None

    def _team_of_token(self) -> str | None:
        return str(self._ask("auth.test").get("team_id") or "") or None


def profile_of(user: Mapping[str, Any], home: str) -> Profile:
    """The profile in a user object; `home` is the own workspace.

    A full member is who Slack says is no guest and no bot; a flag that is missing is not a no. In an organisation a
    person may belong to several workspaces (`enterprise_user.teams`).
    """
    shown = _map(user.get("profile"))
    team = str(user.get("team_id") or shown.get("team") or "")
    is_bot, is_deleted = user.get("is_bot") is not False, user.get("deleted") is not False
    is_here = team == home or home in (_map(user.get("enterprise_user")).get("teams") or ())
    is_guest = user.get("is_restricted") is not False or user.get("is_ultra_restricted") is not False
    return Profile(
        id=str(user["id"]),
        team=team,
        name=str(user.get("real_name") or shown.get("real_name") or user.get("name") or ""),
        email=str(shown.get("email") or ""),
        time_zone=str(user.get("tz") or "UTC"),
        is_full_member=is_here and not (is_bot or is_deleted or is_guest or user.get("is_stranger")),
        is_bot=is_bot,
        is_deleted=is_deleted,
    )


def _tells(user: Mapping[str, Any]) -> bool:
    """Whether it says what this is: half an answer makes neither a member nor a stranger."""
    if user.get("is_bot") is True or user.get("deleted") is True:
        return True
    return all(
        isinstance(user.get(flag), bool) for flag in ("is_bot", "deleted", "is_restricted", "is_ultra_restricted")
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ids(value: Any) -> frozenset[str] | None:
    return frozenset(filter(is_slack_person, map(str, value))) if isinstance(value, list) else None
