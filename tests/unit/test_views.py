"""What is shown of the records: the names and values that the contract promises, over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.adapters.sql import SqlStore, open_store
from bot.domain.events import Disposition, Event, Receipt
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.outcomes import Outcome
from bot.domain.playbooks import Playbook
from bot.domain.records import Approval, ApprovalStatus, Notice, TimelineEntry
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.runs import Run, RunStatus
from bot.flow import shapes, views
from bot.flow.run_views import run_view
from bot.web.axis import axis_of

NOW = datetime(2026, 11, 20, 11, 33, 30, 396_000, tzinfo=UTC)
PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "rollback_model",
        "summary": "Put the incumbent back",
        "steps": [{"id": "look", "use": "http_request"}, {"id": "restore", "use": "http_request"}],
    }
)
RELEASE = Release("rel-1", "fraud", "41", "42", NOW)
INCIDENT = Incident(
    "inc-1", "fraud", "production", Severity.SEV_1, "scores are wrong", NOW, release_id="rel-1", event_id="evt-1"
)
EVENT = Event("evt-1", "generic", "evt-1", NOW, Disposition.ACCEPTED, alerts=1, body=b'{"a":"\xff"}')


def run_(**values: Any) -> Run:
    given = {
        "id": "run-1",
        "service": "fraud",
        "environment": "production",
        "plan_hash": "abc",
        "facts": {},
        "accepted_at": NOW,
        "deadline": NOW + timedelta(minutes=5),
        "incident_id": "inc-1",
        "event_id": "evt-1",
    }
    return Run.planned(playbook=PLAYBOOK, **{**given, **values})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path / 'andon.db'}")
    opened.upgrade()
    with opened.write() as tx:
        tx.lock_services(["fraud"])
        tx.add(EVENT, RELEASE, INCIDENT)
    yield opened
    opened.close()


def fits(shape: Any, view: Any) -> None:
    """Exactly the keys of its shape, with values of its types."""
    TypeAdapter(shape).validate_python(view, strict=True)
    assert set(view) == set(shape.__annotations__) | {key for base in shape.__mro__ for key in _keys(base)}


def _keys(base: Any) -> set[str]:
    return set(getattr(base, "__required_keys__", ()))


def service_state(store: SqlStore) -> str:
    with store.read() as tx:
        return views.service_view(tx, "fraud", None, NOW)["state"]


def test_a_run_shows_its_times_its_steps_and_what_may_be_ordered(store: SqlStore) -> None:
    asked = Approval("apr-1", "run-1", "lead", "Roll back?", "abc", NOW, NOW + timedelta(minutes=15))
    run = replace(run_().asking(), first_action_at=NOW + timedelta(seconds=1.5))
    step = run.steps[0].intended(NOW).with_outcome(Outcome.done(seen="42"), NOW + timedelta(seconds=1))
    with store.write() as tx:
        tx.add(run.with_step(step), asked)
    with store.read() as tx:
        found = tx.run("run-1")
        assert found is not None
        view = run_view(tx, found)
    fits(shapes.RunView, view)
    assert view["accepted_at"] == "2026-11-20T11:33:30.396Z"
    assert view["first_action_at"] == "2026-11-20T11:33:31.896Z"
    assert view["seconds_to_first_action"] == 1.5
    assert view["finished_at"] is None
    assert view["may"] == ["approve", "reject", "cancel", "take_over"]
    assert view["steps"][0]["output"] == {"seen": "42"}
    assert [one["status"] for one in view["steps"]] == ["done", "pending"]
    assert view["approvals"][0]["question"] == "Roll back?"


@pytest.mark.parametrize(
    ("status", "may"),
    [
        (RunStatus.QUEUED, ["cancel", "take_over"]),
        (RunStatus.RUNNING, ["cancel", "take_over"]),
        (RunStatus.WAITING, ["cancel", "take_over"]),
        (RunStatus.NEEDS_HUMAN, ["cancel", "retry", "done", "undo", "take_over"]),
        (RunStatus.SUCCEEDED, []),
        (RunStatus.SUPERSEDED, []),
    ],
)
def test_what_may_be_ordered_follows_the_state(store: SqlStore, status: RunStatus, may: list[str]) -> None:
    run = run_(status=status, finished_at=NOW if status.is_ended else None)
    with store.write() as tx:
        tx.add(run)
    with store.read() as tx:
        assert run_view(tx, run)["may"] == may


def test_a_question_that_was_answered_cannot_be_answered_again(store: SqlStore) -> None:
    asked = Approval("apr-1", "run-1", "lead", "Roll back?", "abc", NOW, NOW + timedelta(minutes=15))
    run = run_().asking()
    with store.write() as tx:
        tx.add(run, asked.answered(ApprovalStatus.REJECTED, "olga", NOW))
    with store.read() as tx:
        view = run_view(tx, run)
    assert view["may"] == ["cancel", "take_over"]
    assert view["approvals"][0]["answered_by"] == "olga"


def test_an_incident_shows_its_distance_in_seconds_for_each_moment(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(
            TimelineEntry("tml-1", "inc-1", NOW, "opened", "an alert"),
            TimelineEntry("tml-2", "inc-1", NOW + timedelta(seconds=12.5), "restored", "the incumbent is back"),
            Notice("ntc-1", "fraud", "engineering", "opened", "event:evt-1", NOW, {}, incident_id="inc-1"),
            run_(status=RunStatus.SUCCEEDED, finished_at=NOW + timedelta(seconds=12)),
        )
    with store.read() as tx:
        view = views.incident_view(tx, INCIDENT, NOW)
    fits(shapes.IncidentView, view)
    assert [entry["seconds"] for entry in view["timeline"]] == [0.0, 12.5]
    assert view["release"] is not None
    assert view["release"]["incumbent"] == "41"
    assert view["runs"][0]["seconds"] == 12.0
    assert view["notices"][0]["audience"] == "engineering"
    assert view["action_items"] == []


def test_an_event_shows_bytes_that_are_no_text(store: SqlStore) -> None:
    with store.read() as tx:
        found = tx.event("evt-1")
        assert found is not None
        view = views.event_detail(tx, found)
    fits(shapes.EventDetail, view)
    assert view["body"] == '{"a":"\ufffd"}'


def test_a_service_that_nothing_happened_to_is_normal(store: SqlStore) -> None:
    with store.write() as tx:
        tx.save(replace(INCIDENT, status=IncidentStatus.RESOLVED, resolved_at=NOW))
    with store.read() as tx:
        view = views.service_view(tx, "fraud", None, NOW)
    fits(shapes.ServiceView, view)
    assert view["state"] == "normal"
    assert view["mode"] is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (IncidentStatus.OPEN, "normal"),
        (IncidentStatus.ROLLING_BACK, "rolling_back"),
        (IncidentStatus.MONITORING, "monitoring"),
        (IncidentStatus.STABLE, "normal"),
    ],
)
def test_the_state_of_a_service_is_what_its_incident_does(store: SqlStore, status: IncidentStatus, state: str) -> None:
    with store.write() as tx:
        tx.save(replace(INCIDENT, status=status))
    assert service_state(store) == state


def test_a_halt_stays_the_state_whatever_the_incident_does(store: SqlStore) -> None:
    with store.write() as tx:
        tx.save(Service("fraud").halted("olga", "wrong scores", NOW))
        for status in (IncidentStatus.ROLLING_BACK, IncidentStatus.RESOLVED):
            tx.save(replace(INCIDENT, status=status))
    assert service_state(store) == "halted"


def test_a_rollback_that_only_waits_for_a_yes_is_not_rolling_back(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(run_(authority="lead").asking())
    assert service_state(store) == "normal"


def test_a_drill_does_not_make_a_service_look_broken(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(run_(drill=True, environment="staging"))
    assert service_state(store) == "normal"


def test_hands_off_is_shown_until_it_ends_by_itself(store: SqlStore) -> None:
    until = NOW + timedelta(hours=2)
    with store.write() as tx:
        tx.save(replace(Service("fraud"), hands_off_until=until, hands_off_by="ada", hands_off_reason="move"))
    with store.read() as tx:
        during = views.service_view(tx, "fraud", None, NOW)["hands_off"]
        after = views.service_view(tx, "fraud", None, until)["hands_off"]
    assert during == {"until": "2026-11-20T13:33:30.396Z", "by": "ada", "reason": "move"}
    assert after is None


@pytest.mark.parametrize(
    ("status", "version"),
    [(ReleaseStatus.IN_FLIGHT, None), (ReleaseStatus.HALTED, None), (ReleaseStatus.ROLLED_BACK, "41")],
)
def test_what_is_live_is_said_only_where_it_is_known(
    store: SqlStore, status: ReleaseStatus, version: str | None
) -> None:
    with store.write() as tx:
        tx.save(replace(RELEASE, status=status))
    with store.read() as tx:
        live = views.service_view(tx, "fraud", None, NOW)["live"]
    assert live["version"] == version
    assert live["reason"]


def test_a_receipt_has_the_fields_of_the_contract() -> None:
    receipt = Receipt("evt-1", Disposition.ACCEPTED, 2, ("inc-1",), ("run-1",), "so")
    view = views.receipt_view(receipt)
    assert view == {
        "event_id": "evt-1",
        "disposition": "accepted",
        "alerts": 2,
        "incidents": ["inc-1"],
        "runs": ["run-1"],
    }


def test_a_time_axis_keeps_order_and_leaves_a_far_deadline_out(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(
            *(
                TimelineEntry(f"tml-{number}", "inc-1", NOW + timedelta(seconds=number * number), "alert", "an alert")
                for number in range(5)
            ),
            run_(status=RunStatus.SUCCEEDED, finished_at=NOW + timedelta(seconds=10)),
        )
    with store.read() as tx:
        axis = axis_of(views.incident_view(tx, INCIDENT, NOW), NOW + timedelta(hours=1))
    places = [mark.x for mark in axis.marks]
    assert places == sorted(places)
    assert all(0 < place < 100 for place in places)
    assert "deadline" not in [mark.kind for mark in axis.marks]
    assert axis.span == 16
    assert axis.bars[0].x == places[0]
    assert 3 <= len(axis.ticks) <= 12


def test_a_time_axis_shows_a_deadline_that_is_near(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(run_(status=RunStatus.RUNNING, deadline=NOW + timedelta(seconds=30)))
    with store.read() as tx:
        axis = axis_of(views.incident_view(tx, INCIDENT, NOW), NOW + timedelta(seconds=20))
    assert "deadline" in [mark.kind for mark in axis.marks]
    assert axis.span == 30
