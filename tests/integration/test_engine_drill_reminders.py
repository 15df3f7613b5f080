"""A drill that was missed, failed or aborted, or is overdue, reminds whoever answers for it until one passes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.drill_records import drill
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import passing, told_to, turn

from bot.domain.drills import Drill, DrillState
from bot.domain.records import Notice

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKLY = {"playbook": "by_key", "environment": "staging", "cron": "0 10 * * 2"}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("drills"), request.param) as engine:
        yield engine


def practised(engine: DrivenEngine, *drills: dict[str, Any], champion: bool = True) -> str:
    """A service whose policy wants drills; its name."""
    service = fresh_name()
    staging = {"ledger": engine.ledger.url, "allow_hosts": ["127.0.0.1"]}
    production = {"ledger": "https://deploy.example.com", "allow_hosts": ["deploy.example.com"]}
    roles = {"rollback_authority": ["olga"], **({"champion": ["U0CHAMP"]} if champion else {})}
    engine.protect(
        service, roles=roles, drills=list(drills or [WEEKLY]), targets={"production": production, "staging": staging}
    )
    return service


def ended(engine: DrivenEngine, service: str, state: DrillState = DrillState.PASSED, **changes: Any) -> Drill:
    """A drill that ended just now."""
    now = engine.clock.now()
    made = drill(now, service=service, playbook="by_key", state=state, **changes)
    planned = drill(
        None, service=service, playbook="by_key", state=DrillState.PLANNED, slot=now + 6 * DAY, due_at=now + 6 * DAY
    )
    with engine.app.store.write() as tx:
        tx.add(made, planned)
    return made


def reminders(engine: DrivenEngine, service: str) -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=10_000) if (one.name, one.service) == ("drill_overdue", service)]


@pytest.mark.parametrize("state", [DrillState.FAILED, DrillState.ABORTED, DrillState.MISSED])
def test_a_drill_that_went_wrong_is_told_once_and_then_each_week_until_one_passes(
    engine: DrivenEngine, state: DrillState
) -> None:
    service = practised(engine)
    wrong = ended(engine, service, state, injected_at=None, verified_at=None, why="the <incumbent> did not answer")
    turn(engine, HOUR, ticks=timedelta(minutes=5))
    (first,) = reminders(engine, service)
    assert (first.audience, first.facts["problem"]) == ("person:U0CHAMP", str(state))
    assert "the <incumbent> did not answer" in first.facts["text"]
    assert first.facts["next_at"]
    turn(engine, 6 * DAY, ticks=DAY)
    assert len(reminders(engine, service)) == 1
    turn(engine, DAY, ticks=HOUR)
    assert told_to(reminders(engine, service)) == ["person:U0CHAMP"] * 2
    ended(engine, service)
    turn(engine, 8 * DAY, ticks=DAY)
    assert len(reminders(engine, service)) == 2
    told = [data for action, subject, data in engine.audit() if (action, subject) == (
        "drill.reminded", f"service:{service}")]  # fmt: skip
    assert [one["trouble"] for one in told] == [f"{state}:{wrong.id}"] * 2


def test_another_drill_that_goes_wrong_is_told_at_once(engine: DrivenEngine) -> None:
    service = practised(engine)
    ended(engine, service, DrillState.FAILED)
    turn(engine, HOUR)
    ended(engine, service, DrillState.MISSED, injected_at=None, verified_at=None)
    turn(engine, HOUR)
    assert [one.facts["problem"] for one in reminders(engine, service)] == ["failed", "missed"]


def test_a_schedule_reminds_once_its_last_drill_is_one_and_a_half_periods_old(engine: DrivenEngine) -> None:
    service = practised(engine)
    ended(engine, service)
    turn(engine, 10 * DAY, ticks=DAY)
    assert reminders(engine, service) == []
    turn(engine, 13 * HOUR)
    (first,) = reminders(engine, service)
    assert first.facts["problem"] == "overdue"
    assert "last passed 10 days ago" in first.facts["text"]


def test_a_new_schedule_that_nobody_planned_is_told_after_a_day_not_at_once(engine: DrivenEngine) -> None:
    service = practised(engine, champion=False)
    turn(engine, 23 * HOUR, ticks=HOUR)
    assert reminders(engine, service) == []
    turn(engine, 2 * HOUR, ticks=HOUR)
    (only,) = reminders(engine, service)
    assert (only.audience, only.facts["next_at"]) == ("engineering", "")
    assert "never passed" in only.facts["text"]


def test_a_service_that_nobody_drills_reminds_nobody(engine: DrivenEngine) -> None:
    service = practised(engine, {"playbook": "by_key", "environment": "staging"})
    turn(engine, 20 * DAY, ticks=5 * DAY)
    assert reminders(engine, service) == []


def test_five_clocks_at_once_tell_it_once(engine: DrivenEngine) -> None:
    services = [practised(engine) for _ in range(4)]
    for service in services:
        ended(engine, service, DrillState.FAILED)
    engine.clock.turn(2 * timedelta(minutes=1))
    at_once([engine.twin().app.sweep.wake for _ in range(5)])
    assert [len(reminders(engine, service)) for service in services] == [1] * 4
