"""Drills are asked for, hurried, skipped and moved through the one front door, by whom the policy lets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine
from support.passing_time import MINUTE, member, passing, said, told_to
from support.planned_drills import HOUR, carry_out, drills, rehearsing, rule, tick, to_full_hour, told

from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.errors import BadInput, NotFound
from bot.domain.events import Receipt, Word
from bot.domain.times import format_time
from bot.flow.drill_orders import DRILL_ORDERS

PLANNED = DrillState.PLANNED


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("drill-orders"), request.param) as engine:
        to_full_hour(engine, minutes=1)
        yield engine


def asked(engine: DrivenEngine, service: str, by: str = "olga", **details: Any) -> Receipt:
    return engine.order(Word.DRILL, service, by=by, reason="", **details)


def planned(engine: DrivenEngine, *rules: dict[str, Any], **more: Any) -> Drill:
    """A drill that is planned for later."""
    service = rehearsing(engine, *(rules or (rule(cron="30 */2 * * *", remind=["10m", "5m"]),)), **more)
    tick(engine)
    return drills(engine, service, PLANNED)[0]


def stored(engine: DrivenEngine, drill_id: str) -> Drill:
    with engine.app.store.read() as tx:
        found = tx.drill(drill_id)
    assert found is not None
    return found


# To start one


def test_a_drill_that_is_asked_for_starts_at_once(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None, objective="2m", name="divergence"), rule(playbook="by_check"))
    receipt = asked(engine, service)
    drill = stored(engine, receipt.records[0])
    assert (drill.state, drill.requested_by, drill.surprise, drill.schedule) == (PLANNED, "olga", False, "")
    assert drill.due_at == drill.wake_at == drill.slot <= engine.clock.now()
    assert (drill.playbook, drill.objective_seconds, drill.rule["name"]) == ("by_key", 120.0, "divergence")
    assert f"by_key against divergence is rehearsed for {service} in staging now" in receipt.message
    assert "one of 2 that fit" in receipt.message
    with engine.app.store.read() as tx:
        assert drill.id in tx.drills_due()
    assert ("order.drill", f"order:{service}") in [(action, subject) for action, subject, _ in engine.audit()]


def test_it_can_be_named_by_its_playbook_its_failure_and_its_place(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None, name="slow"), rule(cron=None, name="wrong"), rule(playbook="by_check"))
    wrong = stored(engine, asked(engine, service, name="wrong").records[0])
    assert (wrong.playbook, wrong.rule["name"]) == ("by_key", "wrong")
    carry_out(engine, wrong)
    checked = stored(engine, asked(engine, service, playbook="by_check", environment="staging").records[0])
    assert checked.playbook == "by_check"
    with pytest.raises(NotFound, match="no drill called 'odd': its policy names slow, wrong"):
        asked(engine, service, name="odd")


def test_without_a_rule_the_first_rollback_is_rehearsed_in_staging(engine: DrivenEngine) -> None:
    drill = stored(engine, asked(engine, rehearsing(engine)).records[0])
    assert (drill.playbook, drill.environment, drill.objective_seconds) == ("by_key", "staging", 300.0)


def test_who_asks_twice_joins_the_first(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None))
    first, second = asked(engine, service), asked(engine, service, by="otto")
    assert second.records == first.records
    assert "is about to start in staging already; this request joins it" in second.message
    drill = stored(engine, first.records[0])
    with engine.app.store.write() as tx:
        tx.save(drill.moved(DrillEvent.START, engine.clock.now()))
    third = asked(engine, service)
    assert third.records == first.records
    assert "goes on in staging already" in third.message
    assert len(drills(engine, service)) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"environment": "production"}, "production is production, and a drill never touches it"),
        ({"environment": "mars"}, "mars is none of the targets"),
        ({"playbook": "nothing"}, "there is no playbook 'nothing'"),
        ({"surprise": True}, "has no game days"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_in_a_sentence(
    engine: DrivenEngine, more: dict[str, Any], why: str
) -> None:
    service = rehearsing(engine, rule(cron=None))
    receipt = asked(engine, service, **more)
    assert receipt.refused
    assert why in receipt.message
    assert drills(engine, service) == []


def test_it_is_refused_where_a_run_is_at_work_or_automation_is_paused(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None))
    run = fire_in_staging(engine, service)
    assert f"run {run} (by_key) is at work there" in asked(engine, service).message
    paused = rehearsing(engine, rule(cron=None))
    engine.order(Word.HANDS_OFF, paused, by="ada", **{"for": "1h"})
    assert "automation is paused for this service" in asked(engine, paused).message
    observing = rehearsing(engine, rule(cron=None), mode="observe")
    assert "only observes" in asked(engine, observing).message


def fire_in_staging(engine: DrivenEngine, service: str) -> str:
    receipt = engine.alert(firing(service, environment="staging"))
    assert receipt.runs
    return receipt.runs[0]


def test_details_that_make_no_sense_are_named(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None))
    with pytest.raises(BadInput, match="surprise"):
        asked(engine, service, surprise="yes")
    with pytest.raises(BadInput, match="colour"):
        asked(engine, service, colour="red")


def test_in_chat_only_those_who_answer_for_the_service_start_one(engine: DrivenEngine) -> None:
    service = rehearsing(engine, rule(cron=None))
    refused = said(engine, Word.DRILL, service, member("U0NINA"))
    assert refused.refused
    assert "rollback_authority or champion" in refused.message
    assert not said(engine, Word.DRILL, service, member("U0CHAMP")).refused
    assert asked(engine, rehearsing(engine, rule(cron=None)), by="vera").refused


# Surprises


def test_on_a_game_day_chance_picks_which_failure(engine: DrivenEngine) -> None:
    today = f"{engine.clock.now():%Y-%m-%d}"
    rules = [rule(cron=None, name=name) for name in ("slow", "wrong", "away")]
    service = rehearsing(engine, *rules, game_days=[{"from": today, "to": today}])
    found = set()
    for _ in range(40):
        receipt = asked(engine, service, surprise=True)
        drill = stored(engine, receipt.records[0])
        assert drill.surprise
        assert not {"slow", "wrong", "away"} & set(receipt.message.split()), "who asks does not hear what comes"
        found.add(drill.rule["name"])
        carry_out(engine, drill)
        if len(found) == 3:
            break
    assert found == {"slow", "wrong", "away"}
    assert "leave the playbook and the name out" in str(_raised(engine, service, surprise=True, name="slow"))


def _raised(engine: DrivenEngine, service: str, **details: Any) -> BadInput:
    with pytest.raises(BadInput) as raised:
        asked(engine, service, **details)
    return raised.value


def test_outside_of_its_game_days_nothing_comes_as_a_surprise(engine: DrivenEngine) -> None:
    yesterday = f"{engine.clock.now() - timedelta(days=1):%Y-%m-%d}"
    service = rehearsing(engine, rule(cron=None), game_days=[{"from": yesterday, "to": yesterday}])
    receipt = asked(engine, service, surprise=True)
    assert receipt.refused
    assert f"This is no game day of {service}" in receipt.message


# Those that are planned


def test_run_now_takes_the_place_of_the_slot(engine: DrivenEngine) -> None:
    drill = planned(engine)
    receipt = engine.order(Word.RUN_DRILL, drill.id)
    hurried = stored(engine, drill.id)
    assert hurried.due_at == hurried.wake_at <= engine.clock.now()
    assert (hurried.slot, hurried.state, hurried.actor) == (drill.slot, PLANNED, "olga")
    assert "starts now" in receipt.message
    assert "is about to start" in engine.order(Word.RUN_DRILL, drill.id).message
    carry_out(engine, hurried)
    refused = engine.order(Word.RUN_DRILL, drill.id)
    assert refused.refused
    assert f"Drill {drill.id} cannot start any more: it is passed since" in refused.message
    tick(engine, drill.slot - engine.clock.now())
    assert [one.slot for one in drills(engine, drill.service)] == [drill.slot, drill.slot + 2 * HOUR], "not once more"
    assert told(engine, "drill_reminder", drill.service) == []


def test_a_skipped_drill_keeps_who_and_why_and_the_next_comes(engine: DrivenEngine) -> None:
    drill = planned(engine)
    with pytest.raises(BadInput, match="A reason is needed"):
        engine.order(Word.SKIP_DRILL, drill.id, reason=" ")
    receipt = engine.order(Word.SKIP_DRILL, drill.id, reason="staging is rebuilt")
    skipped = stored(engine, drill.id)
    assert (skipped.state, skipped.actor, skipped.why, skipped.wake_at) == (
        DrillState.SKIPPED,
        "olga",
        "staging is rebuilt",
        None,
    )
    assert "is skipped" in receipt.message
    assert sorted(told_to(told(engine, "drill_changed", drill.service))) == ["engineering", "person:U0CHAMP"]
    assert "skipped already by olga: staging is rebuilt" in engine.order(Word.SKIP_DRILL, drill.id).message
    assert engine.order(Word.RUN_DRILL, drill.id).refused
    tick(engine, drill.slot - engine.clock.now() - MINUTE)
    assert told(engine, "drill_reminder", drill.service) == []
    tick(engine, 2 * MINUTE)
    assert [one.state for one in drills(engine, drill.service)] == [DrillState.SKIPPED, PLANNED]


@pytest.mark.parametrize("word", [Word.SKIP_DRILL, Word.MOVE_DRILL, Word.RUN_DRILL])
def test_only_those_who_answer_for_the_service_change_a_planned_drill(engine: DrivenEngine, word: Word) -> None:
    drill = planned(engine)
    details = {"at": "in 30 minutes"} if word is Word.MOVE_DRILL else {}
    refused = engine.order(word, drill.id, by="nina", **details)
    assert refused.refused
    assert "members of champion or rollback_authority; they are U0CHAMP, olga, otto" in refused.message
    assert said(engine, word, drill.id, member("U0NINA"), reason="x", **details).refused
    assert stored(engine, drill.id) == drill
    assert not said(engine, word, drill.id, member("U0CHAMP"), reason="x", **details).refused


def test_a_moved_drill_starts_then_and_is_reminded_of_anew(engine: DrivenEngine) -> None:
    drill = planned(engine)
    tick(engine, drill.due_at - engine.clock.now() - 9 * MINUTE)
    assert len(told(engine, "drill_reminder", drill.service)) == 1
    to = drill.due_at + HOUR
    receipt = engine.order(Word.MOVE_DRILL, drill.id, at=format_time(to))
    moved = stored(engine, drill.id)
    assert (moved.due_at, moved.slot, moved.reminded) == (to, drill.slot, ())
    assert moved.wake_at == to - 10 * MINUTE
    assert "starts" in receipt.message
    assert "already" in engine.order(Word.MOVE_DRILL, drill.id, at=format_time(to)).message
    assert len(told(engine, "drill_changed", drill.service)) == 1
    tick(engine, to - engine.clock.now() - 8 * MINUTE)
    assert len(told(engine, "drill_reminder", drill.service)) == 2
    assert drills(engine, drill.service, DrillState.MISSED) == []


def test_a_drill_is_moved_neither_into_the_past_nor_past_the_next_one(engine: DrivenEngine) -> None:
    drill = planned(engine)
    with pytest.raises(BadInput, match="is over"):
        engine.order(Word.MOVE_DRILL, drill.id, at=format_time(engine.clock.now() - MINUTE))
    with pytest.raises(BadInput, match="was not understood"):
        engine.order(Word.MOVE_DRILL, drill.id, at="when it suits")
    refused = engine.order(Word.MOVE_DRILL, drill.id, at=format_time(drill.slot + 2 * HOUR))
    assert refused.refused
    assert "the next one of its schedule comes" in refused.message
    assert stored(engine, drill.id) == drill


def test_orders_about_drills_that_never_were_say_where_to_look(engine: DrivenEngine) -> None:
    for word in set(DRILL_ORDERS) - {Word.DRILL}:
        with pytest.raises(BadInput, match="`andon drills list` shows what there is"):
            engine.order(word, "drl-none")
