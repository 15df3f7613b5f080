"""The whole program in one process whose clock, database and workers a test drives: time goes by when it says so."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app import App, build_app
from bot.domain.decisions import Decision
from bot.domain.events import Delivery, Receipt
from bot.domain.incidents import Incident
from bot.domain.records import Notice
from bot.domain.runs import Lease, Run, RunEvent, RunStatus, WaitingFor
from bot.domain.step_states import StepStatus
from bot.flow.consequences import Consequences
from bot.flow.moving import next_move
from bot.flow.planning import Cause
from bot.flow.situation import Situation
from bot.flow.telling import Teller
from bot.settings import Settings
from support.databases import database
from support.engine import Engine
from support.installation import environment, until
from support.ledger import Ledger
from support.written_config import WAYS, Tree, policy, write_config

AWAY = "unix:///nonexistent/redis.sock"
"""A Redis that is away: whatever is done here is done because SQL says so."""


@dataclass
class MovableClock:
    """The host's clock, and as much later or earlier as a test wants it; leases go by the host's clock all the same."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Never moved."""
        return time.monotonic()

    def turn(self, by: timedelta) -> None:
        """From now on it is so much later."""
        self.offset += by


@dataclass
class DrivenEngine(Engine):
    """An engine with its clock, and with eyes for values that the API does not show."""

    clock: MovableClock
    settings: Settings
    closing: ExitStack = field(default_factory=ExitStack)

    def twin(self, **values: Any) -> DrivenEngine:
        """Another process on the same database and configuration, as far as one process can be two."""
        settings = self.settings.model_copy(update=values)
        app = self.closing.enter_context(_built(settings, self.clock))
        return replace(self, app=app, settings=settings)

    def generic(self, **body: Any) -> Receipt:
        """One delivery in the house's own words."""
        return self.deliver(json.dumps(body).encode(), "generic")

    def accept(self, *bodies: Any, source: str = "alertmanager") -> list[Receipt]:
        """Several deliveries in one commit."""
        return self.app.intake.accept([Delivery(source, json.dumps(body).encode()) for body in bodies])

    def drive(self, run_id: str, *, seconds: float = 20.0) -> Run:
        """Move a run on, its waits for a time included (the clock is turned), until it ends or waits for a person."""

        def look() -> Run | None:
            self.app.runner.advance(run_id)
            self.app.sweep.wake()
            run = self.found(run_id)
            if run.is_ended or run.status is RunStatus.NEEDS_HUMAN or run.waiting_for is WaitingFor.APPROVAL:
                return run
            if run.wake_at is not None and run.wake_at > self.clock.now():
                self.clock.turn(run.wake_at - self.clock.now())
            return None

        return until(f"run {run_id} ends or waits for a person", look, seconds=seconds, every=0.01)

    def found(self, run_id: str) -> Run:
        """A run as it is stored."""
        with self.app.store.read() as tx:
            run = tx.run(run_id)
        assert run is not None
        return run

    def stored_incident(self, incident_id: str) -> Incident:
        """An incident as it is stored."""
        with self.app.store.read() as tx:
            incident = tx.incident(incident_id)
        assert incident is not None
        return incident

    def decisions(self, receipt: Receipt) -> list[Decision]:
        """What was decided about an event, oldest first."""
        with self.app.store.read() as tx:
            return list(tx.decisions(event_id=receipt.event_id))

    def verdicts(self, receipt: Receipt) -> list[str]:
        """The verdicts about an event."""
        return [str(one.verdict) for one in self.decisions(receipt)]

    def notices(self, incident_id: str, name: str) -> list[Notice]:
        """The notices of this name, oldest first."""
        with self.app.store.read() as tx:
            return [one for one in tx.notices(incident_id=incident_id) if one.name == name]

    def runs(self, service: str) -> list[Run]:
        """All runs of a service, oldest first."""
        with self.app.store.read() as tx:
            return list(reversed(tx.runs(limit=1000, service=service)))

    def incidents(self, service: str) -> list[Incident]:
        """All incidents of a service, oldest first."""
        with self.app.store.read() as tx:
            return list(reversed(tx.incidents(limit=1000, service=service)))

    def start(self, service: str, playbook: str, *, environment: str = "production", event: str) -> Run:
        """Plan a run as a passed stage would: no alert and no order may start a playbook that promotes."""
        current = self.app.configuration.current
        made = Consequences(self.app.ids, Teller(self.app.ids, "http://andon.example"))
        with self.app.store.write() as tx:
            situation = Situation(tx, tx.standing([service]), self.clock.now(), self.app.ids)
            owner = current.policy(service)
            situation.ensure_release(owner)
            place = (service, environment)
            incident = situation.incidents[place]
            cause = Cause(event_id=event, within=timedelta(minutes=5))
            run = made.start(situation, owner, current, incident, playbook, cause)
            situation.write_back()
        return run

    def abandon(self, run_id: str, *, lasts: timedelta = timedelta(seconds=0.2)) -> Lease:
        """What a worker leaves behind that died between its intent and its outcome; returns when its lease is over."""
        with self.app.store.write() as tx:
            run = tx.run(run_id)
            assert run is not None
            lease = tx.claim(run, "a-worker-that-died", lasts)
            assert lease is not None
            claimed = run.moved(RunEvent.CLAIM, self.clock.now())
            move = next_move(claimed, tx.approvals(run_id), self.app.workshop, self.clock.now(), stopping=False)
            tx.save_run(run, move.run)
        assert move.step is not None
        assert move.step.status is StepStatus.STARTED
        self.lease_over(run_id)
        return lease

    def lease_over(self, run_id: str) -> None:
        """Wait until nobody holds the run."""

        def is_free() -> bool:
            with self.app.store.read() as tx:
                return tx.lease(run_id) is None

        until("the lease is over", is_free, every=0.02)


