"""The whole program in one process, over a real SQLite file and a real deployer; only Redis is away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import App, build_app
from bot.domain.events import Actor, Command, Delivery, Receipt, Role, Word
from bot.flow.run_views import run_view
from bot.flow.views import incident_view, service_view
from bot.ports import JobName, Lane
from bot.settings import Settings
from support.alert_bodies import group
from support.installation import environment, until
from support.ledger import Ledger, running_ledger
from support.written_config import WAYS, Tree, policy, write_config

ACTORS = {
    "ada": Actor("ada", Role.ADMIN),
    "olga": Actor("olga", Role.OPERATOR),
    "otto": Actor("otto", Role.OPERATOR),
    "nina": Actor("nina", Role.OPERATOR),
    "vera": Actor("vera", Role.VIEWER),
}
"""`olga` and `otto` hold the rollback authority in the policies of tests; `nina` holds no role."""


@dataclass
class Engine:
    """Alerts and orders go in, work is done when the test says so."""

    app: App
    ledger: Ledger
    config: Path

    def protect(self, service: str, *playbooks: Tree, **more: Any) -> Tree:
        """Write a policy (and playbooks), and bring it into force."""
        made = policy(service, more.pop("ledger", self.ledger.url), **more)
        write_config(self.config, [made], playbooks)
        self.app.configuration.reload()
        return made

    def alert(self, *alerts: dict[str, Any]) -> Receipt:
        """One delivery by Alertmanager."""
        return self.deliver(json.dumps(group(*alerts)).encode())

    def deliver(self, raw: bytes, source: str = "alertmanager") -> Receipt:
        """One authentic delivery, whatever it holds."""
        return self.app.intake.accept([Delivery(source, raw, {"content-type": "application/json"})])[0]

    def order(
        self, word: Word, subject: str, *, by: str = "olga", reason: str = "for a reason", **more: Any
    ) -> Receipt:
        """One order by a person."""
        place = more.pop("environment", None)
        return self.app.intake.order(Command(word, subject, ACTORS[by], reason=reason, environment=place, details=more))

    def work(self) -> None:
        """Do all that is due, until nothing is."""
        while bells := [bell for lane in Lane for bell in self.app.due.of(lane)]:
            for bell in bells:
                self._calls[bell.job](bell.id)

    @property
    def _calls(self) -> Mapping[JobName, Callable[[str], object]]:
        app = self.app
        return {
            JobName.ADVANCE_RUN: app.runner.advance,
            JobName.SEND_NOTICE: app.notices.send,
            JobName.JUDGE_RELEASE: app.judge.judge,
            JobName.FOLD_CANARY: app.folder.fold,
            JobName.ADVANCE_DRILL: app.drilling.advance,
        }

    def work_until(self, run_id: str, *statuses: str, seconds: float = 20.0) -> dict[str, Any]:
        """Go on working, waits included, until the run is in one of these states."""

        def look() -> dict[str, Any] | None:
            self.work()
            run = self.run(run_id)
            return run if run["status"] in statuses else None

        return until(f"run {run_id} is {' or '.join(statuses)}", look, seconds=seconds)

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as the API shows it."""
        with self.app.store.read() as tx:
            run = tx.run(run_id)
            assert run is not None
            return dict(run_view(tx, run))

    def step(self, run_id: str, step_id: str) -> dict[str, Any]:
        """One step of a run."""
        return dict(next(step for step in self.run(run_id)["steps"] if step["id"] == step_id))

    def incident(self, incident_id: str) -> dict[str, Any]:
        """An incident as the API shows it."""
        with self.app.store.read() as tx:
            incident = tx.incident(incident_id)
            assert incident is not None
            return dict(incident_view(tx, incident, self.app.clock.now()))

    def service(self, name: str) -> dict[str, Any]:
        """A service as the API shows it."""
        with self.app.store.read() as tx:
            known = self.app.configuration.current.policies.get(name)
            return dict(service_view(tx, name, known, self.app.clock.now()))

    def lines(self, incident_id: str) -> list[str]:
        """The texts of an incident's timeline."""
        return [line["text"] for line in self.incident(incident_id)["timeline"]]

    def told(self, incident_id: str) -> list[str]:
        """The names of an incident's notices, oldest first."""
        return [notice["name"] for notice in self.incident(incident_id)["notices"]]

    def audit(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Action, subject and data of every audit row."""
        with self.app.store.read() as tx:
            return [(row.action, row.subject, row.data) for _, row in tx.audit_entries(limit=10_000)]


@contextmanager
def running_engine(folder: Path, **values: str) -> Iterator[Engine]:
    """The program on an empty database, with the playbooks that act in each way."""
    with running_ledger(folder) as ledger:
        config = write_config(folder / "config", [], WAYS.values())
        env = environment(ANDON_DATA=str(folder / "var"), ANDON_CONFIG=str(config), **values)
        write_config(config, [policy("unrelated", ledger.url)])
        app = build_app(Settings.from_environment(env))
        app.store.upgrade()
        try:
            yield Engine(app, ledger, config)
        finally:
            app.close()
