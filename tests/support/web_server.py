"""A real web server on a free port, over a real store and the real front door; only Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import uvicorn

from bot.adapters.bundles.bags import write_bundle
from bot.adapters.chance import SystemChance
from bot.adapters.conditions import compile_condition
from bot.adapters.identity import SystemClock, UlidIds
from bot.adapters.keyring import Keyring
from bot.adapters.rq_queue import RqQueue
from bot.adapters.schedules import CronSchedules
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.signing import open_signing_key
from bot.adapters.sql import SqlStore, open_store
from bot.domain.bundles import Draft
from bot.domain.configuration import Configuration
from bot.domain.events import Actor, Role
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy
from bot.flow.bundle_desk import BundleDesk
from bot.flow.consequences import Consequences
from bot.flow.evidence_desk import EvidenceDesk
from bot.flow.intake import Intake
from bot.flow.observing import Observing
from bot.flow.orders import Orders
from bot.flow.release_moves import ReleaseMoves
from bot.flow.release_telling import ReleaseTeller
from bot.flow.telling import Teller
from bot.settings import Settings
from bot.web.server import configure
from handlers.alerts import load_sources
from handlers.meeting_notes import hear_notes

WEBHOOK_TOKEN = "hook-secret-of-the-tests"
TOKENS = {
    "viewer-secret-1": Actor("vera", Role.VIEWER),
    "operator-secret-1": Actor("olga", Role.OPERATOR),
    "operator-secret-2": Actor("otto", Role.OPERATOR),
    "admin-secret-1": Actor("ada", Role.ADMIN),
}
POLICY = {
    "service": "fraud-model",
    "summary": "Card fraud scores served to checkout",
    "match": 'alert.labels.service == "fraud-model"',
    "severity": {"SEV-1": 'alert.labels.severity == "critical"'},
    "roles": {"rollback_authority": ["olga", "otto"], "endorser": ["olga"]},
    "release": {"incumbent": "41", "candidate": "42"},
    "rollback": [
        {"name": "divergence", "when": 'alert.labels.alertname == "Divergence"', "playbook": "rollback_model"},
        {
            "name": "anything critical",
            "when": 'severity == "SEV-1"',
            "playbook": "rollback_model",
            "authority": "rollback_authority",
            "within": "30m",
        },
    ],
    "targets": {
        "production": {"deployer": "http://127.0.0.1:9", "allow_hosts": ["127.0.0.1"]},
        "staging": {"deployer": "http://127.0.0.1:9", "allow_hosts": ["127.0.0.1"]},
    },
}
STAGED = {
    "service": "ranker",
    "match": 'alert.labels.service == "ranker"',
    "release": {"incumbent": "7", "candidate": "8"},
    "stages": [{"name": "evaluation"}, {"name": "production"}],
    "targets": {"production": {"allow_hosts": ["127.0.0.1"]}},
}
SCORED = {
    "service": "scored-model",
    "match": 'alert.labels.service == "scored-model"',
    "release": {"incumbent": "7", "candidate": "8"},
    "canary": {"output": "classes", "tolerance": 0.02},
}
"""A service whose release is compared."""
PLAYBOOK = {
    "playbook": "rollback_model",
    "summary": "Put the incumbent back",
    "steps": [
        {
            "id": "restore",
            "use": "http_request",
            "with": {"method": "POST", "url": "{{ target.deployer }}/rollback"},
            "if_interrupted": "repeat",
        }
    ],
}


@dataclass
class FixedConfiguration:
    """A configuration that was validated like any other, from values instead of files."""

    current: Configuration

    def reload(self) -> Configuration:
        return self.current


@dataclass
class TestHead:
    """The parts of the App that the web process uses."""

    __test__ = False

    settings: Settings
    store: SqlStore
    queue: RqQueue
    clock: SystemClock
    ids: UlidIds
    configuration: FixedConfiguration
    sources: Any
    tokens: dict[str, Actor]
    webhook_token: str | None
    intake: Any
    evidence: EvidenceDesk
    moves: ReleaseMoves
    observing: Observing
    bundles: BundleDesk
    calls: list[int] = field(default_factory=list)


def configuration_of(*policies: dict[str, Any]) -> Configuration:
    """Policies and the playbook, compiled."""
    made = [Policy.model_validate(policy, context={"compile": compile_condition}) for policy in policies]
    playbook = Playbook.model_validate(PLAYBOOK)
    return Configuration({one.service: one for one in made}, {playbook.name: playbook})


def build_head(folder: Path, *, webhook_token: str | None = WEBHOOK_TOKEN, **env: str) -> TestHead:
    """Everything real but Redis, whose address nobody answers."""
    settings = Settings.from_environment({"ANDON_DATA": str(folder), "ANDON_PORT": "0", **env})
    store = open_store(settings.database, keys=Keyring(folder))
    store.upgrade()
    queue = RqQueue(f"unix://{folder}/nobody.sock")
    clock, ids = SystemClock(), UlidIds()
    configuration = FixedConfiguration(configuration_of(POLICY, STAGED, SCORED))
    teller = Teller(ids, settings.address)
    consequences = Consequences(ids, teller)
    moves = ReleaseMoves(ids, ReleaseTeller(ids, teller), compile_condition)

    def current() -> Configuration:
        return configuration.current

    sources = load_sources()
    orders = Orders(
        store=store,
        queue=queue,
        clock=clock,
        ids=ids,
        configuration=current,
        consequences=consequences,
        moves=moves,
        pinned_files=lambda _uses, _sources: {},
        checkable=frozenset(),
        hear=hear_notes,
        schedules=CronSchedules(),
        chance=SystemChance(),
        log=lambda _, **__: None,
    )
    intake = Intake(
        store=store,
        queue=queue,
        clock=clock,
        ids=ids,
        sources=sources,
        configuration=current,
        consequences=consequences,
        orders=orders,
        crash=lambda _: None,
        log=lambda _, **__: None,
    )
    evidence = EvidenceDesk(store, queue, clock, ids, current)
    observing = Observing(store=store, queue=queue, clock=clock, ids=ids, current=current)
    return TestHead(
        settings,
        store,
        queue,
        clock,
        ids,
        configuration,
        sources,
        dict(TOKENS),
        webhook_token,
        intake,
        evidence,
        moves,
        observing,
        _bundles(folder, store, clock),
    )


def _bundles(folder: Path, store: SqlStore, clock: SystemClock) -> BundleDesk:
    def write(draft: Draft, out: BinaryIO) -> None:
        write_bundle(draft, open_signing_key(folder, None), out)

    return BundleDesk(store=store, clock=clock, secrets=EnvironmentSecrets({}), own_secrets=str, write=write)


@dataclass
class WebServer:
    """A running server. `client()` follows no redirects and keeps cookies."""

    head: Any
    address: str
    port: int
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.address, headers=headers, timeout=20, trust_env=False)
        self.clients.append(made)
        return made

    def alert(self, client: httpx.Client | None = None, **labels: str) -> httpx.Response:
        """One alert of the protected service through the `generic` source."""
        labels = {"service": "fraud-model", "alertname": "Divergence", **labels}
        body = {"title": labels["alertname"], "labels": labels, "fingerprint": labels.get("fp", labels["alertname"])}
        return (client or self.client(WEBHOOK_TOKEN)).post("/webhooks/generic", json=body)


@contextmanager
def running(head: Any) -> Iterator[WebServer]:
    """The server in a thread of its own, as `serve` would run it."""
    server = uvicorn.Server(configure(head))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started, "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    web = WebServer(head, f"http://127.0.0.1:{port}", port)
    try:
        yield web
    finally:
        for client in web.clients:
            client.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Poll, with a deadline."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen in time")
