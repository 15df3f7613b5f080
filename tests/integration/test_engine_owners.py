"""Somebody owns an incident: who halts or takes it, and how it changes hands with a card of what was promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.crowds import at_once
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import MINUTE, asking, fire, member, passing, said, told_to, turn
from support.written_config import acting, playbook

from bot.domain.errors import BadInput, NotFound
from bot.domain.events import Standing, Word
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus

CHAMPION, OTHER = member("U0CHAMP"), member("U0OTHER")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("owners")) as engine:
        yield engine


def waiting(engine: DrivenEngine, **more: Any) -> tuple[str, str]:
    """An incident that nobody owns, with a run that waits for an approval."""
    service = fresh_name()
    engine.protect(service, **asking(), audiences={"engineering": {}, "product": {}}, **more)
    receipt = fire(engine, service)
    return receipt.incidents[0], receipt.runs[0]


def owner(engine: DrivenEngine, incident_id: str) -> str | None:
    return engine.stored_incident(incident_id).owner


def test_who_halts_owns_an_incident_that_nobody_owned(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    incident_id = engine.order(Word.HALT, service, by="otto").incidents[0]
    assert owner(engine, incident_id) == "otto"
    assert any("otto halted it and owns the incident" in line for line in engine.lines(incident_id))


def test_who_halts_what_a_step_had_frozen_owns_it(engine: DrivenEngine) -> None:
    service = fresh_name()
    freeze = playbook("freezes", {"id": "freeze", "use": "freeze_release", "with": {}}, acting("repeat", tries=5))
    engine.protect(service, freeze, playbook="freezes")
    receipt = fire(engine, service)
    engine.drive(receipt.runs[0])
    assert owner(engine, receipt.incidents[0]) is None
    answer = engine.order(Word.HALT, service, by="otto")
    assert "is halted already" in answer.message
    assert owner(engine, receipt.incidents[0]) == "otto"


def test_a_halt_takes_an_incident_from_nobody(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    said(engine, Word.TAKE, incident_id, OTHER)
    engine.order(Word.HALT, engine.stored_incident(incident_id).service, by="otto")
    assert owner(engine, incident_id) == "U0OTHER"


def test_any_member_may_take_it_and_everybody_hears_whose_it_is(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    receipt = said(engine, Word.TAKE, incident_id, OTHER)
    assert not receipt.refused
    assert owner(engine, incident_id) == "U0OTHER"
    told = engine.notices(incident_id, "owner_changed")
    assert told_to(told) == ["engineering", "product"]
    assert (told[0].facts["owner"], told[0].facts["before"]) == ("U0OTHER", "")
    assert any("U0OTHER took the incident" in line for line in engine.lines(incident_id))


def test_taking_it_twice_tells_nobody_twice(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine, persons={"lead": ["U0OTHER", "olga-token"]})
    said(engine, Word.TAKE, incident_id, OTHER)
    receipt = said(engine, Word.TAKE, incident_id, member("olga-token"))
    assert "already" in receipt.message
    assert len(engine.notices(incident_id, "owner_changed")) == 2


@pytest.mark.parametrize("standing", [Standing.STRANGER, Standing.UNKNOWN])
def test_nobody_takes_it_who_is_not_surely_a_member(engine: DrivenEngine, standing: Standing) -> None:
    incident_id, _ = waiting(engine)
    assert said(engine, Word.TAKE, incident_id, replace(OTHER, standing=standing)).refused
    assert said(engine, Word.TAKE, incident_id, "vera").refused
    assert owner(engine, incident_id) is None


def test_a_handover_counts_once_the_one_it_was_offered_to_accepts(engine: DrivenEngine) -> None:
    incident_id, run_id = waiting(engine, persons={"grace": ["U0GRACE", "grace@example.com"]})
    said(engine, Word.TAKE, incident_id, OTHER)
    promised(engine, incident_id)
    receipt = said(engine, Word.HANDOVER, incident_id, OTHER, to="grace@example.com")
    assert "Until grace@example.com accepts, U0OTHER owns it" in receipt.message
    assert owner(engine, incident_id) == "U0OTHER"
    (card,) = engine.notices(incident_id, "handover_offered")
    assert card.audience == "person:grace@example.com"
    assert [run_id in one for one in card.facts["runs"]] == [True]
    assert card.facts["approvals"][0].startswith("rollback_authority: May Andon do this")
    promise, update = card.facts["promises"]
    assert promise == "Action item: Retrain without the new feature (nobody yet)"
    assert update.startswith("The next update, at ")
    assert [one["label"] for one in card.facts["buttons"]] == ["Accept"]
    assert card.facts["mentions"] == ["grace@example.com"]
    assert said(engine, Word.ACCEPT, incident_id, CHAMPION).refused
    assert not said(engine, Word.ACCEPT, incident_id, member("U0GRACE")).refused
    assert owner(engine, incident_id) == "U0GRACE"
    again = said(engine, Word.ACCEPT, incident_id, member("U0GRACE"))
    assert again.refused
    assert "not offered" in again.message


def promised(engine: DrivenEngine, incident_id: str) -> None:
    """An action item, a question with an answer, and a decision."""
    service, now = engine.stored_incident(incident_id).service, engine.clock.now()
    kinds = [
        (MinuteKind.ACTION_ITEM, MinuteStatus.OPEN, "Retrain without the new feature"),
        (MinuteKind.QUESTION, MinuteStatus.DONE, "Since when?"),
        (MinuteKind.DECISION, MinuteStatus.DONE, "No release today"),
    ]
    with engine.app.store.write() as tx:
        for kind, status, text in kinds:
            tx.add(Minute(engine.app.ids.new("min"), incident_id, service, kind, status, text, "U0OTHER", now))


def test_reminders_of_the_update_follow_the_owner(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    incident_id = engine.order(Word.HALT, service, by="olga").incidents[0]
    said(engine, Word.HANDOVER, incident_id, "olga", to="otto")
    said(engine, Word.ACCEPT, incident_id, "otto")
    turn(engine, 20 * MINUTE)
    assert told_to(engine.notices(incident_id, "update_wanted")) == ["person:otto"]


def test_only_its_owner_a_champion_or_the_rollback_authority_hand_it_over(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    said(engine, Word.TAKE, incident_id, OTHER)
    assert said(engine, Word.HANDOVER, incident_id, member("U0BOB"), to="olga").refused
    assert said(engine, Word.HANDOVER, incident_id, "nina", to="olga").refused
    for by in (CHAMPION, "otto", "ada"):
        assert not said(engine, Word.HANDOVER, incident_id, by, to="olga").refused
    assert engine.stored_incident(incident_id).offered_to == "olga"


@pytest.mark.parametrize("to", ["", "  ", "S0GROUP", "somebody", "x" * 300, "<!channel>", "@here"])
def test_it_is_handed_over_to_one_person_who_can_be_told(engine: DrivenEngine, to: str) -> None:
    incident_id, _ = waiting(engine)
    with pytest.raises(BadInput):
        said(engine, Word.HANDOVER, incident_id, "olga", to=to)
    assert engine.stored_incident(incident_id).offered_to is None


def test_a_person_whom_no_policy_names_is_told_but_not_called_by_name_in_the_channel(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    said(engine, Word.HANDOVER, incident_id, "olga", to="U0NOBODY")
    (card,) = engine.notices(incident_id, "handover_offered")
    assert (card.audience, card.facts["mentions"]) == ("person:U0NOBODY", [])


def test_it_is_not_handed_to_who_has_it(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine, persons={"lead": ["olga", "U0OLGA"]})
    said(engine, Word.TAKE, incident_id, "olga")
    assert said(engine, Word.HANDOVER, incident_id, "olga", to="U0OLGA").refused


def test_the_last_offer_counts_and_taking_it_settles_them_all(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    said(engine, Word.HANDOVER, incident_id, "olga", to="U0ONE")
    said(engine, Word.HANDOVER, incident_id, "olga", to="U0TWO")
    assert said(engine, Word.ACCEPT, incident_id, member("U0ONE")).refused
    said(engine, Word.TAKE, incident_id, OTHER)
    assert said(engine, Word.ACCEPT, incident_id, member("U0TWO")).refused
    assert owner(engine, incident_id) == "U0OTHER"


def test_what_is_resolved_or_unknown_has_no_owner_to_change(engine: DrivenEngine) -> None:
    incident_id, run_id = waiting(engine)
    engine.order(Word.CANCEL, run_id)
    engine.order(Word.RESOLVE, incident_id)
    for word in (Word.TAKE, Word.HANDOVER, Word.ACCEPT):
        assert said(engine, word, incident_id, "olga", to="otto").refused
        with pytest.raises((BadInput, NotFound)):
            said(engine, word, "inc-nothing", "olga", to="otto")
    with pytest.raises((BadInput, NotFound)):
        said(engine, Word.ACKNOWLEDGE, "esc-nothing", "olga")


def test_of_two_who_take_it_at_once_one_is_told_of_the_other(engine: DrivenEngine) -> None:
    incident_id, _ = waiting(engine)
    at_once([lambda one=one: said(engine, Word.TAKE, incident_id, member(one)) for one in ("U0ONE", "U0TWO")])
    first, second = [one for one in engine.notices(incident_id, "owner_changed") if one.audience == "product"]
    assert (first.facts["before"], second.facts["before"]) == ("", first.facts["owner"])
    assert owner(engine, incident_id) == second.facts["owner"]
    assert first.due_at - second.due_at < timedelta(minutes=1)
