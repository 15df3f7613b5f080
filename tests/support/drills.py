"""Services whose way back is rehearsed in staging: one ledger is production, another is staging."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain.drills import Drill, DrillState
from bot.domain.policies import DrillRule
from support.driven_engine import DrivenEngine, builder
from support.ledger import Ledger, running_ledger
from support.written_config import Tree, playbook, policy, write_config

MODEL = "{{ target.ledger }}/models/{{ service }}"


def serve(version: str) -> Tree:
    """The action that puts a version live."""
    return {
        "use": "http_request",
        "with": {"method": "POST", "url": f"{MODEL}/rollback", "json": {"to": version}},
    }


def served(version: str, **waits: str) -> Tree:
    """The parameters of a wait that holds once a version serves."""
    return {"url": MODEL, "expect": {"status": 200, "condition": f'body.serving == "{version}"'}, **waits}


RESTORE = {"id": "restore", **serve("{{ release.incumbent }}"), "timeout": "8s", "if_interrupted": "repeat", "tries": 3}
PROVE = {"id": "prove", "use": "wait_for_http", "with": served("{{ release.incumbent }}", timeout="5s", every="200ms")}
BACK = playbook("back", RESTORE, PROVE)
"""Puts the incumbent back and proves that it serves."""
UNPROVEN = playbook("unproven", RESTORE)
BY_HAND = playbook("by_hand", {**RESTORE, "if_interrupted": "ask"}, PROVE)
"""An interruption of the step that restores leaves a question."""
BREAK = {"id": "break", **serve("42"), "undo": serve("41"), "timeout": "8s", "if_interrupted": "repeat"}
"""The stated failure: the candidate serves."""
ALERT = {"alertname": "Divergence"}


def rehearsed(service: str, production: str, staging: str, **more: Any) -> Tree:
    """A policy with both environments and one drill on demand; `drill` changes its entry."""
    entry = {"playbook": "back", "environment": "staging", "inject": [BREAK], "alert": ALERT, **more.pop("drill", {})}
    return policy(
        service,
        production,
        playbook=more.pop("playbook", "back"),
        **{
            "targets": {
                "production": {"ledger": production, "allow_hosts": [production.removeprefix("http://")]},
                "staging": {"ledger": staging, "allow_hosts": [staging.removeprefix("http://")]},
            },
            "drills": [entry],
            "roles": {"rollback_authority": ["olga", "otto"], "endorser": ["olga"], "champion": ["otto"]},
            "audiences": {"engineering": {}, "product": {}, "executive": {}, "support": {}},
            **more,
        },
    )


@dataclass
class Rehearsals:
    """An engine with two ledgers, and a way to have something rehearsed now."""

    engine: DrivenEngine
    staging: Ledger

    @property
    def production(self) -> Ledger:
        """Where nothing may arrive."""
        return self.engine.ledger

    def protect(self, service: str, *playbooks: Tree, **more: Any) -> Tree:
        """Bring its policy into force; its model serves the incumbent in staging."""
        self.staging.control(models={service: {"serving": "41", "versions": ["41", "42"]}})
        self.production.control(models={service: {"serving": "42", "versions": ["41", "42"]}})
        made = rehearsed(service, self.production.url, self.staging.url, **more)
        write_config(self.engine.config, [made], playbooks)
        self.engine.app.configuration.reload()
        return made

    def plan(self, service: str, **more: Any) -> Drill:
        """A row as a clock or an order makes it, due now."""
        policy = self.engine.app.configuration.current.policies[service]
        rule = more.pop("rule", None) or next(iter(policy.drills), DrillRule(playbook="back"))
        drill_id, now = self.engine.app.ids.new("drl"), more.pop("now", self.engine.clock.now())
        drill = Drill(
            id=drill_id,
            claim=f"asked:{drill_id}",
            service=service,
            environment=rule.environment,
            playbook=rule.playbook,
            schedule="",
            slot=now,
            due_at=now,
            wake_at=now,
            objective_seconds=rule.objective.total_seconds(),
            rule=rule.as_json(),
        )
        drill = replace(drill, **more)
        with self.engine.app.store.write() as tx:
            tx.add(drill)
        return drill

    def found(self, drill_id: str) -> Drill:
        """The row as it is now."""
        with self.engine.app.store.read() as tx:
            drill = tx.drill(drill_id)
        assert drill is not None
        return drill

    def carry_out(self, drill: Drill, *, until: DrillState | None = None, moves: int = 400) -> Drill:
        """Move it and its runs on, waits included (the clock is turned), until it ends, or is in this state."""
        engine = self.engine
        for _ in range(moves):
            engine.app.drilling.advance(drill.id)
            now = self.found(drill.id)
            if now.is_ended or now.state is until:
                return now
            with engine.app.store.read() as tx:
                run = tx.active_runs((drill.service,)).get((drill.service, drill.environment))
            wakes = [now.wake_at]
            if run is not None:
                engine.app.runner.advance(run.id)
                run = engine.found(run.id)
                wakes = [run.wake_at or now.wake_at] if not run.is_ended else []
            later = min((one for one in wakes if one is not None), default=None)
            if later is not None and later > engine.clock.now() and _is_stuck(run):
                engine.clock.turn(later - engine.clock.now())
        raise AssertionError(f"drill {drill.id} is {self.found(drill.id)} still")


def _is_stuck(run: Any) -> bool:
    return run is None or run.wake_at is not None or run.status in ("needs_human", "waiting")


@contextmanager
def rehearsals(folder: Path, kind: str = "sqlite", **values: str) -> Iterator[Rehearsals]:
    """Everything, on a database of this kind."""
    (folder / "staging").mkdir()
    with (
        running_ledger(folder) as production,
        running_ledger(folder / "staging") as staging,
        builder(folder, production, kind) as build,
    ):
        unrelated = policy("unrelated", production.url)
        unrelated["targets"]["production"]["allow_hosts"] = [production.host]
        engine = build(BACK, UNPROVEN, BY_HAND, policies=[unrelated], **values)
        yield Rehearsals(engine, staging)


def seconds(first: datetime | None, second: datetime | None) -> timedelta:
    """Between two moments that are both known."""
    assert first is not None
    assert second is not None
    return second - first
