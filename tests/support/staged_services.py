"""Services whose releases walk through stages, on the whole program with its web server, for tests of what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.domain.events import Word
from support.engine import ACTORS, Engine, running_engine
from support.installation import SECRETS, TOKENS
from support.web_server import WebServer, running
from support.written_config import acting, playbook

VIEWER = "viewer-secret-of-vera"
TOKEN = {**SECRETS, "vera": VIEWER}
"""The secret of each person's API token."""

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9, "max_drop": 0.02}
READY = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}, {"name": "alarms", "role": "champion"}]}
STAGES = (
    {"name": "evaluation", "summary": "How good is it?", "gates": [F1], "owner": "champion"},
    {"name": "staging", "gates": [READY]},
    {"name": "production", "do": "shift_it"},
    {"name": "watch", "window": "1h"},
)
GOOD = {
    "metrics": {"f1": {"value": 0.95, "low": 0.94, "high": 0.96, "n": 2000}},
    "incumbent": {"metrics": {"f1": 0.95}},
}
BAD = {"metrics": {"f1": 0.71}, "incumbent": {"metrics": {"f1": 0.95}}}
ROLES = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]}


@dataclass
class StagedWorld:
    """The program, its web server, and the engine that does what is due."""

    engine: Engine
    web: WebServer

    def protect(self, service: str, **more: Any) -> str:
        """A service with four stages, of which no version was released yet."""
        settings: dict[str, Any] = {"stages": list(STAGES), "roles": ROLES, "baseline": "41", "release": None, **more}
        self.engine.protect(service, SHIFT, **{key: one for key, one in settings.items() if one is not None})
        return service

    def started(self, service: str, candidate: str = "42", **more: Any) -> str:
        """The id of a new release."""
        receipt = self.engine.order(Word.RELEASE_START, service, candidate=candidate, **more)
        assert not receipt.refused, receipt.message
        self.engine.work()
        return receipt.records[0]

    def api(self, who: str | None = "olga") -> httpx.Client:
        """The API as one person uses it."""
        return self.web.client(TOKEN[who] if who else None)

    def page(self, who: str = "olga") -> httpx.Client:
        """A browser of somebody who is logged in."""
        client = self.web.client()
        assert client.post("/login", data={"token": TOKEN[who], "next": "/"}).status_code == 303
        return client

    def push(self, release: str, document: Any, name: str = "evaluation", **more: str) -> httpx.Response:
        """JSON evidence, over the API; then the gates look."""
        url = f"/api/v1/releases/{release}/evidence"
        headers = {"content-type": "application/json"}
        sent = self.api().post(url, params={"name": name, **more}, content=json.dumps(document), headers=headers)
        self.engine.work()
        return sent

    def sign(self, release: str, *items: str) -> None:
        """Items of the checklist, by olga."""
        for item in items:
            assert not self.engine.order(Word.SIGN, release, item=item).refused
        self.engine.work()

    def promote(self, release: str) -> None:
        """Ask to go on, and let the gates decide."""
        assert not self.engine.order(Word.PROMOTE, release).refused
        self.engine.work()


@contextmanager
def running_world(folder: Path) -> Iterator[StagedWorld]:
    """Everything real but Redis."""
    assert set(ACTORS) >= set(TOKEN)
    with running_engine(folder, ANDON_API_TOKENS=TOKENS, ANDON_PORT="0") as engine, running(engine.app) as web:
        yield StagedWorld(engine, web)
