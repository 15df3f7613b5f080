"""Whoever promised something, or was asked, is reminded before and after it is due, until it is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import MINUTE, asking, fire, member, passing, said, told_to, turn

from bot.domain.events import Word
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus, first_reminder

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("reminders"), request.param) as engine:
        yield engine


def incident(engine: DrivenEngine, **more: Any) -> str:
    service = fresh_name()
    engine.protect(service, **{**asking(), **more}, update_every="100d")
    return fire(engine, service).incidents[0]


def item(engine: DrivenEngine, incident_id: str, due_in: timedelta, owner: str | None = "U0ANA", **more: Any) -> str:
    """Something promised; its id."""
    now, service = engine.clock.now(), engine.stored_incident(incident_id).service
    minute = Minute(
        id=engine.app.ids.new("min"),
        incident_id=incident_id,
        service=service,
        kind=more.pop("kind", MinuteKind.ACTION_ITEM),
        status=MinuteStatus.OPEN,
        text=more.pop("text", "Retrain without the new feature"),
        by="U0BOB",
        at=now,
        owner=owner,
        due_at=now + due_in,
        due_text="later",
        remind_at=first_reminder(now + due_in, now),
        **more,
    )
    with engine.app.store.write() as tx:
        tx.add(minute)
    return minute.id


def reminded(engine: DrivenEngine, incident_id: str, name: str = "item_reminder") -> list[str]:
    return told_to(engine.notices(incident_id, name))


def test_its_owner_is_reminded_half_way_and_when_it_is_due_and_each_day_after(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR)
    turn(engine, 119 * MINUTE)
    assert reminded(engine, incident_id) == []
    turn(engine, MINUTE)
    assert reminded(engine, incident_id) == ["person:U0ANA"]
    first = engine.notices(incident_id, "item_reminder")[0].facts
    assert (first["item"]["text"], first["item"]["overdue"]) == ("Retrain without the new feature", False)
    assert [one["label"] for one in first["buttons"]] == ["Done", "Snooze", "Reassign"]
    turn(engine, 2 * HOUR, ticks=MINUTE)
    assert len(reminded(engine, incident_id)) == 2
    turn(engine, 2 * DAY, ticks=HOUR)
    assert len(reminded(engine, incident_id)) == 4
    assert engine.notices(incident_id, "item_reminder")[-1].facts["item"]["overdue"] is True


def test_after_the_third_reminder_past_due_the_champion_hears_of_it_once(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR)
    turn(engine, 4 * HOUR + DAY, ticks=HOUR)
    assert reminded(engine, incident_id, "item_escalated") == []
    turn(engine, DAY, ticks=HOUR)
    assert reminded(engine, incident_id, "item_escalated") == ["person:U0CHAMP"]
    turn(engine, 3 * DAY, ticks=HOUR)
    assert reminded(engine, incident_id, "item_escalated") == ["person:U0CHAMP"]
    assert len(reminded(engine, incident_id)) == 7


def test_after_days_in_which_nothing_ran_there_is_one_reminder_not_many(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR)
    turn(engine, 10 * DAY)
    turn(engine, MINUTE)
    assert reminded(engine, incident_id) == ["person:U0ANA"]
    turn(engine, DAY)
    assert len(reminded(engine, incident_id)) == 2


@pytest.mark.parametrize("status", [MinuteStatus.DONE, MinuteStatus.WITHDRAWN])
def test_nobody_is_reminded_of_what_is_done_or_withdrawn(engine: DrivenEngine, status: MinuteStatus) -> None:
    incident_id = incident(engine)
    minute_id = item(engine, incident_id, 4 * HOUR)
    with engine.app.store.write() as tx:
        minute = tx.minute(minute_id)
        assert minute is not None
        tx.save(minute.ended(status, engine.clock.now()))
    turn(engine, 3 * DAY, ticks=12 * HOUR)
    assert reminded(engine, incident_id) == []


def test_without_an_owner_the_incidents_owner_is_reminded_else_the_champion_else_the_engineers(
    engine: DrivenEngine,
) -> None:
    owned, led = incident(engine), incident(engine)
    alone = incident(engine, roles={"rollback_authority": ["olga"]})
    said(engine, Word.TAKE, owned, member("U0OWNER"))
    for one in (owned, led, alone):
        item(engine, one, 4 * HOUR, owner=None)
    turn(engine, 2 * HOUR)
    found = [reminded(engine, one) for one in (owned, led, alone)]
    assert found == [["person:U0OWNER"], ["person:U0CHAMP"], ["engineering"]]


def test_a_name_that_nobody_knows_is_not_waited_for(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR, owner="somebody from payments")
    turn(engine, 2 * HOUR)
    assert reminded(engine, incident_id) == ["person:U0CHAMP"]


def test_a_group_that_owns_it_is_called_by_mention_and_nobody_is_left_out(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR, owner="S0TEAM")
    turn(engine, 2 * HOUR)
    assert reminded(engine, incident_id) == ["engineering"]


def test_a_question_can_be_answered_from_its_reminder(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR, kind=MinuteKind.QUESTION, text="Which feature changed?")
    turn(engine, 2 * HOUR)
    (notice,) = engine.notices(incident_id, "item_reminder")
    assert [one["label"] for one in notice.facts["buttons"]] == ["Answer", "Snooze", "Reassign"]


def test_promises_outlive_their_incident(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    item(engine, incident_id, 4 * HOUR)
    engine.order(Word.CANCEL, engine.incident(incident_id)["runs"][0]["id"])
    engine.order(Word.RESOLVE, incident_id)
    turn(engine, 2 * HOUR)
    assert reminded(engine, incident_id) == ["person:U0ANA"]


def test_several_clocks_remind_once(engine: DrivenEngine) -> None:
    incident_id = incident(engine)
    for number in range(5):
        item(engine, incident_id, 4 * HOUR, owner=f"U0N{number}")
    twins = [engine.twin() for _ in range(4)]
    engine.clock.turn(2 * HOUR)
    at_once([twin.app.sweep.wake for twin in twins])
    assert sorted(reminded(engine, incident_id)) == [f"person:U0N{number}" for number in range(5)]
