"""Runs that need a person: retry, done, undo and take over, and what each may do to the world."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.alert_bodies import firing
from support.engine import Engine, running_engine
from support.installation import until
from support.written_config import BY_PERSON, COUNT, PROOF, Tree, acting, playbook

from bot.domain.events import Receipt, Word
from playbooks.steps.http_request import HttpRequest

NOT_DONE = {"mode": "status", "status": 500, "times": 1}
DONE_BUT_LOST = {"mode": "status_after", "status": 500, "times": 1}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("helping")) as engine:
        yield engine


def act_on(what: str, **more: Any) -> Tree:
    """A step that acts on its own name beside the service's."""
    call = {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}." + what}
    back = {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}." + what + "-back"}
    return {"id": what, "use": "http_request", "with": call, "undo": {"use": "http_request", "with": back}, **more}


def stopped(engine: Engine, service: str, fault: dict[str, Any], book: Tree = BY_PERSON) -> Receipt:
    """A run that stopped at a step whose effect is not known."""
    engine.protect(service, book, playbook=book["playbook"])
    engine.ledger.fault(fault["mode"], path=f"/effects/{service}", **{k: v for k, v in fault.items() if k != "mode"})
    receipt = engine.alert(firing(service))
    engine.work_until(receipt.runs[0], "needs_human")
    return receipt


def test_a_step_whose_effect_is_not_known_stops_and_says_so(engine: Engine) -> None:
    receipt = stopped(engine, "unknown", DONE_BUT_LOST)
    run = engine.run(receipt.runs[0])
    assert engine.step(run["id"], "act")["status"] == "unknown"
    assert "status 500" in run["error"]
    assert {"retry", "undo", "take_over"} <= set(run["may"])
    assert engine.told(receipt.incidents[0])[-1] == "needs_human"
    engine.work()
    assert len(engine.ledger.calls("unknown")) == 1


def test_a_retry_by_a_person_performs_the_step_once_more_with_the_same_key(engine: Engine) -> None:
    receipt = stopped(engine, "retried", NOT_DONE)
    assert not engine.order(Word.RETRY, receipt.runs[0]).refused
    engine.work_until(receipt.runs[0], "succeeded")
    calls = engine.ledger.calls("retried")
    assert [call["key"] for call in calls] == [f"{receipt.runs[0]}:act"] * 2
    assert calls[0]["fence"] < calls[1]["fence"]
    assert len(engine.ledger.effects("retried")) == 1


def test_only_the_rollback_authority_and_admins_may_help(engine: Engine) -> None:
    receipt = stopped(engine, "helped", NOT_DONE)
    for name in ("nina", "vera"):
        assert engine.order(Word.RETRY, receipt.runs[0], by=name).refused, name
    assert engine.run(receipt.runs[0])["status"] == "needs_human"
    assert not engine.order(Word.RETRY, receipt.runs[0], by="ada").refused


def test_done_is_refused_where_no_check_could_confirm_it(engine: Engine) -> None:
    receipt = stopped(engine, "unchecked", DONE_BUT_LOST)
    answer = engine.order(Word.DONE, receipt.runs[0])
    assert answer.refused
    assert "no check" in answer.message


CHECKED = playbook("checked", acting("ask", check={"use": "http_request", "with": COUNT}), PROOF)


def test_done_goes_on_where_the_check_agrees(engine: Engine) -> None:
    receipt = stopped(engine, "agreed", DONE_BUT_LOST, CHECKED)
    assert not engine.order(Word.DONE, receipt.runs[0]).refused
    engine.work_until(receipt.runs[0], "succeeded")
    assert len(engine.ledger.calls("agreed")) == 1


def test_done_stops_again_where_the_check_does_not_agree(engine: Engine) -> None:
    receipt = stopped(engine, "disputed", NOT_DONE, CHECKED)
    engine.order(Word.DONE, receipt.runs[0])
    engine.work()
    run = engine.run(receipt.runs[0])
    assert run["status"] == "needs_human"
    assert engine.ledger.effects("disputed") == []
    assert len(engine.ledger.calls("disputed")) == 1


THREE = (act_on("one"), act_on("two"), act_on("three", if_interrupted="ask"))


def test_an_undo_takes_back_what_acted_in_reverse_order_under_keys_of_its_own(engine: Engine) -> None:
    book = playbook("three_steps", *THREE)
    engine.protect("undone", book, playbook="three_steps")
    engine.ledger.fault("status", path="/effects/undone.three", status=500)
    receipt = engine.alert(firing("undone"))
    run_id = engine.work_until(receipt.runs[0], "needs_human")["id"]
    assert not engine.order(Word.UNDO, run_id).refused
    run = engine.work_until(run_id, "failed")
    assert run["error"] == "it was undone"
    effects = [one for one in engine.ledger.effects() if one["what"].startswith("undone.")]
    whats = ["one", "two", "three-back", "two-back", "one-back"]
    assert [one["what"] for one in effects] == [f"undone.{what}" for what in whats]
    assert [one["key"] for one in effects[2:]] == [f"{run_id}:{step}:undo" for step in ("three", "two", "one")]
    assert engine.incident(receipt.incidents[0])["status"] == "open"


