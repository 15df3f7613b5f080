"""Runs and steps that wait for a person: who may answer, what the answer holds for, and what silence does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.alert_bodies import firing
from support.engine import Engine, running_engine
from support.installation import until
from support.written_config import BY_KEY, PROOF, acting, playbook

from bot.domain.events import Receipt, Word


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("approvals")) as engine:
        yield engine


def asked(engine: Engine, service: str, **more: object) -> Receipt:
    """An alert whose run waits for an approval."""
    engine.protect(service, authority="rollback_authority", **more)
    receipt = engine.alert(firing(service))
    engine.work()
    assert engine.run(receipt.runs[0])["waiting_for"] == "approval"
    assert engine.ledger.calls(service) == []
    return receipt


def test_a_run_waits_for_its_approval_and_then_acts(engine: Engine) -> None:
    receipt = asked(engine, "approved")
    assert engine.told(receipt.incidents[0]) == ["approval_needed"]
    answer = engine.order(Word.APPROVE, receipt.runs[0], plan_hash=engine.run(receipt.runs[0])["plan_hash"])
    assert not answer.refused
    run = engine.work_until(receipt.runs[0], "succeeded")
    assert run["approved_by"] == "olga"
    assert run["seconds_to_first_action"] > 0
    assert len(engine.ledger.effects("approved")) == 1


def test_one_who_holds_no_role_may_not_approve(engine: Engine) -> None:
    receipt = asked(engine, "wrong-role")
    for name in ("nina", "vera", "ada"):
        answer = engine.order(Word.APPROVE, receipt.runs[0], by=name)
        assert answer.refused, name
    engine.work()
    assert engine.run(receipt.runs[0])["status"] == "waiting"
    assert engine.ledger.calls("wrong-role") == []


def test_the_one_who_asks_for_a_rollback_may_not_approve_it_under_any_name(engine: Engine) -> None:
    engine.protect("four-eyes", authority="rollback_authority", persons={"lead": ["olga", "olga-at-home"]})
    receipt = engine.order(Word.ROLLBACK, "four-eyes", by="olga")
    own = engine.order(Word.APPROVE, receipt.runs[0], by="olga")
    assert own.refused
    assert "cannot be the one who approves" in own.message
    assert not engine.order(Word.APPROVE, receipt.runs[0], by="otto").refused
    engine.work_until(receipt.runs[0], "succeeded")


def test_an_approval_of_another_plan_is_refused(engine: Engine) -> None:
    receipt = asked(engine, "bound")
    answer = engine.order(Word.APPROVE, receipt.runs[0], plan_hash="0" * 16)
    assert answer.refused
    assert "not the one that was shown" in answer.message
    assert engine.run(receipt.runs[0])["approvals"][0]["status"] == "asked"


def test_an_approval_is_used_once(engine: Engine) -> None:
    receipt = asked(engine, "once")
    assert not engine.order(Word.APPROVE, receipt.runs[0]).refused
    second = engine.order(Word.APPROVE, receipt.runs[0], by="otto")
    assert second.refused
    assert "was approved by olga at" in second.message
    engine.work_until(receipt.runs[0], "succeeded")
    assert len(engine.ledger.effects("once")) == 1


def test_a_rejected_run_ends_without_having_acted(engine: Engine) -> None:
    receipt = asked(engine, "rejected")
    engine.order(Word.REJECT, receipt.runs[0])
    engine.work()
    run = engine.run(receipt.runs[0])
    assert (run["status"], run["error"]) == ("cancelled", "rejected by olga")
    assert engine.ledger.calls("rejected") == []


def test_an_approval_that_nobody_answers_expires_and_the_run_keeps_waiting(engine: Engine) -> None:
    criterion = {
        "name": "divergence",
        "when": 'alert.labels.alertname == "Divergence"',
        "playbook": "by_key",
        "authority": "rollback_authority",
        "approval": {"expires": "200ms"},
    }
    receipt = asked(engine, "expired", rollback=[criterion])

    def is_expired() -> bool:
        engine.app.sweep.wake()
        return bool(engine.run(receipt.runs[0])["approvals"][0]["status"] == "expired")

    until("it is expired", is_expired)
    assert engine.told(receipt.incidents[0]).count("approval_expired") == 1
    assert engine.run(receipt.runs[0])["status"] == "waiting"
    engine.app.sweep.wake()
    assert engine.told(receipt.incidents[0]).count("approval_expired") == 1
    assert not engine.order(Word.APPROVE, receipt.runs[0]).refused
    engine.work_until(receipt.runs[0], "succeeded")


def test_a_deadline_that_passes_while_a_run_waits_is_recorded_when_it_happens(engine: Engine) -> None:
    criterion = {
        "name": "divergence",
        "when": 'alert.labels.alertname == "Divergence"',
        "playbook": "by_key",
        "authority": "rollback_authority",
        "within": "200ms",
    }
    receipt = asked(engine, "late", rollback=[criterion])

    def is_late() -> bool:
        engine.app.sweep.wake()
        return engine.run(receipt.runs[0])["breached_at"] is not None

    until("the breach is recorded", is_late)
    assert engine.run(receipt.runs[0])["status"] == "waiting"
    assert engine.told(receipt.incidents[0]).count("deadline_missed") == 1
    assert any("missed its deadline" in line for line in engine.lines(receipt.incidents[0]))


CRITERIA = [
    {"name": "sure", "when": 'alert.labels.alertname == "Sure"', "playbook": "by_key", "authority": "automatic"},
    {
        "name": "unsure",
        "when": 'alert.labels.alertname == "Unsure"',
        "playbook": "by_key",
        "authority": "rollback_authority",
        "approval": {"expires": "200ms"},
    },
]


def test_an_automatic_criterion_supersedes_a_run_that_only_waits_for_an_approval(engine: Engine) -> None:
    engine.protect("superseded", rollback=CRITERIA)
    first = engine.alert(firing("superseded", "Unsure"))
    second = engine.alert(firing("superseded", "Sure"))
    assert second.runs != first.runs
    assert second.incidents == first.incidents
    waiting = engine.run(first.runs[0])
    assert waiting["status"] == "superseded"
    engine.work_until(second.runs[0], "succeeded")
    assert len(engine.ledger.effects("superseded")) == 1
    assert engine.order(Word.APPROVE, first.runs[0]).refused


def test_the_question_of_a_superseded_run_is_withdrawn_and_expires_for_nobody(engine: Engine) -> None:
    engine.protect("withdrawn", rollback=CRITERIA)
    first = engine.alert(firing("withdrawn", "Unsure"))
    second = engine.alert(firing("withdrawn", "Sure"))
    assert engine.run(first.runs[0])["approvals"][0]["status"] == "withdrawn"
    engine.work_until(second.runs[0], "succeeded")
    expires_at = engine.run(first.runs[0])["approvals"][0]["expires_at"]
    until("its time is over", lambda: engine.app.clock.now().isoformat() > expires_at)
    engine.app.sweep.wake()
    assert "approval_expired" not in engine.told(first.incidents[0])


def test_who_approved_is_checked_again_when_the_run_begins(engine: Engine) -> None:
    receipt = asked(engine, "dismissed")
    engine.order(Word.APPROVE, receipt.runs[0], by="olga")
    engine.protect("dismissed", authority="rollback_authority", roles={"rollback_authority": ["otto"]})
    run = engine.work_until(receipt.runs[0], "needs_human")
    assert "approval does not hold" in run["error"]
    assert engine.ledger.calls("dismissed") == []


def accepting(service: str, **more: object) -> list[dict[str, object]]:
    question = {"role": "endorser", "question": f"Does {service} serve normally?"}
    step = {"id": "accept", "use": "ask_approval", "with": {**question, **more}}
    return [playbook(f"accepted_{service.replace('-', '_')}", acting("repeat"), step, PROOF)]


def test_a_step_that_asks_holds_no_worker_and_goes_on_after_a_yes(engine: Engine) -> None:
    [book] = accepting("yes")
    engine.protect("yes", book, playbook=str(book["playbook"]))
    receipt = engine.alert(firing("yes"))
    run = engine.work_until(receipt.runs[0], "waiting")
    assert run["lease"] is None
    assert run["approvals"][0]["question"] == "Does yes serve normally?"
    assert engine.order(Word.APPROVE, run["id"], by="otto").refused
    assert not engine.order(Word.APPROVE, run["id"], by="olga").refused
    engine.work_until(run["id"], "succeeded")
    assert engine.step(run["id"], "accept")["output"]["by"] == "olga"
    assert len(engine.ledger.effects("yes")) == 1


def test_a_no_to_a_step_stops_the_run_and_people_are_told(engine: Engine) -> None:
    [book] = accepting("no")
    engine.protect("no", book, playbook=str(book["playbook"]))
    receipt = engine.alert(firing("no"))
    run = engine.work_until(receipt.runs[0], "waiting")
    engine.order(Word.REJECT, run["id"], by="olga")
    stopped = engine.work_until(run["id"], "needs_human")
    assert "olga said no" in stopped["error"]
    assert "needs_human" in engine.told(receipt.incidents[0])


def test_a_run_keeps_the_playbook_and_the_plan_that_were_approved(engine: Engine) -> None:
    engine.protect(
        "kept", playbook("kept_plan", acting("repeat")), playbook="kept_plan", authority="rollback_authority"
    )
    receipt = engine.alert(firing("kept"))
    before = engine.run(receipt.runs[0])
    changed = playbook("kept_plan", {**acting("repeat"), "with": {**BY_KEY["steps"][0]["with"], "json": {"to": "99"}}})
    engine.protect("kept", changed, playbook="kept_plan", authority="rollback_authority")
    engine.order(Word.APPROVE, receipt.runs[0], plan_hash=before["plan_hash"])
    run = engine.work_until(receipt.runs[0], "succeeded")
    assert run["plan_hash"] == before["plan_hash"]
    assert [effect["body"] for effect in engine.ledger.effects("kept")] == [{"to": "41"}]
