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
from support.planned_drills import drills
from support.written_config import Tree

from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.records import Notice

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DRILL = {"playbook": "by_key", "environment": "staging"}


def weekly(engine: DrivenEngine, ahead: timedelta = 6 * DAY) -> Tree:
    """A schedule whose next slot is so far ahead."""
    return {**DRILL, "cron": f"{engine.clock.now() + ahead:%M %H * * %w}"}


def yearly(engine: DrivenEngine) -> Tree:
    """A schedule of which no slot comes while a test goes on."""
    return {**DRILL, "cron": f"{engine.clock.now() - 2 * DAY:%M %H %d %m *}"}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("drills"), request.param) as engine:
        yield engine


def practised(engine: DrivenEngine, *drills: Tree, champion: bool = True) -> str:
    """A service whose policy wants drills; its name."""
    service = fresh_name()
    production = {"ledger": "http://production.invalid", "allow_hosts": ["production.invalid"]}
    staging = {"ledger": engine.ledger.url, "allow_hosts": [engine.ledger.host]}
    roles = {"rollback_authority": ["olga"], **({"champion": ["U0CHAMP"]} if champion else {})}
    engine.protect(
        service,
        roles=roles,
        drills=list(drills or [yearly(engine)]),
        targets={"production": production, "staging": staging},
    )
    engine.app.sweep.wake()
    return service


def ended(engine: DrivenEngine, service: str, state: DrillState = DrillState.PASSED, **changes: Any) -> Drill:
    """A drill that ended just now."""
    now = engine.clock.now()
    made = drill(now, service=service, playbook="by_key", state=state, **changes)
    with engine.app.store.write() as tx:
        tx.add(made)
    return made


def skip_all(engine: DrivenEngine, service: str) -> None:
    """Somebody skips whatever is planned."""
    for one in drills(engine, service, DrillState.PLANNED):
        with engine.app.store.write() as tx:
            tx.save(one.moved(DrillEvent.SKIP, engine.clock.now(), why="not this week"))


def skipping(engine: DrivenEngine, service: str, days: int) -> None:
    """Days in which everything that is planned is skipped."""
    for _ in range(days):
        turn(engine, DAY)
        skip_all(engine, service)


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
    service = practised(engine, weekly(engine))
    ended(engine, service)
    skipping(engine, service, 10)
    assert reminders(engine, service) == []
    skipping(engine, service, 1)
    (first,) = reminders(engine, service)
    assert first.facts["problem"] == "overdue"
    assert "last passed 11 days ago" in first.facts["text"]


def test_a_new_schedule_of_which_all_is_skipped_is_told_after_a_day_not_at_once(engine: DrivenEngine) -> None:
    service = practised(engine, weekly(engine, ahead=HOUR), champion=False)
    skip_all(engine, service)
    skipping(engine, service, 1)
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


def test_what_was_missed_is_told_once_by_whoever_saw_it_and_reminded_of_after_a_week(engine: DrivenEngine) -> None:
    service = practised(engine, weekly(engine, ahead=HOUR))
    engine.app.sweep.wake()
    with engine.app.store.read() as tx:
        (planned,) = [one for one in tx.planned_drills() if one.service == service]
    turn(engine, planned.due_at - engine.clock.now() + 61 * timedelta(minutes=1))
    turn(engine, HOUR, ticks=timedelta(minutes=5))
    with engine.app.store.read() as tx:
        told = [one for one in tx.notices(limit=10_000) if (one.name, one.service) == ("drill_missed", service)]
    assert sorted(told_to(told)) == ["engineering", "person:U0CHAMP"]
    assert reminders(engine, service) == []
    skipping(engine, service, 6)
    assert reminders(engine, service) == []
    skipping(engine, service, 2)
    (first,) = reminders(engine, service)
    assert (first.audience, first.facts["problem"]) == ("person:U0CHAMP", "missed")


def test_of_many_slots_that_were_missed_at_once_nobody_hears_twice(engine: DrivenEngine) -> None:
    service = practised(engine, {**DRILL, "cron": "0 * * * *", "grace": "1m"})
    engine.app.sweep.wake()
    engine.clock.turn(timedelta(days=4))
    turn(engine, timedelta(minutes=10), ticks=timedelta(minutes=5))
    assert [(one.facts["problem"], one.facts["text"]) for one in reminders(engine, service)] == []
    assert len(drills(engine, service, DrillState.MISSED)) > 50


def test_a_clock_that_is_put_back_goes_on_reminding(engine: DrivenEngine) -> None:
    service = practised(engine)
    engine.clock.turn(DAY)
    engine.app.sweep.wake()
    engine.clock.turn(-DAY)
    ended(engine, service, DrillState.FAILED)
    turn(engine, timedelta(minutes=5))
    assert len(reminders(engine, service)) == 1