def test_a_playbook_that_undoes_on_failure_ends_failed_and_unasked(engine: Engine) -> None:
    wrong = {**act_on("two"), "with": {"method": "POST", "url": "{{ target.ledger }}/nowhere"}}
    engine.protect("backed-out", playbook("backs_out", act_on("one"), wrong, on_failure="undo"), playbook="backs_out")
    receipt = engine.alert(firing("backed-out"))
    run = engine.work_until(receipt.runs[0], "failed")
    assert run["undoing"]
    effects = [one["what"] for one in engine.ledger.effects() if one["what"].startswith("backed-out.")]
    assert effects[0] == "backed-out.one"
    assert effects[-1] == "backed-out.one-back"
    assert "stopped" in engine.told(receipt.incidents[0])


def test_a_run_without_anything_to_undo_refuses_an_undo(engine: Engine) -> None:
    receipt = stopped(engine, "stuck", NOT_DONE)
    answer = engine.order(Word.UNDO, receipt.runs[0])
    assert answer.refused
    assert engine.run(receipt.runs[0])["status"] == "needs_human"


def test_a_run_that_was_taken_over_is_never_touched_again_and_its_place_is_free(engine: Engine) -> None:
    receipt = stopped(engine, "taken", NOT_DONE)
    assert not engine.order(Word.TAKE_OVER, receipt.runs[0]).refused
    engine.work()
    assert engine.run(receipt.runs[0])["status"] == "cancelled"
    assert len(engine.ledger.calls("taken")) == 1
    assert engine.order(Word.RETRY, receipt.runs[0]).refused
    assert engine.incident(receipt.incidents[0])["status"] == "open"
    another = engine.order(Word.ROLLBACK, "taken", by="olga")
    assert another.runs[0] != receipt.runs[0]


def test_a_cancel_during_a_call_keeps_its_outcome_and_does_nothing_more(engine: Engine) -> None:
    engine.protect("cut", playbook("cut_short", act_on("one"), act_on("two")), playbook="cut_short")
    engine.ledger.fault("slow", path="/effects/cut.one", seconds=0.8)
    receipt = engine.alert(firing("cut"))
    worker = threading.Thread(target=engine.app.runner.advance, args=(receipt.runs[0],))
    worker.start()
    until("the call arrives", lambda: engine.ledger.calls("cut.one"))
    assert not engine.order(Word.CANCEL, receipt.runs[0]).refused
    worker.join(10)
    run = engine.run(receipt.runs[0])
    assert (run["status"], run["error"]) == ("cancelled", "cancelled by olga")
    assert [step["status"] for step in run["steps"]] == ["done", "pending"]
    engine.work()
    assert engine.ledger.calls("cut.two") == []


def test_an_ended_run_takes_no_order_any_more(engine: Engine) -> None:
    engine.protect("over")
    receipt = engine.alert(firing("over"))
    engine.work_until(receipt.runs[0], "succeeded")
    for word in (Word.APPROVE, Word.REJECT, Word.CANCEL, Word.RETRY, Word.DONE, Word.UNDO, Word.TAKE_OVER):
        answer = engine.order(word, receipt.runs[0])
        assert answer.refused, word
        assert "has ended" in answer.message


def test_a_call_of_a_deployer_that_is_busy_is_made_again_later(engine: Engine) -> None:
    engine.protect("busy")
    engine.ledger.fault("status", path="/effects/busy", status=503, retry_after="1", times=1)
    receipt = engine.alert(firing("busy"))
    engine.work_until(receipt.runs[0], "succeeded")
    assert len(engine.ledger.calls("busy")) == 2
    assert len(engine.ledger.effects("busy")) == 1


class Treacherous(HttpRequest):
    """A step of somebody else's that breaks where only its description is asked for."""

    is_armed = False

    def acts(self, raw: Mapping[str, Any]) -> bool:
        if self.is_armed:
            raise ZeroDivisionError("a bug in a plug-in")
        return super().acts(raw)


def test_a_run_that_breaks_outside_its_steps_stops_and_asks_a_person(engine: Engine) -> None:
    step = Treacherous()
    engine.app.steps["treacherous"] = step  # type: ignore[index]
    call = {"use": "treacherous", "with": {"method": "POST", "url": "{{ target.ledger }}/effects/broken"}}
    engine.protect("broken", playbook("breaks", {**acting("repeat"), **call}), playbook="breaks")
    receipt = engine.alert(firing("broken"))
    step.is_armed = True
    with pytest.raises(ZeroDivisionError):
        engine.app.runner.advance(receipt.runs[0])
    run = engine.run(receipt.runs[0])
    assert run["status"] == "needs_human"
    assert "a bug in a plug-in" in run["error"]
    assert run["lease"] is None
    assert "needs_human" in engine.told(receipt.incidents[0])
    step.is_armed = False
    engine.order(Word.RETRY, receipt.runs[0])
    engine.work_until(receipt.runs[0], "succeeded")
