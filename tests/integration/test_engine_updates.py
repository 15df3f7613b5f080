"""Updates go out at the pace of the policy: the owner is asked first, and where nobody writes the bot tells itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import MINUTE, asking, fire, member, passing, said, told_to, turn

from bot.domain.errors import BadInput
from bot.domain.events import Standing, Word

HOUR = timedelta(hours=1)
AUDIENCES = {"engineering": {}, "product": {}, "support": {}}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("updates"), request.param) as engine:
        yield engine


def halted(engine: DrivenEngine, by: str = "olga", **more: object) -> str:
    """An incident that somebody halted."""
    service = fresh_name()
    engine.protect(service, **{"audiences": AUDIENCES, **more})
    return engine.order(Word.HALT, service, by=by, reason="F1 is down").incidents[0]


def test_who_halts_is_asked_for_the_update_that_is_due_with_a_draft_that_only_needs_a_yes(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    turn(engine, 19 * MINUTE)
    assert engine.notices(incident_id, "update_wanted") == []
    turn(engine, MINUTE)
    wanted = engine.notices(incident_id, "update_wanted")
    assert told_to(wanted) == ["person:olga"]
    assert "is halted: nothing of it is promoted" in wanted[0].facts["draft"]
    assert [one["label"] for one in wanted[0].facts["buttons"]] == ["Send as it is", "Edit"]
    draft = wanted[0].facts["draft_id"]
    assert not said(engine, Word.UPDATE, incident_id, draft=draft).refused
    sent = engine.notices(incident_id, "update")
    assert told_to(sent) == list(AUDIENCES)
    assert (sent[0].facts["text"], sent[0].facts["measured"]) == (wanted[0].facts["draft"], False)
    assert said(engine, Word.UPDATE, incident_id, draft=draft).refused


def test_where_nobody_writes_the_bot_says_what_is_measured_and_when_people_hear_next(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    turn(engine, 24 * MINUTE, ticks=MINUTE)
    assert engine.notices(incident_id, "update") == []
    turn(engine, MINUTE)
    sent = engine.notices(incident_id, "update")
    assert told_to(sent) == list(AUDIENCES)
    assert sent[0].facts["measured"] is True
    assert sent[0].facts["by"] == "andon"
    assert sent[0].facts["next_at"]
    assert any("Measured, because nobody wrote an update" in line for line in engine.lines(incident_id))


def test_the_grace_does_not_move_the_updates_that_follow(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    begun = engine.clock.now()
    turn(engine, 100 * MINUTE, ticks=timedelta(seconds=30))
    dues = [one.due_at - begun for one in engine.notices(incident_id, "update") if one.audience == "product"]
    assert [round(due / MINUTE) for due in dues] == [25, 45, 65, 85]


def test_an_update_by_a_person_puts_the_next_off_and_nobody_is_asked_meanwhile(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    turn(engine, 15 * MINUTE)
    receipt = said(engine, Word.UPDATE, incident_id, "nina", text="The feature is switched off; scores recover.")
    assert "The next update is due at" in receipt.message
    turn(engine, 19 * MINUTE)
    assert engine.notices(incident_id, "update_wanted") == []
    turn(engine, MINUTE)
    assert told_to(engine.notices(incident_id, "update_wanted")) == ["person:olga"]


def test_after_three_hours_in_which_nothing_ran_there_is_one_update_not_many(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    turn(engine, 3 * HOUR)
    turn(engine, 5 * MINUTE, ticks=MINUTE)
    turn(engine, 10 * MINUTE, ticks=MINUTE)
    assert told_to(engine.notices(incident_id, "update_wanted")) == ["person:olga"]
    assert told_to(engine.notices(incident_id, "update")) == list(AUDIENCES)
    turn(engine, HOUR, ticks=MINUTE)
    assert len(engine.notices(incident_id, "update")) == 2 * len(AUDIENCES), "three times as seldom after two hours"


def test_two_clocks_at_once_tell_it_once(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    twins = [engine.twin() for _ in range(4)]
    for minutes in (20, 5):
        engine.clock.turn(minutes * MINUTE)
        at_once([partial(twin.app.sweep.wake) for twin in twins])
    assert len(engine.notices(incident_id, "update_wanted")) == 1
    assert told_to(engine.notices(incident_id, "update")) == list(AUDIENCES)


def test_without_an_owner_the_champion_is_asked_and_without_one_it_is_measured_at_once(engine: DrivenEngine) -> None:
    led, alone = fresh_name(), fresh_name()
    engine.protect(led, audiences=AUDIENCES, **asking())
    engine.protect(alone, audiences=AUDIENCES, **{**asking(), "roles": {"rollback_authority": ["olga"]}})
    receipts = [fire(engine, service) for service in (led, alone)]
    turn(engine, 20 * MINUTE)
    assert told_to(engine.notices(receipts[0].incidents[0], "update_wanted")) == ["person:U0CHAMP"]
    assert engine.notices(receipts[1].incidents[0], "update_wanted") == []
    sent = engine.notices(receipts[1].incidents[0], "update")
    assert "waits for a member of rollback_authority" in sent[0].facts["text"]


def test_what_waits_measured_stands_in_the_update(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, audiences=AUDIENCES, roles={"endorser": ["olga"]}, cooldown="0s")
    receipt = fire(engine, service)
    engine.drive(receipt.runs[0])
    turn(engine, 20 * MINUTE)
    sent = engine.notices(receipt.incidents[0], "update")
    assert "is restored and is being watched" in sent[0].facts["text"]
    assert "succeeded at" in sent[0].facts["text"]


def test_blame_and_overclaiming_are_found_before_an_update_goes_out(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    text = "Bob broke it again, but it is 100 % fixed now."
    refused = said(engine, Word.UPDATE, incident_id, text=text)
    assert refused.refused
    assert "put it otherwise" in refused.message
    assert engine.notices(incident_id, "update") == []
    assert not said(engine, Word.UPDATE, incident_id, text=text, anyway=True).refused
    assert told_to(engine.notices(incident_id, "update")) == list(AUDIENCES)


@pytest.mark.parametrize("text", ["", "   ", "x" * 3001])
def test_an_update_without_words_or_with_too_many_is_refused(engine: DrivenEngine, text: str) -> None:
    with pytest.raises(BadInput):
        said(engine, Word.UPDATE, halted(engine), text=text)


def test_a_guest_may_not_write_an_update(engine: DrivenEngine) -> None:
    guest = replace(member("U0GUEST"), standing=Standing.STRANGER)
    assert said(engine, Word.UPDATE, halted(engine), guest, text="all is well").refused


def test_nobody_hears_more_of_an_incident_that_was_resolved(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    turn(engine, 20 * MINUTE)
    engine.order(Word.RESOLVE, incident_id)
    turn(engine, 3 * HOUR, ticks=10 * MINUTE)
    assert engine.notices(incident_id, "update") == []


def test_a_policy_that_is_gone_ends_the_updates(engine: DrivenEngine) -> None:
    incident_id = halted(engine)
    service = engine.stored_incident(incident_id).service
    (engine.config / "policies" / f"{service}.yaml").unlink()
    engine.app.configuration.reload()
    turn(engine, HOUR, ticks=20 * MINUTE)
    assert engine.stored_incident(incident_id).update_due_at is None
    assert engine.notices(incident_id, "update") == []


def test_every_word_of_what_goes_out_by_itself_is_found_in_its_template(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, audiences=AUDIENCES, **asking({"after": "5m", "notify": "champion"}))
    (incident_id,) = fire(engine, service).incidents
    turn(engine, 5 * MINUTE)
    said(engine, Word.HANDOVER, incident_id, "olga", to="otto")
    said(engine, Word.ACCEPT, incident_id, "otto")
    turn(engine, HOUR, ticks=5 * MINUTE)
    engine.work()
    with engine.app.store.read() as tx:
        notices = tx.notices(incident_id=incident_id, limit=1000)
    names = {"handover_offered", "owner_changed", "escalated", "update_wanted", "update"}
    assert names <= {one.name for one in notices}
    assert [one.name for one in notices if "could not be used" in one.body] == []
