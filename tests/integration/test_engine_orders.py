"""Orders about services: halts in every state, pauses of automation, and who may give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from support.alert_bodies import firing
from support.engine import Engine, running_engine
from support.written_config import PROOF, Tree, acting, playbook

from bot.domain.errors import BadInput, ConfigError
from bot.domain.events import Word
from bot.domain.playbooks import Playbook
from bot.domain.times import format_time
from bot.flow.planning import Cause, plan_run


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("orders")) as engine:
        yield engine


def test_a_halt_freezes_promotion_and_opens_an_incident(engine: Engine) -> None:
    engine.protect("frozen")
    receipt = engine.order(Word.HALT, "frozen", by="vera")
    assert not receipt.refused
    service = engine.service("frozen")
    assert service["state"] == "halted"
    assert service["halted"]["by"] == "vera"
    assert service["release"]["status"] == "halted"
    assert engine.incident(receipt.incidents[0])["status"] == "halted"
    assert engine.told(receipt.incidents[0]) == ["halted", "briefing"]
    assert engine.ledger.calls("frozen") == []


def test_a_halt_needs_a_reason(engine: Engine) -> None:
    engine.protect("unreasoned")
    with pytest.raises(BadInput, match="reason"):
        engine.order(Word.HALT, "unreasoned", reason=" ")
    assert engine.service("unreasoned")["state"] == "normal"


def test_only_those_whom_the_policy_names_may_halt(engine: Engine) -> None:
    roles = {"rollback_authority": ["olga"], "halt": ["olga"]}
    engine.protect("guarded", roles=roles)
    assert engine.order(Word.HALT, "guarded", by="otto").refused
    assert not engine.order(Word.HALT, "guarded", by="olga").refused


def test_a_second_halt_joins_the_first(engine: Engine) -> None:
    engine.protect("twice")
    first = engine.order(Word.HALT, "twice", by="olga")
    second = engine.order(Word.HALT, "twice", by="otto")
    assert second.incidents == first.incidents
    assert "halted already, by olga" in second.message
    assert engine.service("twice")["halted"]["by"] == "olga"


def test_fifty_halts_at_once_are_one(engine: Engine) -> None:
    engine.protect("rushed")
    with ThreadPoolExecutor(50) as threads:
        receipts = list(threads.map(lambda _: engine.order(Word.HALT, "rushed"), range(50)))
    assert len({receipt.incidents for receipt in receipts}) == 1
    assert Counter("halted already" in receipt.message for receipt in receipts) == {True: 49, False: 1}
    assert engine.told(receipts[0].incidents[0]) == ["halted", "briefing"]


def test_a_halt_of_a_service_with_nothing_on_its_way_is_recorded_and_changes_nothing(engine: Engine) -> None:
    engine.protect("idle")
    done = engine.alert(firing("idle"))
    engine.work_until(done.runs[0], "succeeded")
    engine.order(Word.RESOLVE, done.incidents[0])
    receipt = engine.order(Word.HALT, "idle")
    assert "nothing to halt" in receipt.message
    assert engine.service("idle")["state"] == "normal"
    with engine.app.store.read() as tx:
        assert [one.verdict for one in tx.decisions(event_id=receipt.event_id)] == ["no_op"]


def test_a_halt_never_interrupts_a_rollback(engine: Engine) -> None:
    slow = playbook("halted_midway", {"id": "wait", "use": "pause", "with": {"for": "300ms"}}, acting("repeat"), PROOF)
    engine.protect("midway", slow, playbook="halted_midway")
    receipt = engine.alert(firing("midway"))
    engine.work()
    assert engine.run(receipt.runs[0])["status"] == "waiting"
    halt = engine.order(Word.HALT, "midway")
    assert halt.incidents == receipt.incidents
    assert engine.service("midway")["state"] == "halted"
    assert engine.incident(receipt.incidents[0])["status"] == "rolling_back"
    engine.work_until(receipt.runs[0], "succeeded")
    assert len(engine.ledger.effects("midway")) == 1
    assert engine.incident(receipt.incidents[0])["status"] == "monitoring"
    assert engine.service("midway")["state"] == "halted"


def test_a_rollback_that_waits_for_an_approval_still_may_be_approved_after_a_halt(engine: Engine) -> None:
    engine.protect("halted-waiting", authority="rollback_authority")
    receipt = engine.alert(firing("halted-waiting"))
    engine.order(Word.HALT, "halted-waiting")
    assert engine.run(receipt.runs[0])["status"] == "waiting"
    assert not engine.order(Word.APPROVE, receipt.runs[0]).refused
    engine.work_until(receipt.runs[0], "succeeded")


def test_an_automatic_rollback_runs_on_a_halted_service(engine: Engine) -> None:
    engine.protect("halted-first")
    halt = engine.order(Word.HALT, "halted-first")
    receipt = engine.alert(firing("halted-first"))
    assert receipt.incidents == halt.incidents
    engine.work_until(receipt.runs[0], "succeeded")
    assert engine.service("halted-first")["state"] == "halted"


def test_a_halt_runs_the_playbook_that_the_policy_names(engine: Engine) -> None:
    stop = playbook("stop_it", acting("repeat"), kind="halt")
    engine.protect("stopped", stop, halt={"playbook": "stop_it"})
    receipt = engine.order(Word.HALT, "stopped")
    run = engine.work_until(receipt.runs[0], "succeeded")
    assert (run["kind"], run["requested_by"]) == ("halt", "olga")
    assert len(engine.ledger.effects("stopped")) == 1


def test_a_halt_stays_until_it_is_lifted_by_an_admin(engine: Engine) -> None:
    engine.protect("lifted")
    receipt = engine.order(Word.HALT, "lifted")
    assert engine.order(Word.LIFT, "lifted", by="olga").refused
    engine.order(Word.RESOLVE, receipt.incidents[0])
    assert engine.service("lifted")["state"] == "halted"
    assert not engine.order(Word.LIFT, "lifted", by="ada").refused
    service = engine.service("lifted")
    assert (service["state"], service["halted"], service["release"]["status"]) == ("normal", None, "in_flight")


@pytest.mark.parametrize("way", ["hands-off", "automation"])
def test_while_automation_is_paused_an_automatic_criterion_is_held_and_people_still_can(
    engine: Engine, way: str
) -> None:
    name = f"paused-{way}"
    engine.protect(name)
    if way == "hands-off":
        assert not engine.order(Word.HANDS_OFF, name, by="ada", **{"for": "2h"}).refused
    else:
        assert not engine.order(Word.AUTOMATION, "all", by="ada", on=False).refused
    held = engine.alert(firing(name))
    assert held.runs == ()
    assert engine.told(held.incidents[0]) == ["held"]
    by_hand = engine.order(Word.ROLLBACK, name, by="olga")
    engine.order(Word.APPROVE, by_hand.runs[0], by="otto")
    engine.work_until(by_hand.runs[0], "succeeded")
    if way == "hands-off":
        assert engine.service(name)["hands_off"]["until"] > format_time(engine.app.clock.now())
        engine.order(Word.HANDS_OFF, name, by="ada", **{"for": "0s"})
        assert engine.service(name)["hands_off"] is None
    else:
        engine.order(Word.AUTOMATION, "all", by="ada", on=True)


def test_an_alert_that_was_held_leads_to_its_run_when_it_repeats_after_the_pause(engine: Engine) -> None:
    engine.protect("released")
    engine.order(Word.HANDS_OFF, "released", by="ada", **{"for": "2h"})
    held = engine.alert(firing("released"))
    engine.order(Word.HANDS_OFF, "released", by="ada", **{"for": "0s"})
    again = engine.alert(firing("released"))
    assert again.incidents == held.incidents
    engine.work_until(again.runs[0], "succeeded")
    assert len(engine.ledger.effects("released")) == 1


def test_orders_beyond_a_token_are_refused_and_recorded(engine: Engine) -> None:
    engine.protect("beyond")
    for word in (Word.LIFT, Word.HANDS_OFF, Word.ROLLBACK):
        receipt = engine.order(word, "beyond", by="vera")
        assert receipt.refused, word
        with engine.app.store.read() as tx:
            [decision] = tx.decisions(event_id=receipt.event_id)
        assert (decision.verdict, decision.actor) == ("refuse", "vera")
        assert f"refused.{word}" in [action for action, _, _ in engine.audit()]


def test_a_playbook_that_calls_a_host_outside_the_allow_list_is_refused_when_it_is_loaded(engine: Engine) -> None:
    outside = playbook("outside", {**acting("repeat"), "with": {"method": "POST", "url": "{{ target.elsewhere }}/x"}})
    target = {"elsewhere": engine.ledger.url, "ledger": engine.ledger.url, "allow_hosts": ["a.example"]}
    with pytest.raises(ConfigError, match="does not allow"):
        engine.protect("walled", outside, playbook="outside", targets={"production": target})
    (engine.config / "policies" / "walled.yaml").unlink()
    (engine.config / "playbooks" / "outside.yaml").unlink()
    engine.app.configuration.reload()


def test_an_alert_cannot_choose_a_host_outside_the_allow_list(engine: Engine) -> None:
    led = playbook(
        "led", {**acting("repeat"), "with": {"method": "POST", "url": "{{ alert.labels.where }}/effects/led"}}
    )
    engine.protect("led", led, playbook="led")
    # The same server under a name that is not on the list.
    receipt = engine.alert(firing("led", where=engine.ledger.url.replace("127.0.0.1", "localhost")))
    run = engine.work_until(receipt.runs[0], "needs_human")
    assert "localhost" in run["error"]
    assert engine.ledger.calls("led") == []


@pytest.mark.parametrize("when", ["queued", "waiting", "needs_human"])
def test_a_halt_ends_a_run_that_promotes(engine: Engine, when: str) -> None:
    name = f"promoted-{when.replace('_', '-')}"
    engine.protect(name)
    steps = {"queued": acting("repeat"), "waiting": {"id": "wait", "use": "pause", "with": {"for": "1h"}}}
    lost = {"id": "lost", "use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/nowhere"}}
    run_id = promotion(engine, name, steps.get(when, lost))
    if when != "queued":
        engine.work_until(run_id, when)
    engine.order(Word.HALT, name)
    engine.work()
    run = engine.run(run_id)
    assert (run["status"], run["error"]) == ("superseded", "the service was halted")
    assert engine.ledger.calls(name) == []


def promotion(engine: Engine, service: str, step: Tree) -> str:
    """A run as a passed stage would plan it: no order and no alert can."""
    app, policy = engine.app, engine.app.configuration.current.policies[service]
    book = Playbook.model_validate(playbook("promote_it", step, kind="promote"))
    cause = Cause(event_id="evt-of-a-stage", within=timedelta(hours=1))
    place = (service, "production")
    run = plan_run(app.ids, policy, book, place, release=None, incident=None, cause=cause, now=app.clock.now())
    with app.store.write() as tx:
        tx.lock_services((service,))
        tx.add(replace(run, event_id=None))
    return run.id


def test_the_audit_of_everything_that_was_ordered_verifies(engine: Engine) -> None:
    engine.app.sweep.seal()
    assert engine.app.store.verify_audit() is None
    actions = {action for action, _, _ in engine.audit()}
    assert {"order.halt", "order.lift", "order.hands_off", "order.automation", "run.planned"} <= actions
