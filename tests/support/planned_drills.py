"""What tests of planned drills need: policies with schedules, what is stored, and somebody who starts what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.records import Notice
from support.driven_engine import DrivenEngine, fresh_name
from support.written_config import Tree

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROLES = {"rollback_authority": ["olga", "otto"], "endorser": ["olga"], "champion": ["U0CHAMP"]}


def rule(**more: Any) -> Tree:
    """One drill of a policy: hourly, unless said otherwise."""
    return {"playbook": "by_key", "environment": "staging", "cron": "0 * * * *", **more}


def rehearsing(engine: DrivenEngine, *rules: Tree, service: str = "", **more: Any) -> str:
    """Bring a policy with these drills into force; the service."""
    name = service or fresh_name()
    targets = {
        "production": {"ledger": "http://production.invalid", "allow_hosts": ["production.invalid"]},
        "staging": {"ledger": engine.ledger.url, "allow_hosts": [engine.ledger.host]},
    }
    engine.protect(name, **{"targets": targets, "roles": ROLES, "drills": list(rules), **more})
    return name


def drills(engine: DrivenEngine, service: str, *states: DrillState) -> list[Drill]:
    """By slot, those of these states."""
    with engine.app.store.read() as tx:
        found = tx.drills(limit=10_000, service=service, states=states)
    return sorted(found, key=lambda one: (one.slot, one.id))


def slots(found: Sequence[Drill]) -> list[datetime]:
    """Their slots."""
    return [one.slot for one in found]


def told(engine: DrivenEngine, name: str, service: str) -> list[Notice]:
    """Notices of this name about drills of a service, oldest first."""
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=100_000) if one.name == name and one.service == service]


def carry_out(engine: DrivenEngine, drill: Drill, end: DrillEvent = DrillEvent.PASS) -> None:
    """What becomes of a drill in the hands of a worker, as far as its schedule is concerned."""
    now = engine.clock.now()
    started = drill.moved(DrillEvent.START, now)
    with engine.app.store.write() as tx:
        tx.save(started.moved(DrillEvent.CLEAN, now).moved(end, now))


def tick(engine: DrivenEngine, by: timedelta = timedelta(0)) -> None:
    """Let time go by, then the clock has its turn."""
    engine.clock.turn(by)
    engine.app.sweep.wake()


def to_full_hour(engine: DrivenEngine, minutes: float = 30) -> None:
    """Turn the clock to so many minutes past a full hour."""
    now = engine.clock.now()
    wanted = now.replace(minute=0, second=0, microsecond=0) + HOUR + timedelta(minutes=minutes)
    engine.clock.turn(wanted - now)
