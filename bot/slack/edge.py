"""The edge to Slack, built of its parts: for the web process and for Socket Mode alike."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.adapters.http import HttpxHttp
from bot.adapters.media import open_people, open_slack
from bot.adapters.slack.responding import NoSlack, SlackWeb
from bot.adapters.telemetry import house_log
from bot.domain.people import Profile
from bot.ports import Http, People
from bot.slack.desk import Desk, Head, Web
from bot.slack.who import Badges

if TYPE_CHECKING:
    from slack_bolt import App


@dataclass(frozen=True)
class Reply:
    """What goes back to Slack."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


class Nobody:
    """`bot.ports.People` where no bot token is set: nobody is known."""

    def person(self, user_id: str) -> Profile | None:  # noqa: ARG002
        """Nobody."""
        return None

    def by_email(self, email: str) -> Profile | None:  # noqa: ARG002
        """Nobody."""
        return None

    def members(self, group_id: str) -> frozenset[str] | None:  # noqa: ARG002
        """Nobody."""
        return None

    def team(self) -> str | None:
        """None."""
        return None


class SlackEdge:
    """Takes what Slack sends and gives the answer. Bolt is loaded on need, or by `warm`."""

    def __init__(self, desk: Desk, badges: Badges, link: Http) -> None:
        self.desk = desk
        self._badges = badges
        self._link = link
        self._lock = threading.Lock()
        self._bolt: App | None = None

    def warm(self) -> None:
        """Load what the first request would otherwise wait for: libraries, certificates, who we are."""
        for library in ("slackblocks", "bot.adapters.slack.transport"):
            import_module(library)
        self.bolt()
        self._link.warm()
        self.desk.people.team()

    def bolt(self) -> App:
        """Bolt with the listeners, made once."""
        from bot.slack.ears import Ears
        from bot.slack.listening import build_bolt

        with self._lock:
            if self._bolt is None:
                self._bolt = build_bolt(Ears(self.desk, self._badges))
            return self._bolt

    def take(self, raw: str, headers: Mapping[str, str]) -> Reply:
        """One authentic request; blocks until it is answered, commits included."""
        from slack_bolt import BoltRequest

        try:
            given: Any = self.bolt().dispatch(BoltRequest(body=raw, headers=dict(headers)))
        except Exception as error:  # what listeners raise is answered; this is Bolt, over a shape it does not expect
            self.desk.log("slack request not understood", problem=type(error).__name__)
            return Reply(400)
        kind = given.first_headers().get("content-type", "text/plain")
        return Reply(given.status, given.body or "", kind)

    def close(self) -> None:
        """Finish what was begun."""
        self.desk.close()
        self._badges.close()
        self._link.close()


def open_edge(head: Head) -> SlackEdge:
    """The edge as the settings say. Without a bot token orders are taken, but nobody is known and nothing is opened."""
    settings = head.settings
    link = HttpxHttp()
    client = open_slack(settings, link)
    web: Web = SlackWeb(client, link, settings.slack_api_url) if client else NoSlack()
    people: People = open_people(settings, link, head.clock) or Nobody()
    return SlackEdge(Desk(head, people, web, house_log()), Badges(people, settings.slack_team), link)
