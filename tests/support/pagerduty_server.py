"""A PagerDuty that behaves: it keeps what was triggered, lets people acknowledge, and can be away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from support.scripted_server import Answer, Received, ScriptedServer

ROUTING_KEY = "routing-key-0123456789abcdef0123"
TOKEN = "rest-token-u+ABCDEFGHIJ"


class PagerDutyServer(ScriptedServer):
    """Events API v2 and the list of incidents, at one address."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, str] = {}
        """Status by dedup key, in the order in which they were triggered."""
        self.triggered: list[dict[str, object]] = []
        self.acknowledgers: dict[str, str] = {}
        self.looks = 0
        self.refuses: Answer | None = None

    @property
    def values(self) -> dict[str, str]:
        """Settings of an Andon that pages by it."""
        return {
            "ANDON_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
            "ANDON_PAGERDUTY_TOKEN": TOKEN,
            "ANDON_PAGERDUTY_EVENTS_URL": self.url,
            "ANDON_PAGERDUTY_API_URL": self.url,
        }

    def acknowledge(self, key: str, by: str) -> None:
        """Somebody who is on duty takes it."""
        assert self.pages[key] == "triggered"
        self.pages[key], self.acknowledgers[key] = "acknowledged", by

    def take(self, received: Received) -> Answer:
        """Answer as the documents say."""
        if self.refuses is not None:
            return self.refuses
        if received.method == "POST":
            return self._enqueued(json.loads(received.body))
        self.looks += 1
        key = parse_qs(urlsplit(received.path).query)["incident_key"][0]
        return Answer(200, {"incidents": [self._incident(key)] if key in self.pages else []})

    def _enqueued(self, event: dict[str, object]) -> Answer:
        key = str(event["dedup_key"])
        if event["event_action"] == "trigger":
            self.pages.setdefault(key, "triggered")
            self.triggered.append(event)
        elif key in self.pages:
            self.pages[key] = "resolved"
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _incident(self, key: str) -> dict[str, object]:
        by = self.acknowledgers.get(key)
        agent = {"type": "user_reference", "summary": by, "id": "PABC123"}
        taken = [{"at": "2026-11-20T12:00:00Z", "acknowledger": agent}] if by else []
        return {"id": "Q1ABC", "status": self.pages[key], "incident_key": key, "acknowledgements": taken}


@contextmanager
def pagerduty_server() -> Iterator[PagerDutyServer]:
    """One that runs, closed afterwards."""
    server = PagerDutyServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
