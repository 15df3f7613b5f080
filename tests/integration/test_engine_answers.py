"""Who may answer what a run asks, what an answer is bound to, and how long a question stays open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.written_config import Tree, acting, playbook

from bot.domain.events import Word
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus

ASK = {"id": "accept", "use": "ask_approval", "with": {"role": "endorser", "question": "Is it well?"}}
ASKS = playbook("asks", acting("repeat"), ASK, acting("repeat", id="after"))


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("answers")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(ASKS)


@pytest.fixture
def engine(house: DrivenEngine) -> DrivenEngine:
    house.clock.offset = timedelta(0)
    return house


def waiting(engine: DrivenEngine, **more: Any) -> Run:
    """A run that waits for its approval."""
    service = fresh_name()
    engine.protect(service, **{"authority": "rollback_authority", **more})
    return engine.found(engine.alert(firing(service)).runs[0])


def asking(engine: DrivenEngine, **more: Any) -> Run:
    """A run that has acted and waits for the answer to a question of its playbook."""
    run = waiting(engine, **{"authority": "automatic", "playbook": "asks", **more})
    return engine.drive(run.id)


def criteria(**approval: Any) -> list[Tree]:
    role = {"playbook": "by_key", "authority": "rollback_authority"}
    return [
        {"name": "first", "when": 'alert.labels.alertname == "Divergence"', **role, "approval": approval},
        {"name": "second", "when": 'alert.labels.alertname == "Second"', **role},
    ]


def test_a_role_that_nobody_holds_is_answered_for_by_an_admin_and_by_nobody_else(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, roles={"endorser": ["olga"]})
    run_id = engine.order(Word.ROLLBACK, service, by="otto").runs[0]
    refused = engine.order(Word.APPROVE, run_id, by="olga")
    assert refused.refused
    assert "the policy does not name that role" in refused.message
    assert not engine.order(Word.APPROVE, run_id, by="ada").refused
    assert engine.drive(run_id).status is RunStatus.SUCCEEDED


def test_a_role_that_somebody_holds_is_closed_to_admins(engine: DrivenEngine) -> None:
    run = waiting(engine)
    refused = engine.order(Word.APPROVE, run.id, by="ada")
    assert refused.refused
    assert "its members are olga, otto" in refused.message
    assert engine.found(run.id).status is RunStatus.WAITING


def test_two_ids_of_one_person_are_one_person(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(
        service, roles={"rollback_authority": ["U0LEAD", "nina"]}, persons={"lead": ["U0LEAD", "olga", "otto"]}
    )
    run_id = engine.order(Word.ROLLBACK, service, by="olga").runs[0]
    for name in ("olga", "otto"):
        refused = engine.order(Word.APPROVE, run_id, by=name)
        assert refused.refused
        assert "cannot be the one who approves" in refused.message
    assert not engine.order(Word.APPROVE, run_id, by="nina").refused
    assert engine.drive(run_id).approved_by == "nina"


def test_a_second_answer_is_refused_and_names_the_first(engine: DrivenEngine) -> None:
    run = waiting(engine)
    engine.order(Word.APPROVE, run.id, by="otto")
    for word in (Word.APPROVE, Word.REJECT):
        refused = engine.order(word, run.id, by="olga")
        assert refused.refused
        assert "approved by otto" in refused.message


def test_a_plan_cannot_be_changed_under_its_approval(engine: DrivenEngine) -> None:
    run = waiting(engine)
    engine.order(Word.APPROVE, run.id)
    with pytest.raises(DBAPIError, match="append-only"), engine.app.store.engine.begin() as connection:
        connection.execute(text("UPDATE run_plans SET facts = '{}' WHERE run_id = :id"), {"id": run.id})
    assert engine.drive(run.id).status is RunStatus.SUCCEEDED
    assert [effect["body"] for effect in engine.ledger.effects(run.service)] == [{"to": "41"}]


def test_a_policy_that_takes_the_role_away_from_who_approved_stops_the_run(engine: DrivenEngine) -> None:
    run = waiting(engine)
    engine.order(Word.APPROVE, run.id, by="olga")
    engine.protect(run.service, authority="rollback_authority", roles={"rollback_authority": ["otto"]})
    stopped = engine.drive(run.id)
    assert stopped.status is RunStatus.NEEDS_HUMAN
    assert "olga is not a member of rollback_authority" in stopped.error
    assert engine.ledger.calls(run.service) == []


def test_an_alert_of_another_criterion_joins_a_run_that_waits(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, rollback=criteria())
    first = engine.alert(firing(service))
    second = engine.alert(firing(service, "Second"))
    assert (engine.verdicts(second), second.runs) == (["join"], first.runs)
    assert engine.order(Word.ROLLBACK, service, by="otto").runs == first.runs
    assert len(engine.runs(service)) == 1


def test_a_question_that_expired_is_told_once_and_may_still_be_answered(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, rollback=criteria(expires="15m"))
    engine.clock.turn(timedelta(minutes=-16))
    receipt = engine.alert(firing(service))
    engine.clock.turn(timedelta(minutes=16))
    for _ in range(3):
        engine.app.sweep.wake()
    assert engine.run(receipt.runs[0])["approvals"][0]["status"] == "expired"
    assert len(engine.notices(receipt.incidents[0], "approval_expired")) == 1
    assert not engine.order(Word.APPROVE, receipt.runs[0]).refused
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED


def test_after_a_rejection_the_next_alert_asks_anew(engine: DrivenEngine) -> None:
    run = waiting(engine)
    engine.order(Word.REJECT, run.id)
    assert engine.found(run.id).status is RunStatus.CANCELLED
    assert engine.service(run.service)["state"] == "normal"
    assert engine.alert(firing(run.service)).runs == (run.id,), "the same alert was answered by a person"
    other = engine.alert(firing(run.service, fingerprint=f"{run.service}-other"))
    assert (engine.verdicts(other), other.incidents) == (["ask"], (run.incident_id,))


def test_a_step_that_asks_goes_on_with_the_next_step_after_a_yes(engine: DrivenEngine) -> None:
    run = asking(engine)
    assert [str(step.status) for step in run.steps] == ["done", "waiting", "pending"]
    for _ in range(2):
        engine.app.runner.advance(run.id)
        engine.app.sweep.wake()
    assert engine.found(run.id) == run, "nobody works on it while it waits"
    assert engine.order(Word.APPROVE, run.id, by="otto").refused, "otto is no endorser"
    assert not engine.order(Word.APPROVE, run.id, by="olga").refused
    done = engine.drive(run.id)
    assert (done.status, done.step("accept").output["by"]) == (RunStatus.SUCCEEDED, "olga")
    assert [call["key"].split(":")[1] for call in engine.ledger.calls(run.service)] == ["act", "after"]
    assert [step.tries for step in done.steps] == [1, 1, 1]


def test_a_step_that_asks_fails_after_a_no(engine: DrivenEngine) -> None:
    run = asking(engine)
    engine.order(Word.REJECT, run.id, by="olga")
    stopped = engine.drive(run.id)
    assert (stopped.status, stopped.step("accept").status) == (RunStatus.NEEDS_HUMAN, StepStatus.FAILED)
    assert len(engine.ledger.calls(run.service)) == 1


def test_a_question_that_is_retried_is_asked_anew_and_the_old_no_does_not_count(engine: DrivenEngine) -> None:
    run = asking(engine)
    engine.order(Word.REJECT, run.id, by="olga")
    engine.drive(run.id)
    engine.order(Word.RETRY, run.id, by="otto")
    again = engine.drive(run.id)
    assert again.only_waits_for_approval is False
    assert (again.status, again.step("accept").status) == (RunStatus.WAITING, StepStatus.WAITING)
    engine.order(Word.APPROVE, run.id, by="olga")
    assert engine.drive(run.id).status is RunStatus.SUCCEEDED


def test_two_questions_of_one_run_are_two_answers(engine: DrivenEngine) -> None:
    second = {**ASK, "id": "accept-more"}
    service = fresh_name()
    engine.protect(service, playbook("asks-twice", ASK, second, acting("repeat")), playbook="asks-twice")
    run_id = engine.alert(firing(service)).runs[0]
    engine.drive(run_id)
    engine.order(Word.APPROVE, run_id, by="olga")
    assert [str(step.status) for step in engine.drive(run_id).steps] == ["done", "waiting", "pending"]
    assert engine.ledger.calls(service) == []
    engine.order(Word.APPROVE, run_id, by="olga")
    assert engine.drive(run_id).status is RunStatus.SUCCEEDED


def test_a_cancelled_question_is_withdrawn_and_expires_for_nobody(engine: DrivenEngine) -> None:
    run = asking(engine)
    engine.order(Word.CANCEL, run.id, by="olga")
    assert [one["status"] for one in engine.run(run.id)["approvals"]] == ["withdrawn"]
    engine.app.sweep.wake()
    assert engine.notices(run.incident_id or "", "approval_expired") == []
