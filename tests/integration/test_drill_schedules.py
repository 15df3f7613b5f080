"""Each slot of a schedule has one drill, however many clocks there are; none is missed silently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine
from support.passing_time import MINUTE, passing, told_to
from support.planned_drills import DAY, HOUR, carry_out, drills, rehearsing, rule, slots, tick, to_full_hour, told

from bot.domain.drills import DrillState

PLANNED, MISSED, WITHDRAWN = DrillState.PLANNED, DrillState.MISSED, DrillState.WITHDRAWN


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("schedules"), request.param) as engine:
        yield engine


@pytest.fixture(autouse=True)
def _half_past(engine: DrivenEngine) -> None:
    to_full_hour(engine)


def hour(engine: DrivenEngine, ahead: int = 0) -> datetime:
    """The full hour that was last, or one after it."""
    return engine.clock.now().replace(minute=0, second=0, microsecond=0) + ahead * HOUR


def test_the_slots_of_a_policy_begin_when_it_is_first_seen(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(objective="3m", name="divergence"), rule(cron=None, playbook="by_check"))
    tick(engine)
    tick(engine)
    (planned,) = drills(engine, service)
    assert (planned.state, planned.slot, planned.due_at) == (PLANNED, hour(engine, 1), hour(engine, 1))
    assert (planned.playbook, planned.environment, planned.objective_seconds) == ("by_key", "staging", 180.0)
    assert planned.rule["name"] == "divergence"
    assert planned.wake_at == planned.due_at
    assert engine.app.sweep.wake() <= planned.due_at


def test_a_slot_follows_the_other_and_what_was_carried_out_stays(engine: DrivenEngine) -> None:
    service, first = rehearsing(engine, rule()), hour(engine, 1)
    for _ in range(5):
        tick(engine)
        (planned,) = drills(engine, service, PLANNED)
        tick(engine, planned.due_at - engine.clock.now())
        carry_out(engine, replace(planned, wake_at=None))
        tick(engine)
    found = drills(engine, service)
    assert slots(found) == [first + count * HOUR for count in range(6)]
    assert [one.state for one in found] == [DrillState.PASSED] * 5 + [PLANNED]
    assert told(engine, "drill_missed", service) == []


def test_what_no_worker_starts_within_its_grace_is_missed_and_told_once(engine: DrivenEngine) -> None:
    audiences = {"engineering": {"email": ["ml@example.com"]}, "product": {"email": ["product@example.com"]}}
    daily = rule(cron="0 10 * * *", grace="20m", tell=["product"])
    service = rehearsing(engine, daily, audiences=audiences)
    tick(engine)
    (planned,) = drills(engine, service, PLANNED)
    tick(engine, planned.due_at - engine.clock.now() + 19 * MINUTE)
    assert drills(engine, service, MISSED) == []
    twins = [engine.twin() for _ in range(3)]
    engine.clock.turn(2 * MINUTE)
    at_once([twin.app.sweep.wake for twin in [engine, *twins]])
    (missed,) = drills(engine, service, MISSED)
    assert "within 20m" in missed.why
    assert (missed.id, missed.wake_at, missed.ended_at is not None) == (planned.id, None, True)
    assert sorted(told_to(told(engine, "drill_missed", service))) == ["engineering", "person:U0CHAMP", "product"]
    assert ("drill.missed", f"drill:{missed.id}") in [(action, subject) for action, subject, _ in engine.audit()]


def test_after_three_hours_the_latest_slot_is_made_up_for_and_the_others_are_missed_aloud(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(grace="45m"))
    tick(engine)
    first = hour(engine, 1)
    tick(engine, 3 * HOUR)
    found = drills(engine, service)
    assert slots(found) == [first + count * HOUR for count in range(4)]
    assert [one.state for one in found] == [MISSED, MISSED, PLANNED, PLANNED]
    assert found[2].due_at > found[2].slot
    assert found[2].wake_at == found[2].due_at <= engine.clock.now()
    why = [one.why for one in found[:2]]
    assert why == [
        "nothing started it within 45m: no worker was there, or the place was busy",
        "no clock was running at that time",
    ]
    assert len(told(engine, "drill_missed", service)) == 4, "twice, each to engineering and the champion"
    tick(engine, 46 * MINUTE)
    assert [one.state for one in drills(engine, service)] == [MISSED, MISSED, MISSED, PLANNED, PLANNED]


def test_too_late_for_any_all_are_missed_and_the_next_comes_as_planned(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron="0 */2 * * *", grace="10m"))
    tick(engine)
    (first,) = slots(drills(engine, service))
    tick(engine, first - engine.clock.now() + 9 * HOUR)
    found = drills(engine, service)
    assert slots(found) == [first + count * 2 * HOUR for count in range(6)]
    assert [one.state for one in found] == [MISSED] * 5 + [PLANNED]
    assert {one.facts["slots"] for one in told(engine, "drill_missed", service)} == {1, 4}


def test_a_slot_that_nobody_started_gives_way_to_the_next(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(grace="5h"))
    for _ in range(3):
        tick(engine, HOUR)
    found = drills(engine, service)
    assert [one.state for one in found] == [MISSED, PLANNED, PLANNED]
    assert found[0].why == "nothing started it before the next slot came"


def test_of_a_gap_of_thousands_of_slots_each_is_accounted_for_in_few_rows(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron="* * * * *", grace="30s"))
    tick(engine)
    (first,) = slots(drills(engine, service))
    tick(engine, 5 * DAY + MINUTE - timedelta(seconds=20))
    found = drills(engine, service, MISSED)
    assert len(found) == 52, "the planned one, fifty with a row each, and one that stands for the others"
    (stands,) = [one for one in found if "stands for" in one.why]
    assert stands.slot == first + MINUTE
    counted = int(stands.why.split("stands for ")[1].split()[0])
    now = engine.clock.now().replace(second=0, microsecond=0)
    assert first + (counted + 50) * MINUTE in (now, now - MINUTE)
    assert max(one.facts["slots"] for one in told(engine, "drill_missed", service)) == counted + 50


def test_a_rule_that_is_gone_is_withdrawn_and_comes_back_without_a_debt(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule())
    tick(engine)
    (planned,) = drills(engine, service)
    rehearsing(engine, service=service)
    tick(engine)
    (withdrawn,) = drills(engine, service)
    assert (withdrawn.id, withdrawn.state, withdrawn.wake_at) == (planned.id, WITHDRAWN, None)
    rehearsing(engine, rule(), service=service)
    tick(engine)
    assert [(one.slot, one.state) for one in drills(engine, service)] == [
        (planned.slot, WITHDRAWN),
        (planned.slot, PLANNED),
    ], "the slot has not come yet, so it is planned again"
    rehearsing(engine, service=service)
    tick(engine)
    engine.clock.turn(5 * HOUR)
    rehearsing(engine, rule(), service=service)
    tick(engine)
    assert [one.state for one in drills(engine, service)] == [WITHDRAWN, WITHDRAWN, PLANNED]
    assert told(engine, "drill_missed", service) == []


def test_a_planned_drill_is_what_the_policy_says_now(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule())
    tick(engine)
    rehearsing(engine, rule(objective="90s", remind=["10m"]), service=service)
    tick(engine)
    (planned,) = drills(engine, service)
    assert (planned.objective_seconds, planned.wake_at) == (90.0, planned.slot - 10 * MINUTE)


def test_another_time_is_another_schedule(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule())
    tick(engine)
    rehearsing(engine, rule(cron="15 * * * *"), service=service)
    tick(engine)
    assert [one.state for one in drills(engine, service)] == [WITHDRAWN, PLANNED]
    rehearsing(engine, rule(cron="15 * * * *", timezone="Asia/Kathmandu"), service=service)
    tick(engine)
    kathmandu = drills(engine, service, PLANNED)[0].slot
    assert kathmandu.minute == 30, "Kathmandu is a quarter of an hour before a full hour from UTC"


def test_a_policy_that_only_observes_plans_nothing(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(), mode="observe")
    tick(engine, 3 * HOUR)
    assert drills(engine, service) == []


def test_a_clock_that_is_put_back_or_forward_plans_no_slot_twice(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(grace="10m"))
    tick(engine)
    for by in (-HOUR, 3 * HOUR, -2 * HOUR, -HOUR, 4 * HOUR, -HOUR, HOUR):
        tick(engine, by)
    found = drills(engine, service)
    assert len(set(slots(found))) == len(found)
    assert slots(found) == [found[0].slot + count * HOUR for count in range(len(found))], "none is left out"
    assert {one.state for one in found} == {MISSED, PLANNED}


def test_five_clocks_at_once_plan_a_slot_once(engine: DrivenEngine) -> None:
    services = [rehearsing(engine, rule(), rule(cron="30 * * * *")) for _ in range(4)]
    twins = [engine, *(engine.twin() for _ in range(4))]
    for _ in range(3):
        at_once([twin.app.sweep.wake for twin in twins])
        engine.clock.turn(30 * MINUTE)
    for service in services:
        found = drills(engine, service)
        assert len({one.claim for one in found}) == len(found)
        assert len({(one.schedule, one.slot) for one in found}) == len(found)
        assert len(found) >= 4


def test_a_schedule_survives_everything_but_its_row(engine: DrivenEngine) -> None:
    """The control: where the row is taken away, the slot is planned again. So it is the row that holds."""
    service = rehearsing(engine, rule())
    tick(engine)
    (planned,) = drills(engine, service)
    with engine.app.store.write() as tx:
        tx.save(replace(planned, claim="another", schedule="another"))
    tick(engine)
    assert slots(drills(engine, service)) == [planned.slot, planned.slot]
    with engine.app.store.write() as tx:
        assert tx.plan_drill(replace(planned, id="drl-again")) is False


@pytest.mark.parametrize("remind", [["24h", "1h"], ["1h", "24h"]])
def test_each_reminder_is_sent_once_by_whichever_clock(engine: DrivenEngine, remind: list[str]) -> None:
    asks = {"name": "divergence", "when": 'alert.title == "x"', "playbook": "by_key", "authority": "rollback_authority"}
    service = rehearsing(engine, rule(cron="0 12 * * *", remind=remind), rollback=[asks])
    tick(engine)
    (planned,) = drills(engine, service, PLANNED)
    if planned.due_at - engine.clock.now() < DAY:
        carry_out(engine, planned)
        tick(engine, planned.due_at - engine.clock.now())
        (planned,) = drills(engine, service, PLANNED)
    twins = [engine, *(engine.twin() for _ in range(4))]

    def at(before: timedelta) -> list[str]:
        engine.clock.turn(planned.due_at - before - engine.clock.now())
        at_once([twin.app.sweep.wake for twin in twins])
        return told_to([one for one in told(engine, "drill_reminder", service) if one.cause == f"drill:{planned.id}"])

    everybody = ["engineering", "person:olga", "person:otto"]
    assert at(DAY - MINUTE) == everybody
    assert at(2 * HOUR) == everybody
    assert at(HOUR) == everybody * 2
    assert at(MINUTE) == everybody * 2
    (found,) = [one for one in drills(engine, service, PLANNED) if one.id == planned.id]
    assert (sorted(found.reminded), found.wake_at) == (["1d", "1h"], found.due_at)
    notice = told(engine, "drill_reminder", service)[-1]
    assert notice.facts["needed"] == [{"role": "rollback_authority", "members": ["olga", "otto"]}]
    assert [one["label"] for one in notice.facts["buttons"]] == ["Run now", "Skip with reason", "Move to"]


def test_of_reminders_whose_time_went_by_only_the_nearest_is_sent(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron="0 12 * * *", remind=["23h", "12h", "6h", "5m"]))
    tick(engine)
    (planned,) = drills(engine, service, PLANNED)
    before = len(told(engine, "drill_reminder", service))
    if planned.due_at - engine.clock.now() < 13 * HOUR:
        carry_out(engine, planned)
        tick(engine, planned.due_at - engine.clock.now())
        (planned,) = drills(engine, service, PLANNED)
        before = len(told(engine, "drill_reminder", service))
    tick(engine, planned.due_at - engine.clock.now() - 4 * HOUR)
    assert len(told(engine, "drill_reminder", service)) == before + 1
    (found,) = [one for one in drills(engine, service, PLANNED) if one.id == planned.id]
    assert found.reminded[-1] == "6h"
    assert found.wake_at == planned.due_at - 5 * MINUTE
    tick(engine)
    assert len(told(engine, "drill_reminder", service)) == before + 1
