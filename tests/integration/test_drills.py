"""One drill end to end: the failure is there, its alert comes in, the way back is measured, all is cleaned up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.drills import ALERT, BREAK, PROVE, RESTORE, Rehearsals, rehearsals, serve, served
from support.driven_engine import fresh_name
from support.written_config import playbook

from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.drills import Drill, DrillState
from bot.domain.events import Word
from bot.domain.incidents import IncidentStatus
from bot.domain.runs import RunStatus
from bot.domain.step_states import StepStatus

TEMPLATES = NoticeTemplates([shipped_folder("templates")])
SLOW = playbook("slow", RESTORE, {**PROVE, "with": served("41", **{"for": "2s", "timeout": "9s", "every": "500ms"})})
BROKEN = playbook("broken", {**RESTORE, **serve("43"), "tries": 1}, PROVE)
"""Asks for a version that there is not."""


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsals]:
    with rehearsals(tmp_path_factory.mktemp("drills"), request.param) as house:
        yield house


@pytest.fixture
def service(house: Rehearsals) -> str:
    house.engine.clock.offset = timedelta(0)
    return fresh_name()


def run_ids(drill: Drill) -> list[str]:
    return [one for one in (drill.inject_run_id, drill.run_id, drill.cleanup_run_id) if one]


def check_clean(house: Rehearsals, drill: Drill) -> None:
    """What holds after every drill: it is said everywhere, production saw nothing, and the place is as it was."""
    engine, service = house.engine, drill.service
    assert house.production.calls(f"model:{service}") == []
    assert all(call["drill"] for call in house.staging.calls(f"model:{service}"))
    assert all(engine.found(one).drill for one in run_ids(drill))
    assert all(engine.found(one).is_ended for one in run_ids(drill))
    with engine.app.store.read() as tx:
        assert tx.active_runs((service,)) == {}
        assert tx.open_incidents((service,)) == {}
        assert tx.last_automatic_action((service, "staging")) is None
        told = [one for one in tx.notices(limit=10_000) if one.service == service]
    assert {one.audience for one in told} <= {"engineering", "person:otto"}
    words = [TEMPLATES.render(one) for one in told]
    assert words
    assert all(subject.startswith("DRILL: ") and body.startswith("DRILL: ") for subject, body in words)
    assert [one.name for one in told if one.cause == f"drill:{drill.id}"] in (
        ["drill_report"], ["drill_report", "drill_report"],
    )  # fmt: skip


def test_a_drill_brings_the_failure_about_restores_and_measures_each_moment(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why, drill.human) == (DrillState.PASSED, "", False)
    moments = (
        drill.started_at, drill.injected_at, drill.detected_at, drill.decided_at, drill.first_action_at,
        drill.restored_at, drill.verified_at, drill.ended_at,
    )  # fmt: skip
    assert None not in moments
    assert list(moments) == sorted(one for one in moments if one)
    run = house.engine.found(drill.run_id or "")
    assert (run.playbook.name, run.criterion, run.status) == ("back", "divergence", RunStatus.SUCCEEDED)
    assert (drill.restored_at, drill.verified_at) == (run.step("restore").finished_at, run.step("prove").finished_at)
    assert drill.injected_at == house.engine.found(drill.inject_run_id or "").step("break").finished_at
    # The failure, the way back, and the clean-up; each call says that it is a drill's.
    changed = [one["body"]["to"] for one in house.staging.effects(f"model:{service}")]
    assert changed == ["42", "41", "41"]
    incident = house.engine.stored_incident(drill.incident_id or "")
    assert (incident.drill, incident.status) == (True, IncidentStatus.RESOLVED)
    assert house.engine.lines(incident.id)[-1].startswith(f"Drill {drill.id} passed")
    actions = [action for action, subject, _ in house.engine.audit() if subject == f"drill:{drill.id}"]
    assert actions == [
        "run.planned", "drill.injecting", "drill.restoring", "drill.detected", "drill.cleaning", "run.planned",
        "drill.passed",
    ]  # fmt: skip
    check_clean(house, drill)


def test_without_an_alert_the_drill_selects_its_playbook_and_counts_from_its_detection(
    house: Rehearsals, service: str
) -> None:
    house.protect(service, drill={"alert": {}, "inject": [], "playbook": "by_hand"})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert (drill.injected_at, drill.inject_run_id, drill.cleanup_run_id) == (None, None, None)
    assert house.engine.found(drill.run_id or "").playbook.name == "by_hand"
    assert (drill.seconds_to_restore or 0) > 0
    check_clean(house, drill)


@pytest.mark.parametrize(
    ("more", "state", "why"),
    [
        ({"playbook": "slow", "drill": {"playbook": "slow", "objective": "1s"}}, "failed", "the objective is 1s"),
        (
            {"playbook": "unproven", "drill": {"playbook": "unproven"}},
            "failed",
            "nothing verified what was restored",
        ),
        ({"playbook": "broken", "drill": {"playbook": "broken"}}, "failed", "it needs a person: step restore"),
        ({"playbook": "by_hand"}, "failed", "criterion 'divergence' chose by_hand, not back"),
        (
            {"drill": {"alert": {"alertname": "Other"}}},
            "failed",
            "its alert did not lead to back: no rollback criterion",
        ),
        ({"match": 'alert.labels.team == "fraud"'}, "failed", "`match` does not take such an alert"),
        (
            {"drill": {"inject": [BREAK, {"id": "second", **serve("44"), "timeout": "8s"}]}},
            "aborted",
            "the failure could not be brought about: step second",
        ),
    ],
)
def test_what_does_not_restore_in_time_fails_and_is_cleaned_up(
    house: Rehearsals, service: str, more: dict[str, object], state: str, why: str
) -> None:
    house.protect(service, SLOW, BROKEN, **more)
    drill = house.carry_out(house.plan(service))
    assert drill.state == state
    assert why in drill.why
    assert house.staging.model(service)["serving"] == "41", "what was injected is taken back"
    assert house.engine.found(drill.cleanup_run_id or "").status is RunStatus.SUCCEEDED
    check_clean(house, drill)


def test_a_role_that_is_asked_was_needed_and_its_yes_lets_the_drill_pass(house: Rehearsals, service: str) -> None:
    house.protect(service, authority="rollback_authority")
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    house.engine.app.drilling.advance(drill.id)
    waiting = house.found(drill.id)
    assert (waiting.state, waiting.human) == (DrillState.RESTORING, True)
    house.engine.order(Word.APPROVE, waiting.run_id or "", by="olga")
    drill = house.carry_out(drill)
    assert (drill.state, drill.human, drill.why) == (DrillState.PASSED, True, "")
    check_clean(house, drill)


def test_nobody_who_approves_makes_it_fail_once_its_patience_is_over(house: Rehearsals, service: str) -> None:
    house.protect(service, authority="rollback_authority")
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.human) == (DrillState.FAILED, True)
    assert drill.why == "nobody of rollback_authority approved it in time"
    assert drill.detected_at is not None
    assert drill.ended_at is not None
    assert timedelta(minutes=10) <= drill.ended_at - drill.detected_at < timedelta(minutes=21)
    check_clean(house, drill)


def test_a_lost_worker_at_a_step_that_asks_breaks_the_drill_off_and_it_cleans_up(
    house: Rehearsals, service: str
) -> None:
    house.protect(service, playbook="by_hand", drill={"playbook": "by_hand"})
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    house.engine.app.drilling.advance(drill.id)
    house.engine.abandon(house.found(drill.id).run_id or "")
    drill = house.carry_out(drill)
    assert drill.state is DrillState.ABORTED
    assert drill.why.startswith("its worker was lost: step restore: it was interrupted")
    assert house.staging.model(service)["serving"] == "41"
    check_clean(house, drill)


def test_a_clean_up_that_fails_is_loud_and_says_what_is_left_to_do(house: Rehearsals, service: str) -> None:
    step = {**BREAK, "undo": serve("44"), "tries": 1}
    house.protect(service, drill={"inject": [step]})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.FAILED, "its clean-up did not come to its end")
    with house.engine.app.store.read() as tx:
        told = [one for one in tx.notices(limit=10_000) if one.cause == f"drill:{drill.id}"]
    assert {one.audience for one in told} == {"engineering", "person:otto"}
    assert all(one.facts["left"] == ["step break (http_request) was not taken back (http_request)"] for one in told)
    check_clean(house, drill)


def test_a_step_without_an_undo_is_named_as_left_behind(house: Rehearsals, service: str) -> None:
    house.protect(service, drill={"inject": [{"id": "break", **serve("42"), "timeout": "8s"}]})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.cleanup_run_id) == (DrillState.PASSED, None)
    with house.engine.app.store.read() as tx:
        told = [one for one in tx.notices(limit=10_000) if one.cause == f"drill:{drill.id}"]
    left = "step break (http_request) may have acted and declares no undo"
    assert [(one.audience, one.facts["left"]) for one in told] == [("engineering", [left]), ("person:otto", [left])]


def test_any_number_of_workers_at_any_time_carry_out_one_drill_once(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.plan(service)
    advance = house.engine.app.drilling.advance
    for _ in range(30):
        at_once([lambda: advance(drill.id)] * 4)
        now = house.found(drill.id)
        if now.is_ended:
            break
        for run_id in run_ids(now):
            house.engine.app.runner.advance(run_id)
    drill = house.carry_out(drill)
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert [one["body"]["to"] for one in house.staging.effects(f"model:{service}")] == ["42", "41", "41"]
    with house.engine.app.store.read() as tx:
        events = [one for one in tx.events(limit=1000) if one.source == "drill" and drill.id in one.dedup_key]
    assert [one.id for one in events if one.incident_ids] == [drill.event_id]
    check_clean(house, drill)


def test_its_alert_is_posted_again_after_a_crash_and_counts_once(house: Rehearsals, service: str) -> None:
    house.protect(service)
    drill = house.carry_out(house.plan(service), until=DrillState.RESTORING)
    # As a worker leaves it that died between the front door's commit and its own.
    with house.engine.app.store.write() as tx:
        kept = tx.drill(drill.id)
        assert kept is not None
        tx.save(replace(kept, event_id=None, run_id=None, incident_id=None, detected_at=None))
    drill = house.carry_out(drill)
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    assert len(house.engine.runs(service)) == 3
    assert len(house.engine.incidents(service)) == 1
    check_clean(house, drill)


def test_nothing_of_it_touches_the_release_the_versions_or_the_figures(house: Rehearsals, service: str) -> None:
    house.protect(service)
    engine = house.engine
    with engine.app.store.read() as tx:
        before = tx.figures((1.0,))
    drill = house.carry_out(house.plan(service))
    with engine.app.store.read() as tx:
        after, release = tx.figures((1.0,)), tx.latest_releases((service,))[service]
        assert release.is_in_flight
        assert tx.live_versions(service, "staging", limit=10) == []
        assert tx.latest_resolved((service, "production")) is None
    assert {key: count for key, count in after.incidents.items() if key[0] == service} == {}
    assert (after.run, after.first_action, after.breaches) == (before.run, before.first_action, before.breaches)
    assert engine.service(service)["state"] == "normal"
    check_clean(house, drill)


def test_steps_of_a_playbook_that_was_drilled_are_done(house: Rehearsals, service: str) -> None:
    house.protect(service, drill={"alert": ALERT})
    drill = house.carry_out(house.plan(service))
    assert {one.status for one in house.engine.found(drill.run_id or "").steps} == {StepStatus.DONE}


def test_steps_whose_long_names_differ_at_their_end_are_each_taken_back(house: Rehearsals, service: str) -> None:
    first, second = ({**BREAK, "id": f"break_{'a' * 57}{one}"} for one in "xy")
    house.protect(service, drill={"inject": [first, second]})
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
    undone = [one.id for one in house.engine.found(drill.cleanup_run_id or "").steps]
    assert len(undone) == len(set(undone)) == 2
    assert [one["body"]["to"] for one in house.staging.effects(f"model:{service}")] == ["42", "42", "41", "41", "41"]
    check_clean(house, drill)