_numbers = itertools.count(1)


def fresh_name(prefix: str = "service") -> str:
    """A name that no other test of this process uses, so that a ledger counts each test on its own."""
    return f"{prefix}-{next(_numbers)}"


Build = Callable[..., DrivenEngine]
"""`build(*playbooks, policies=…, clock=…, secrets=…, **settings)`: an engine over a database of its own."""


@contextmanager
def builder(folder: Path, ledger: Ledger, kind: str = "sqlite") -> Iterator[Build]:
    """Builds engines on empty databases of this kind and closes them; the ledger behaves well again afterwards."""
    with ExitStack() as closing:
        closing.callback(ledger.control, fault=None, dedup=True, fences=False)

        def build(
            *playbooks: Tree,
            policies: Iterable[Tree] = (),
            clock: MovableClock | None = None,
            secrets: dict[str, str] | None = None,
            **values: str,
        ) -> DrivenEngine:
            config = write_config(folder / "config", [], [*WAYS.values(), *playbooks], secrets)
            write_config(config, [policy("unrelated", ledger.url), *policies], ())
            address = closing.enter_context(database(kind, folder, is_ready=True))
            env = environment(
                ANDON_CONFIG=str(config),
                ANDON_DATA=str(folder / "var"),
                ANDON_DATABASE_URL=address,
                ANDON_REDIS_URL=AWAY,
                **values,
            )
            settings, clock = Settings.from_environment(env), clock or MovableClock()
            app = closing.enter_context(_built(settings, clock))
            app.store.upgrade()
            return DrivenEngine(app, ledger, config, clock, settings, closing)

        yield build


@contextmanager
def _built(settings: Settings, clock: MovableClock) -> Iterator[App]:
    app = build_app(settings, clock=clock)
    try:
        yield app
    finally:
        app.close()


def in_background(do: Callable[[], object]) -> threading.Thread:
    """Do it in a thread of its own."""
    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    return thread
