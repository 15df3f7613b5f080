"""Once a week whoever has something open in a release hears of it, and overdue retrospectives are asked for daily."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, fresh_name
from support.engine import ACTORS
from support.passing_time import passing, told_to

from bot.domain.events import Word
from bot.domain.records import Notice
from bot.flow.evidence_desk import Pushed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STAGES = [
    {"name": "evaluation", "gates": [{"use": "metric", "metric": "f1", "at_least": 0.9}], "owner": "champion"},
    {"name": "staging", "gates": [{"use": "checklist", "items": [{"name": "runbook", "role": "writer"}]}]},
    {"name": "production"},
]
ROLES = {"champion": ["olga"], "writer": ["nina"], "endorser": ["otto"], "rollback_authority": ["otto"]}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("reviews"), request.param) as engine:
        yield engine


def protected(engine: DrivenEngine, **more: Any) -> str:
    service = fresh_name("review")
    settings: dict[str, Any] = {"stages": STAGES, "roles": ROLES, "baseline": "41", **more}
    engine.protect(service, **settings)
    return service


def started(engine: DrivenEngine, service: str, **more: Any) -> str:
    receipt = engine.order(Word.RELEASE_START, service, candidate="42", **more)
    assert not receipt.refused, receipt.message
    return receipt.records[0]


def told(engine: DrivenEngine, service: str, name: str = "readiness_review") -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=100_000) if one.service == service and one.name == name]


def go_to(engine: DrivenEngine, weekday: int, hour: int) -> None:
    """The next such day (Monday is 0) and hour, UTC; nothing has run meanwhile."""
    now = engine.clock.now()
    there = now.replace(hour=hour, minute=0, second=1, microsecond=0)
    there += timedelta(days=(weekday - there.weekday()) % 7)
    engine.clock.turn((there if there > now else there + 7 * DAY) - now)


def groups(notice: Notice) -> dict[str, list[str]]:
    return {one["role"]: one["open"] for one in notice.facts["open_by_role"]}


def test_on_monday_each_role_hears_what_is_open_and_engineering_hears_all(engine: DrivenEngine) -> None:
    service = protected(engine)
    go_to(engine, 4, 12)
    started(engine, service)
    engine.app.sweep.wake()
    go_to(engine, 0, 8)
    engine.app.sweep.wake()
    assert told(engine, service) == [], "not before nine"
    engine.clock.turn(HOUR)
    engine.app.sweep.wake()
    found = {one.audience: groups(one) for one in told(engine, service)}
    assert set(found) == {"engineering", "person:olga", "person:nina"}
    assert found["person:olga"] == {"champion": ["evaluation: metric f1, at least 0.9 was not run yet"]}
    assert found["person:nina"] == {"writer": ["staging: runbook is not signed"]}
    assert set(found["engineering"]) == {"champion", "writer", "briefs"}
    assert "engineering has not acknowledged the brief" in found["engineering"]["briefs"]


def test_a_week_is_told_once_however_many_clocks_run_and_begin_anew(engine: DrivenEngine) -> None:
    service = protected(engine)
    go_to(engine, 4, 12)
    started(engine, service)
    go_to(engine, 0, 10)
    at_once([engine.twin().app.sweep.wake for _ in range(4)])
    engine.twin().app.sweep.wake()
    assert len([one for one in told(engine, service) if one.audience == "engineering"]) == 1
    engine.clock.turn(5 * DAY)
    engine.twin().app.sweep.wake()
    assert len([one for one in told(engine, service) if one.audience == "engineering"]) == 1
    engine.clock.turn(2 * DAY)
    engine.app.sweep.wake()
    assert len([one for one in told(engine, service) if one.audience == "engineering"]) == 2


def test_monday_is_that_of_the_engineers(engine: DrivenEngine) -> None:
    service = protected(engine, audiences={"engineering": {"timezone": "America/New_York"}})
    go_to(engine, 4, 12)
    started(engine, service)
    go_to(engine, 0, 12)
    engine.app.sweep.wake()
    assert told(engine, service) == []
    engine.clock.turn(3 * HOUR)
    engine.app.sweep.wake()
    assert "engineering" in told_to(told(engine, service))


def test_a_release_that_began_this_week_is_reviewed_next_week(engine: DrivenEngine) -> None:
    service = protected(engine)
    go_to(engine, 1, 12)
    started(engine, service)
    engine.app.sweep.wake()
    assert told(engine, service) == []


def test_what_was_signed_measured_and_read_is_not_asked_for_again(engine: DrivenEngine) -> None:
    service = protected(engine, audiences={"engineering": {}})
    go_to(engine, 4, 12)
    release = started(engine, service)
    document = json.dumps({"metrics": {"f1": 0.95}}).encode()
    engine.app.evidence.keep(Pushed(release, "evaluation", "application/json", document), ACTORS["olga"])
    engine.app.judge.judge(release)
    engine.order(Word.SIGN, release, by="nina", item="runbook")
    engine.order(Word.SIGN, release, brief="engineering")
    go_to(engine, 0, 10)
    engine.app.sweep.wake()
    assert told(engine, service) == []
    with engine.app.store.read() as tx:
        monday = engine.clock.now()
        event = tx.events_by_key("clock", [key := f"readiness_review:{service}:{monday:%G-W%V}"])[key]
        (decision,) = tx.decisions(event_id=event.id)
    assert decision.reason == f"Nothing is open in release {release}"


def test_a_signature_of_somebody_else_leaves_the_item_open(engine: DrivenEngine) -> None:
    service = protected(engine)
    go_to(engine, 4, 12)
    engine.order(Word.SIGN, started(engine, service), by="otto", item="runbook")
    go_to(engine, 0, 10)
    engine.app.sweep.wake()
    assert "person:nina" in told_to(told(engine, service))


EMERGENCY = {"gates": [{"use": "metric", "metric": "f1", "at_least": 0.9}], "role": "rollback_authority"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_overdue_retrospective_is_asked_for_each_morning_until_it_is_written(kind: str, tmp_path: Path) -> None:
    with passing(tmp_path, kind) as engine:
        retrospective_asked_for(engine)


def retrospective_asked_for(engine: DrivenEngine) -> None:
    service = protected(engine, emergency=EMERGENCY)
    go_to(engine, 1, 12)
    release = started(engine, service, kind="emergency")
    engine.order(Word.SECOND, release, by="otto")
    with engine.app.store.read() as tx:
        walk = tx.walk(release)
    assert walk is not None
    assert walk.retrospective_due_at is not None
    assert walk.retrospective_due_at < datetime.now(UTC), "the database goes by its own clock"
    assert walk.retrospective_due_at.weekday() == 3
    for weekday, hour, count in ((3, 23, 0), (4, 8, 0), (4, 10, 1), (4, 20, 1), (5, 9, 2)):
        go_to(engine, weekday, hour)
        at_once([engine.twin().app.sweep.wake, engine.app.sweep.wake])
        assert sorted(told_to(told(engine, service, "retrospective_due"))) == sorted(
            ["person:olga", "person:otto"] * count
        )
    engine.order(Word.RETROSPECTIVE, release, reason="https://wiki.example.com/why")
    go_to(engine, 6, 9)
    engine.app.sweep.wake()
    assert len(told(engine, service, "retrospective_due")) == 4
