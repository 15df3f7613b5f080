"""What the store promises about drills: one for each claim, what is planned and due, the latest of a schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from support.crowds import at_once

from bot.adapters.sql import SqlStore
from bot.domain.drills import Drill, DrillEvent, DrillState

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
_numbers = count(1)


def drill(slot: datetime = NOW - HOUR, **more: Any) -> Drill:
    number = next(_numbers)
    made = Drill(
        id=f"drl-{number:04}", claim=f"s@{number}", service="fraud-model", environment="staging", playbook="back",
        schedule="s", slot=slot, due_at=slot, objective_seconds=300.0, wake_at=slot, rule={"playbook": "back"},
    )  # fmt: skip
    return replace(made, **more)


def test_a_drill_comes_back_as_it_was_planned(store: SqlStore) -> None:
    made = drill(
        slot=NOW.replace(microsecond=1), surprise=True, reminded=("1d", "1h"), requested_by="olga", actor="ötto",
        rule={"playbook": "back", "alert": {"a": "ä"}}, why="x", human=False, objective_seconds=0.5,
    )  # fmt: skip
    with store.write() as tx:
        assert tx.plan_drill(made)
    with store.read() as tx:
        assert tx.drill(made.id) == made
        assert tx.drill("drl-none") is None


def test_a_claim_is_taken_once_by_whoever_comes_first(store: SqlStore) -> None:
    twins = [drill(claim="the same") for _ in range(6)]

    def plan(one: Drill) -> bool:
        with store.write() as tx:
            return tx.plan_drill(one)

    won = at_once([lambda one=one: plan(one) for one in twins])  # type: ignore[misc]
    assert sorted(won) == [False] * 5 + [True]
    with store.read() as tx:
        (kept,) = tx.drills(limit=10)
    assert kept.id == twins[won.index(True)].id


def test_planned_drills_are_those_that_nobody_started_the_first_to_start_first(store: SqlStore) -> None:
    later, sooner = drill(NOW + 2 * HOUR), drill(NOW + HOUR, service="other")
    moved = drill(NOW - HOUR, due_at=NOW + 3 * HOUR)
    started = drill(NOW - 2 * HOUR).moved(DrillEvent.START, NOW)
    skipped = drill(NOW + HOUR).moved(DrillEvent.SKIP, NOW, why="x")
    with store.write() as tx:
        tx.add(later, moved, started, skipped, sooner)
    with store.read() as tx:
        assert [one.id for one in tx.planned_drills()] == [sooner.id, later.id, moved.id]


def test_the_latest_drill_of_a_schedule_is_that_of_its_latest_slot_planned_last(store: SqlStore) -> None:
    first, second = drill(NOW, schedule="a/*5 * * * *"), drill(NOW + HOUR, schedule="a/*5 * * * *")
    withdrawn = second.moved(DrillEvent.WITHDRAW, NOW)
    again = drill(NOW + HOUR, schedule="a/*5 * * * *")
    other = drill(NOW + 5 * HOUR, schedule="b")
    with store.write() as tx:
        assert tx.latest_drill("a/*5 * * * *") is None
        tx.add(withdrawn, first, other)
        assert tx.latest_drill("a/*5 * * * *") == withdrawn
        tx.add(again)
    with store.read() as tx:
        assert tx.latest_drill("a/*5 * * * *") == again
        assert tx.last_slot("a/*5 * * * *") == again.slot


def test_drills_are_due_by_the_clock_of_the_database_until_they_end(store: SqlStore) -> None:
    late, later = drill(wake_at=NOW - 2 * HOUR), drill(wake_at=NOW - HOUR)
    to_come = drill(NOW + HOUR)
    with store.write() as tx:
        tx.add(later, to_come, late, drill(state=DrillState.MISSED, wake_at=None))
        assert tx.drills_due() == [late.id, later.id]
        assert tx.next_told() == late.wake_at


def test_drills_are_listed_newest_first_by_service_and_state_after_a_cursor(store: SqlStore) -> None:
    made = [drill(), drill(state=DrillState.PASSED, wake_at=None), drill(service="other"), drill()]
    with store.write() as tx:
        tx.add(*made)
    ids = [one.id for one in made]
    with store.read() as tx:
        assert [one.id for one in tx.drills(limit=3)] == ids[:0:-1]
        assert [one.id for one in tx.drills(limit=3, before=ids[1])] == [ids[0]]
        assert [one.id for one in tx.drills(limit=9, service="fraud-model")] == [ids[3], ids[1], ids[0]]
        assert [one.id for one in tx.drills(limit=9, states={DrillState.PASSED, DrillState.FAILED})] == [ids[1]]
