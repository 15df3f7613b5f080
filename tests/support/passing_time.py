"""An engine whose days go by when a test says so: its clock starts days ago, so the database finds all of it due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.domain.escalations import Escalation
from bot.domain.events import Actor, Command, Origin, Receipt, Role, Word
from bot.domain.records import Notice
from support.alert_bodies import firing
from support.driven_engine import DrivenEngine, MovableClock, builder
from support.engine import ACTORS
from support.ledger import running_ledger
from support.written_config import Tree

LONG_AGO = timedelta(days=30)
"""What a chore reads as due goes by the database's clock, which nobody can turn; what it does goes by the program's."""

MINUTE = timedelta(minutes=1)


@contextmanager
def passing(folder: Path, kind: str = "sqlite", **values: str) -> Iterator[DrivenEngine]:
    """Such an engine on an empty database."""
    with running_ledger(folder) as ledger, builder(folder, ledger, kind) as build:
        yield build(clock=MovableClock(-LONG_AGO), **values)


def member(name: str, *groups: str) -> Actor:
    """A full member of the workspace."""
    return Actor(name, Role.ANYONE, Origin.CHAT, groups=groups)


def said(engine: DrivenEngine, word: Word, subject: str, by: str | Actor = "olga", **details: Any) -> Receipt:
    """One order, by a token or in chat."""
    actor = ACTORS[by] if isinstance(by, str) else by
    reason = details.pop("reason", "")
    return engine.app.intake.order(Command(word, subject, actor, reason=reason, details=details))


def asking(*then: Any, expires: str = "60d", then_what: str = "hold") -> Tree:
    """Parts of a policy: a criterion that asks, and an escalation."""
    criterion = {
        "name": "divergence",
        "when": 'alert.labels.alertname == "Divergence"',
        "playbook": "by_key",
        "authority": "rollback_authority",
        "within": "100d",
        "approval": {"expires": expires, "then": then_what},
    }
    return {
        "rollback": [criterion],
        "escalation": list(then),
        "roles": {"rollback_authority": ["olga", "otto"], "endorser": ["olga"], "champion": ["U0CHAMP"]},
    }


def fire(engine: DrivenEngine, service: str) -> Receipt:
    """An alert that leads to a run."""
    receipt = engine.alert(firing(service))
    assert receipt.runs
    return receipt


def turn(engine: DrivenEngine, by: timedelta, *, ticks: timedelta | None = None) -> None:
    """Let time go by, with the clock at work all the while (`ticks` apart) or only at the end."""
    left = by
    while left > timedelta(0):
        step = min(left, ticks or by)
        engine.clock.turn(step)
        engine.app.sweep.wake()
        left -= step


def levels(engine: DrivenEngine, run_id: str) -> list[Escalation]:
    """The levels of a run's escalation."""
    with engine.app.store.read() as tx:
        return list(tx.escalations(run_id))


def told_to(notices: list[Notice]) -> list[str]:
    """The audiences of notices."""
    return [one.audience for one in notices]
