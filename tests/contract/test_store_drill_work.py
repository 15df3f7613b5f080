"""Which drills a worker is to take now: those that are due to start, and those that something is due for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.adapters.sql import SqlStore
from bot.domain.drills import Drill, DrillState


def test_a_drill_is_taken_from_its_start_on_and_whenever_something_is_due_for_it(store: SqlStore) -> None:
    now = store.now()
    past, soon = now - timedelta(minutes=1), now + timedelta(minutes=5)
    base = Drill(
        id="", claim="", service="", environment="staging", playbook="back", schedule="", slot=past, due_at=past,
        objective_seconds=300.0, wake_at=past,
    )  # fmt: skip
    cases = {
        "due": base,
        "reminder": replace(base, due_at=soon),
        "running": replace(base, state=DrillState.RESTORING),
        "waiting": replace(base, state=DrillState.CLEANING, wake_at=soon),
        "ended": replace(base, state=DrillState.PASSED, wake_at=None),
    }
    with store.write() as tx:
        for name, drill in cases.items():
            tx.add(replace(drill, id=f"drl-{name}", claim=name, service=name))
    with store.read() as tx:
        assert set(tx.drills_to_advance()) == {"drl-due", "drl-running"}
        running = tx.running_drill("waiting", "staging")
        assert running is not None
        assert running.id == "drl-waiting"
