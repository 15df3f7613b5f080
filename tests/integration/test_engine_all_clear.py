"""How a restored incident ends: one all-clear to everybody, also after a halt; and how a person takes a run over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.alert_bodies import firing
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.passing_time import asking, fire, told_to
from support.written_config import PROOF, acting, playbook

from bot.domain.events import Receipt, Word
from bot.domain.incidents import IncidentStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.runs import RunStatus, WaitingFor

AUDIENCES = {"engineering": {}, "product": {}, "executive": {}, "support": {}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("all-clear")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build()


def restored(engine: DrivenEngine, **more: Any) -> Receipt:
    service = fresh_name()
    engine.protect(service, audiences=AUDIENCES, **more)
    receipt = fire(engine, service)
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    return receipt


def status(engine: DrivenEngine, incident_id: str) -> IncidentStatus:
    return engine.stored_incident(incident_id).status


def test_an_endorsement_is_one_all_clear_to_every_audience_with_what_remains(engine: DrivenEngine) -> None:
    receipt = restored(engine)
    (incident_id,) = receipt.incidents
    incident = engine.stored_incident(incident_id)
    with engine.app.store.write() as tx:
        for kind, state in ((MinuteKind.ACTION_ITEM, MinuteStatus.OPEN), (MinuteKind.QUESTION, MinuteStatus.DONE)):
            text = f"{kind} that is {state}"
            tx.add(Minute(engine.app.ids.new("min"), incident_id, incident.service, kind, state, text, "olga",
                          engine.clock.now()))  # fmt: skip
    assert not engine.order(Word.ENDORSE, incident_id).refused
    told = engine.notices(incident_id, "endorsed")
    assert told_to(told) == list(AUDIENCES)
    assert [one["text"] for one in told[0].facts["remaining"]] == ["action_item that is open"]
    assert 0 <= told[0].facts["duration_seconds"] < 60
    assert told[0].facts["halted"] is False
    assert engine.order(Word.ENDORSE, incident_id).refused
    assert len(engine.notices(incident_id, "endorsed")) == len(AUDIENCES)


def test_a_restored_incident_that_was_halted_and_lifted_is_watched_again_and_can_be_endorsed(
    engine: DrivenEngine,
) -> None:
    receipt = restored(engine)
    (incident_id,) = receipt.incidents
    service = engine.stored_incident(incident_id).service
    engine.order(Word.HALT, service)
    assert status(engine, incident_id) is IncidentStatus.HALTED
    assert engine.order(Word.ENDORSE, incident_id).refused
    engine.order(Word.LIFT, service, by="ada")
    assert status(engine, incident_id) is IncidentStatus.MONITORING
    assert not engine.order(Word.ENDORSE, incident_id).refused
    assert told_to(engine.notices(incident_id, "endorsed")) == list(AUDIENCES)


def test_a_halt_before_the_rollback_stays_and_the_all_clear_says_so(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, audiences=AUDIENCES)
    engine.order(Word.HALT, service)
    receipt = fire(engine, service)
    engine.drive(receipt.runs[0])
    assert status(engine, receipt.incidents[0]) is IncidentStatus.MONITORING
    engine.order(Word.ENDORSE, receipt.incidents[0])
    engine.work()
    bodies = {one.audience: one.body for one in engine.notices(receipt.incidents[0], "endorsed")}
    halted = {audience for audience, body in bodies.items() if "It stays halted" in body}
    assert halted == {"engineering", "product", "executive"}
    engine.order(Word.LIFT, service, by="ada")
    assert status(engine, receipt.incidents[0]) is IncidentStatus.STABLE


def test_a_lift_without_a_rollback_that_succeeded_leaves_the_incident_open(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    incident_id = engine.order(Word.HALT, service).incidents[0]
    engine.order(Word.LIFT, service, by="ada")
    assert status(engine, incident_id) is IncidentStatus.OPEN
    assert engine.order(Word.ENDORSE, incident_id).refused


def test_a_lift_after_a_rollback_that_was_given_up_leaves_the_incident_open(engine: DrivenEngine) -> None:
    receipt = restored(engine, cooldown="0s")
    (incident_id,) = receipt.incidents
    service = engine.stored_incident(incident_id).service
    again = engine.order(Word.ROLLBACK, service, by="nina")
    engine.order(Word.CANCEL, again.runs[0])
    engine.order(Word.HALT, service)
    engine.order(Word.LIFT, service, by="ada")
    assert status(engine, incident_id) is IncidentStatus.OPEN


SLOW = playbook("slow", {"id": "rest", "use": "pause", "with": {"for": "1h"}}, acting("repeat", tries=5), PROOF)


def rollback(playbook_name: str) -> dict[str, Any]:
    when = 'alert.labels.alertname == "Divergence"'
    return {"rollback": [{"name": "divergence", "when": when, "playbook": playbook_name}]}


def is_over_for_the_bot(engine: DrivenEngine, receipt: Receipt) -> None:
    """Taken over: nothing of it is touched any more, and its place is free."""
    (run_id,) = receipt.runs
    service = engine.found(run_id).service
    calls = len(engine.ledger.calls(service))
    taken = engine.order(Word.TAKE_OVER, run_id, by="otto")
    assert not taken.refused
    assert "does not touch it any more" in taken.message
    engine.app.runner.advance(run_id)
    run = engine.found(run_id)
    assert (run.status, run.error) == (RunStatus.CANCELLED, "taken over by otto")
    assert len(engine.ledger.calls(service)) == calls
    assert told_to(engine.notices(receipt.incidents[0], "stopped")) == ["engineering"]
    assert status(engine, receipt.incidents[0]) is IncidentStatus.OPEN
    assert engine.order(Word.TAKE_OVER, run_id, by="otto").refused


def test_a_run_is_taken_over_before_it_began(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    is_over_for_the_bot(engine, fire(engine, service))


def test_a_run_is_taken_over_while_it_waits_for_a_time(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, SLOW, playbook="slow", **rollback("slow"))
    receipt = fire(engine, service)
    engine.app.runner.advance(receipt.runs[0])
    assert engine.found(receipt.runs[0]).waiting_for is not None
    is_over_for_the_bot(engine, receipt)


def test_a_run_is_taken_over_while_its_worker_is_between_two_steps(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = fire(engine, service)
    engine.abandon(receipt.runs[0])
    assert engine.found(receipt.runs[0]).status is RunStatus.RUNNING
    is_over_for_the_bot(engine, receipt)


def test_a_question_that_is_taken_over_is_withdrawn(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, **asking())
    receipt = engine.alert(firing(service))
    assert engine.found(receipt.runs[0]).waiting_for is WaitingFor.APPROVAL
    engine.order(Word.TAKE_OVER, receipt.runs[0], by="otto")
    with engine.app.store.read() as tx:
        (approval,) = tx.approvals(receipt.runs[0])
    assert (str(approval.status), approval.answered_by) == ("withdrawn", "andon")


def test_only_who_may_steer_a_run_takes_it_over(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = fire(engine, service)
    assert engine.order(Word.TAKE_OVER, receipt.runs[0], by="nina").refused
    assert engine.found(receipt.runs[0]).status is RunStatus.QUEUED
