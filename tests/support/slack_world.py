"""A real web server with a real store, and a Slack that behaves: people in it give orders and see the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.minutes import Minute
from bot.flow.views import incident_view, service_view
from support.fake_slack import FakeSlack, Message, fake_slack
from support.web_server import POLICY, TestHead, WebServer, build_head, configuration_of, running, wait_until

FRAUD = {
    **POLICY,
    "roles": {"rollback_authority": ["U0RAJ", "S0ONCALL"], "endorser": ["U0RAJ"], "champion": ["U0MIA"]},
    "persons": {"ida": ["U0IDA", "token-ida"]},
    "audiences": {"engineering": {"slack": "C0MLREL"}, "product": {"slack": "C0PROD"}},
}
CHURN = {
    **POLICY,
    "service": "churn-model",
    "match": 'alert.labels.service == "churn-model"',
    "roles": {"rollback_authority": ["U0LEO"], "halt": ["U0LEO"]},
    "audiences": {"engineering": {"slack": "C0SECRET"}},
}


@dataclass(repr=False)
class SlackWorld:
    """Slack on one side, Andon on the other."""

    slack: FakeSlack
    web: WebServer
    head: TestHead

    def __repr__(self) -> str:
        return "SlackWorld()"

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """All there are, newest first, as the API shows them."""
        with self.head.store.read() as tx:
            return [dict(incident_view(tx, one, self.head.clock.now())) for one in tx.incidents(limit=100)]

    def service(self, name: str = "fraud-model") -> dict[str, Any]:
        """A service as the API shows it."""
        with self.head.store.read() as tx:
            known = self.head.configuration.current.policies.get(name)
            return dict(service_view(tx, name, known, self.head.clock.now()))

    def audit(self) -> list[tuple[str, str]]:
        """Action and subject of every audit row."""
        with self.head.store.read() as tx:
            return [(row.action, row.subject) for _, row in tx.audit_entries(limit=10_000)]

    def refused(self) -> list[str]:
        """The words of the orders that were refused, oldest first."""
        return [action.removeprefix("refused.") for action, _ in self.audit() if action.startswith("refused.")]

    def said(self, user: str, text: str, *, channel: str = "C0MLREL", word: str = "/andon") -> str:
        """What somebody is answered to a word of theirs, all of it as text."""
        answer = self.slack.command(word, text, user=user, channel=channel)
        assert answer.status == 200
        return json.dumps(answer.json, ensure_ascii=False)

    def halt(self, user: str = "U0IDA") -> str:
        """An incident, opened by a halt of fraud-model; its id."""
        assert self.slack.command("/halt-release", "fraud-model F1 is down", user=user).status == 200
        return str(self.incidents[0]["id"])

    def minutes(self) -> list[Minute]:
        """What was recorded at the newest incident, oldest first."""
        with self.head.store.read() as tx:
            return list(tx.minutes(self.incidents[0]["id"]))

    def told(self, user: str, part: str) -> str:
        """What only this person was shown and has this in it; waits for it."""

        def look() -> list[str]:
            seen = [one for one in self.slack.ephemerals if one.seen_by == user]
            said = [json.dumps([one.text, one.blocks], ensure_ascii=False) for one in seen]
            return [one for one in said if part in one]

        return str(self.soon(look)[-1])

    def soon(self, condition: Any) -> Any:
        """What the condition gives, once it gives something."""
        found: list[Any] = []
        wait_until(lambda: bool(found.append(condition()) or found[-1]))
        return found[-1]

    def answered(self, user: str) -> Message:
        """The newest message that only this person sees; waits for one."""
        return self.soon(lambda: [one for one in self.slack.ephemerals if one.seen_by == user])[-1]


@contextmanager
def slack_world(folder: Path, *policies: dict[str, Any], **env: str) -> Iterator[SlackWorld]:
    """Everything real but Slack and Redis."""
    with fake_slack() as slack:
        head = build_head(
            folder,
            ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
            ANDON_SLACK_SIGNING_SECRET=env.pop("ANDON_SLACK_SIGNING_SECRET", slack.workspace.signing_secret),
            ANDON_SLACK_API_URL=slack.api_url,
            **env,
        )
        head.configuration.current = configuration_of(*(policies or (FRAUD, CHURN)))
        try:
            with running(head) as web:
                slack.request_url = f"{web.address}/slack/events"
                # What is loaded on need is loaded now: a trigger lives for three seconds, on a busy machine too.
                assert slack.command("/andon", "status", user="U0LEO").status == 200
                slack.state.calls.clear()
                slack.state.ephemerals.clear()
                yield SlackWorld(slack, web, head)
        finally:
            head.store.close()
