"""What stands in a drill's way, and what a drill means for everything else that happens at its place meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.drills import ALERT, BREAK, PROVE, RESTORE, Rehearsals, rehearsals, serve
from support.driven_engine import fresh_name
from support.metrics_server import MetricsServer, metrics_server
from support.scripted_server import Answer, scripted_server
from support.written_config import playbook, write_config

from bot.domain.drill_schedules import schedule_of
from bot.domain.drills import Drill, DrillState
from bot.domain.events import Word
from bot.domain.incidents import IncidentStatus
from bot.domain.playbooks import PlaybookKind
from bot.domain.runs import RunStatus
from bot.flow.drill_facts import judged_drills

FREEZING = playbook(
    "freezing", {"id": "freeze", "use": "freeze_release", "with": {"reason": "drilled"}}, RESTORE, PROVE
)
TELLING = playbook(
    "telling",
    {
        "id": "say",
        "use": "post_notice",
        "with": {"notice": "message", "text": "hello", "audiences": ["support", "product"]},
    },
    RESTORE,
    PROVE,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsals]:
    with rehearsals(tmp_path_factory.mktemp("places")) as house:
        yield house


@pytest.fixture
def service(house: Rehearsals) -> str:
    house.engine.clock.offset = timedelta(0)
    return fresh_name()


def hands_off(house: Rehearsals, service: str) -> None:
    receipt = house.engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "1h"})
    assert not receipt.refused, receipt.message


def open_incident(house: Rehearsals, service: str) -> None:
    house.engine.alert(firing(service, "Other", environment="staging"))


def run_at_work(house: Rehearsals, service: str) -> None:
    house.engine.order(Word.ROLLBACK, service, environment="staging")


def observing(house: Rehearsals, service: str) -> None:
    house.protect(service, mode="observe")


def another_drill(house: Rehearsals, service: str) -> None:
    house.engine.app.drilling.advance(house.plan(service).id)


def without_it(house: Rehearsals, service: str) -> None:
    house.protect(service, drills=[])


STANDS_IN_ITS_WAY: list[tuple[Callable[[Rehearsals, str], None], str]] = [
    (hands_off, "automation is paused for this service (for a reason)"),
    (open_incident, "incident inc-"),
    (run_at_work, "run run-"),
    (observing, "the policy only observes"),
    (another_drill, "drill drl-"),
]


@pytest.mark.parametrize(("prepare", "why"), STANDS_IN_ITS_WAY, ids=lambda one: getattr(one, "__name__", ""))
def test_a_drill_that_cannot_start_is_missed_and_told_with_its_reason(
    house: Rehearsals, service: str, prepare: Callable[[Rehearsals, str], None], why: str
) -> None:
    house.protect(service)
    drill = house.plan(service)
    prepare(house, service)
    house.engine.app.drilling.advance(drill.id)
    missed = house.found(drill.id)
    assert (missed.state, missed.started_at) == (DrillState.MISSED, None)
    assert missed.why.startswith(why)
    with house.engine.app.store.read() as tx:
        told = [one for one in tx.notices(limit=10_000) if one.cause == f"drill:{drill.id}"]
    assert {(one.name, one.audience) for one in told} == {
        ("drill_missed", "engineering"), ("drill_missed", "person:otto"),
    }  # fmt: skip


def test_automation_that_is_off_everywhere_keeps_every_drill_from_starting(house: Rehearsals, service: str) -> None:
    house.protect(service)
    house.engine.order(Word.AUTOMATION, "", by="ada", on=False)
    try:
        drill = house.carry_out(house.plan(service))
    finally:
        house.engine.order(Word.AUTOMATION, "", by="ada", on=True)
    assert (drill.state, drill.why) == (DrillState.MISSED, "automation is off everywhere (for a reason)")


def test_a_slot_that_the_policy_has_no_more_is_missed(house: Rehearsals, service: str) -> None:
    house.protect(service, drill={"cron": "0 10 * * 2"})
    rule = house.engine.app.configuration.current.policies[service].drills[0]
    drill = house.plan(service, schedule=schedule_of(service, rule))
    without_it(house, service)
    assert house.carry_out(drill).why == "the policy has it no more"


def test_a_worker_that_comes_later_than_the_grace_starts_nothing(house: Rehearsals, service: str) -> None:
    house.protect(service, drill={"grace": "10m"})
    due_at = house.engine.clock.now() - timedelta(minutes=11)
    drill = house.carry_out(house.plan(service, due_at=due_at))
    assert (drill.state, drill.why) == (DrillState.MISSED, "nothing started it within 10m")


def test_an_alert_of_ones_own_monitoring_belongs_to_the_drill_and_counts_once_it_is_over(
    house: Rehearsals, service: str
) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    alert = firing(service, environment="staging")
    receipt = house.engine.alert(alert)
    drill = house.carry_out(drill)
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert list(receipt.incidents) == [drill.incident_id]
    assert all(one.drill for one in house.engine.runs(service))
    again = house.engine.alert(alert)
    assert list(again.incidents) != [drill.incident_id]
    run = house.engine.found(again.runs[0])
    assert (run.drill, house.engine.stored_incident(again.incidents[0]).drill) == (False, False)
    house.engine.drive(run.id)


def test_a_real_alert_in_production_is_answered_as_ever_while_a_drill_goes_on(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    receipt = house.engine.alert(firing(service))
    run = house.engine.found(receipt.runs[0])
    assert (run.drill, run.environment) == (False, "production")
    assert house.engine.drive(run.id).status is RunStatus.SUCCEEDED
    assert house.carry_out(drill).state is DrillState.PASSED
    assert [one["drill"] for one in house.production.calls(f"model:{service}")] == [False]
    told = {one.audience for one in house.engine.notices(receipt.incidents[0], "rollback_started")}
    assert told == {"engineering", "product", "executive", "support"}


@pytest.mark.parametrize("book", [FREEZING, TELLING], ids=lambda one: str(one["playbook"]))
def test_what_a_playbook_does_to_people_and_promotion_it_does_not_do_in_a_drill(
    house: Rehearsals, service: str, book: dict[str, Any]
) -> None:
    house.protect(service, book, playbook=book["playbook"], drill={"playbook": book["playbook"]})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert house.engine.service(service)["halted"] is None
    with house.engine.app.store.read() as tx:
        assert {one.audience for one in tx.notices(limit=10_000) if one.service == service} == {"engineering"}


def test_audiences_that_the_policy_tells_of_its_drills_hear_of_them(house: Rehearsals, service: str) -> None:
    house.protect(service, drill={"tell": ["product"]})
    house.carry_out(house.plan(service))
    with house.engine.app.store.read() as tx:
        told = {(one.audience, one.name) for one in tx.notices(limit=10_000) if one.service == service}
    assert {audience for audience, _ in told} == {"engineering", "product"}
    assert ("product", "drill_report") in told
    assert ("product", "restored") in told


def test_a_policy_that_goes_away_meanwhile_leaves_nothing_behind(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    file = house.engine.config / "policies" / f"{service}.yaml"
    file.unlink()
    house.engine.app.configuration.reload()
    drill = house.carry_out(drill)
    assert drill.is_ended
    assert house.staging.model(service)["serving"] == "41"
    assert house.engine.found(drill.cleanup_run_id or "").status is RunStatus.SUCCEEDED


def test_metrics_of_the_stable_state_verify_what_no_step_does(house: Rehearsals, service: str) -> None:
    with metrics_server() as server:
        server.values, server.now = {"errors": 0.5}, house.engine.clock.now
        drill = _measured(house, service, server)
        house.engine.app.drilling.advance(drill.id)
        assert house.found(drill.id).state is DrillState.RESTORING
        assert server.received
        assert all(one.headers.get("andon-drill") == "true" for one in server.received)
        server.values = {"errors": 0.001}
        drill = house.carry_out(house.found(drill.id))
        assert (drill.state, drill.why) == (DrillState.PASSED, "")
        assert drill.verified_at is not None
        assert drill.verified_at > (drill.restored_at or drill.verified_at)


def test_metrics_that_stay_bad_fail_the_drill_once_its_patience_is_over(house: Rehearsals, service: str) -> None:
    with metrics_server() as server:
        server.values, server.now = {"errors": 0.5}, house.engine.clock.now
        drill = _measured(house, service, server)
        house.engine.clock.turn(timedelta(minutes=11))
        drill = house.carry_out(house.found(drill.id))
        assert (drill.state, drill.why) == (DrillState.FAILED, "what was restored was not measured to be good")


def _measured(house: Rehearsals, service: str, server: MetricsServer) -> Drill:
    """A drill whose playbook has restored and verifies nothing; the policy has a metric."""
    metric = {"prometheus": "{{ target.metrics }}", "query": "errors", "condition": "value < 0.01"}
    made = house.protect(service, playbook="unproven", drill={"playbook": "unproven"})
    made["stable"] = {"metrics": [metric]}
    return _restored(house, service, made, server)


def _restored(house: Rehearsals, service: str, made: dict[str, Any], server: MetricsServer) -> Drill:
    hosts = [house.staging.host, server.url.removeprefix("http://")]
    staging = {"ledger": house.staging.url, "metrics": server.url, "allow_hosts": hosts}
    made["targets"] = {"production": {"metrics": "http://production.example", "allow_hosts": ["production.example"]}}
    made["targets"]["production"]["ledger"] = "http://production.example"
    made["targets"]["staging"] = staging
    write_config(house.engine.config, [made], ())
    house.engine.app.configuration.reload()
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    house.engine.app.drilling.advance(drill.id)
    house.engine.app.runner.advance(house.found(drill.id).run_id or "")
    return house.found(drill.id)


def test_what_serves_there_is_not_read_back_while_a_drill_goes_on(house: Rehearsals, service: str) -> None:
    with scripted_server() as server:
        server.will(Answer(200, {"version": "42"}))
        live = {"staging": {"url": f"{server.url}/live", "version": "body.version", "every": "1m"}}
        hosts = [house.staging.host, server.url.removeprefix("http://")]
        targets = {
            "production": {"ledger": house.production.url, "allow_hosts": [house.production.host]},
            "staging": {"ledger": house.staging.url, "allow_hosts": hosts},
        }
        house.protect(service, live=live, targets=targets)
        drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
        for _ in range(3):
            house.engine.app.sweep.look()
        assert server.received == []
        assert house.carry_out(drill).state is DrillState.PASSED
        house.engine.app.sweep.look()
        assert [one.path for one in server.received] == ["/live"]
        assert [one.drill for one in house.engine.incidents(service)][:1] == [True]


def test_its_own_alert_is_ignored_where_no_such_drill_runs(house: Rehearsals, service: str) -> None:
    house.protect(service)
    place = {"drill": "drl-x", "service": service, "environment": "staging"}
    body = {**place, "playbook": "back", "objective_seconds": 300, "since": "2026-05-04T02:00:00Z"}
    receipt = house.engine.deliver(json.dumps(body).encode(), "drill")
    assert house.engine.verdicts(receipt) == ["ignore"]
    assert (receipt.incidents, receipt.runs) == ((), ())


def test_the_gate_reads_the_drills_that_came_to_a_verdict(house: Rehearsals, service: str) -> None:
    house.protect(service)
    passed = house.carry_out(house.plan(service))
    house.protect(service, drill={"alert": {"alertname": "Other"}})
    failed = house.carry_out(house.plan(service))
    house.engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "1h"})
    house.carry_out(house.plan(service))
    with house.engine.app.store.read() as tx:
        read = judged_drills(tx, service)
    assert [(one["id"], one["passed"]) for one in read] == [(failed.id, False), (passed.id, True)]
    assert {one["playbook"] for one in read} == {"back"}


def test_a_stage_that_asks_for_a_drill_is_passed_only_after_one(house: Rehearsals, service: str) -> None:
    stages = [{"name": "ready", "drilled_within": "1d"}, {"name": "production"}]
    house.protect(service, stages=stages, release=None, baseline="41", drill={"inject": [], "alert": {}})
    receipt = house.engine.order(Word.RELEASE_START, service, candidate="42")
    assert not receipt.refused, receipt.message
    release = receipt.records[0]
    house.engine.work()

    def stage() -> str | None:
        house.engine.app.judge.judge(release)
        house.engine.order(Word.PROMOTE, release)
        house.engine.work()
        with house.engine.app.store.read() as tx:
            found = tx.release(release)
        assert found is not None
        return found.stage

    assert stage() == "ready"
    assert house.carry_out(house.plan(service)).state is DrillState.PASSED
    assert stage() != "ready"


def test_a_drill_of_a_run_that_is_no_rollback_is_measured_all_the_same(house: Rehearsals, service: str) -> None:
    book = {**playbook("other", RESTORE, PROVE), "kind": "other"}
    house.protect(service, book, playbook="other", drill={"playbook": "other"})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert house.engine.found(drill.run_id or "").kind is PlaybookKind.OTHER
    assert house.engine.stored_incident(drill.incident_id or "").status is IncidentStatus.RESOLVED


def test_the_clean_up_acts_on_the_target_that_was_injected_whatever_the_policy_says_by_then(
    house: Rehearsals, service: str, tmp_path: Path
) -> None:
    step = {**BREAK, "undo": serve("{{ release.incumbent }}")}
    made = house.protect(service, drill={"inject": [step]})
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    made = {**made, "release": {"incumbent": "42", "candidate": "43"}}
    made["targets"] = {**made["targets"], "staging": {"ledger": "http://gone.example", "allow_hosts": ["gone.example"]}}
    write_config(house.engine.config, [made], ())
    house.engine.app.configuration.reload()
    drill = house.carry_out(drill)
    assert house.staging.model(service)["serving"] == "41"
    assert house.engine.found(drill.cleanup_run_id or "").status is RunStatus.SUCCEEDED


def test_a_drill_is_skipped_over_by_whoever_comes_when_it_is_over(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service))
    house.engine.app.drilling.advance(drill.id)
    house.engine.app.drilling.advance("drl-" + "0" * 26)
    assert house.found(drill.id) == replace(drill)


def test_a_drill_that_failed_is_told_by_its_report_and_reminded_of_after_a_week(
    house: Rehearsals, service: str
) -> None:
    house.protect(service, playbook="by_hand")
    drill = house.carry_out(house.plan(service))
    assert drill.state is DrillState.FAILED

    def reminders() -> list[str]:
        house.engine.app.sweep.wake()
        with house.engine.app.store.read() as tx:
            told = [one for one in tx.notices(limit=10_000) if (one.name, one.service) == ("drill_overdue", service)]
        return [one.audience for one in told]

    house.engine.clock.turn(timedelta(hours=1))
    assert reminders() == []
    house.engine.clock.turn(timedelta(days=7))
    assert reminders() == ["person:otto"]


def test_one_drills_audiences_do_not_hear_of_another_at_the_same_place(house: Rehearsals, service: str) -> None:
    told_of = {"playbook": "back", "environment": "staging", "inject": [BREAK], "alert": ALERT, "tell": ["product"]}
    quiet = {**told_of, "name": "quiet", "tell": []}
    house.protect(service, drills=[told_of, quiet])
    rule = house.engine.app.configuration.current.policies[service].drills[1]
    drill = house.carry_out(house.plan(service, rule=rule))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    with house.engine.app.store.read() as tx:
        told = {one.audience for one in tx.notices(limit=10_000) if one.service == service}
    assert told == {"engineering"}
