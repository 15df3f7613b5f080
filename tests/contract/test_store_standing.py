"""What is read in one go is what single questions would have found, after the locks; a run is taken by its id alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import delete
from support import store_records as made

from bot.adapters.sql import SqlStore
from bot.adapters.sql.tables import services
from bot.domain.errors import Conflict
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.runs import Run, RunStatus

MINUTE = timedelta(minutes=1)
PLACE = ("fraud-model", "production")
ELSEWHERE = ("fraud-model", "canary")


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    known = made.event(dedup_key="known")
    with store.write() as tx:
        tx.lock_services(["fraud-model", "other"])
        tx.add(known, made.event(source="grafana", dedup_key="known"), made.release(), made.incident())
        tx.add(made.incident(status=IncidentStatus.RESOLVED, resolved_at=made.AT))
        tx.add(made.run(criterion="wrong_answers", first_action_at=made.AT), made.run(service="other"))
        tx.save(made.alert_state(known, "a"), made.alert_state(known, "b"))
    return store


def test_what_is_read_in_one_go_is_what_single_questions_find(filled: SqlStore) -> None:
    names, keys = ["fraud-model", "other"], [("alertmanager", "known"), ("grafana", "known"), ("grafana", "none")]
    alerts = [("alertmanager", "b"), ("alertmanager", "none"), ("grafana", "a")]
    for _ in range(2):
        with filled.write() as tx:
            found = tx.standing(names, places=[PLACE, ELSEWHERE], deliveries=keys, alerts=alerts)
            assert found.services == tx.lock_services(names)
            assert found.incidents == tx.open_incidents(names)
            assert found.runs == tx.active_runs(names)
            assert {run.service for run in found.runs.values()} == set(names)
            assert all(run.steps for run in found.runs.values())
            assert found.releases == tx.latest_releases(names)
            assert found.automation == tx.automation()
            assert found.last_actions == {PLACE: made.AT, ELSEWHERE: None}
            assert found.resolved == {PLACE: tx.latest_resolved(PLACE), ELSEWHERE: None}
            assert found.resolved[PLACE] is not None
            assert set(found.events) == {("alertmanager", "known"), ("grafana", "known")}
            assert found.alerts == tx.alert_states(alerts)
            assert set(found.alerts) == {("alertmanager", "b")}


def test_nothing_asked_is_nothing_found(filled: SqlStore) -> None:
    with filled.write() as tx:
        found = tx.standing([])
    assert (found.services, found.incidents, found.runs, found.releases) == ({}, {}, {}, {})
    assert (found.last_actions, found.resolved, found.events, found.alerts) == ({}, {}, {}, {})


def test_what_follows_the_locks_is_seen_as_the_transaction_before_left_it(
    filled: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    """Everything travels together, but nothing is read before the locks are there."""
    other, has_begun, seen = open_another(), Event(), list[Incident]()

    def second() -> None:
        has_begun.set()
        with other.write() as tx:
            seen.extend(tx.standing(["fraud-model"]).incidents.values())

    with other.write() as tx:
        tx.standing(["fraud-model"])  # from its second use on, a name is locked without a look whether it is new
    thread = Thread(target=second)
    with filled.write() as tx:
        tx.lock_services(["fraud-model"])
        thread.start()
        assert has_begun.wait(10)
        thread.join(0.3)
        tx.add(made.incident(environment="canary"))
    thread.join(10)
    assert {one.environment for one in seen} == {"production", "canary"}


def test_a_service_whose_row_was_deleted_is_made_anew_at_the_next_try(filled: SqlStore) -> None:
    with filled.engine.begin() as connection:
        connection.execute(delete(services).where(services.c.name == "other"))
    with pytest.raises(Conflict), filled.write() as tx:
        tx.lock_services(["fraud-model", "other"])
    with filled.write() as tx:
        assert set(tx.lock_services(["fraud-model", "other"])) == {"fraud-model", "other"}


def test_a_service_of_a_transaction_that_came_to_nothing_is_still_new(store: SqlStore) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.lock_services(["new"])
        raise Stop
    with store.write() as tx:
        assert set(tx.lock_services(["new"])) == {"new"}


def _queued(store: SqlStore, **changes: object) -> Run:
    run = made.run(**changes)
    with store.write() as tx:
        tx.add(run)
    return run


def test_a_run_is_taken_as_it_is_and_by_one_only(store: SqlStore) -> None:
    run = _queued(store)
    with store.write() as tx:
        taken = tx.take(run.id, "a", MINUTE)
    assert taken is not None
    assert taken[0] == run
    assert (taken[1].run_id, taken[1].owner) == (run.id, "a")
    with store.read() as tx:
        assert tx.lease(run.id) == taken[1]
    with store.write() as tx:
        assert tx.take(run.id, "b", MINUTE) is None
        tx.release_lease(taken[1])
        again = tx.take(run.id, "b", MINUTE)
    assert again is not None
    assert again[1].fence > taken[1].fence


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.NEEDS_HUMAN])
def test_a_run_that_is_over_or_needs_a_person_is_nobodys_to_take(store: SqlStore, status: RunStatus) -> None:
    run = _queued(store, status=status)
    with store.write() as tx:
        assert tx.take(run.id, "a", MINUTE) is None
        assert tx.take("run-none", "a", MINUTE) is None
    with store.read() as tx:
        assert tx.lease(run.id) is None
