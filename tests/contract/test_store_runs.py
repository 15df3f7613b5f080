"""What the store promises about runs, their plans and steps, and when they are due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.store_records import AT, PLAYBOOK, event, incident, new_id, run

from bot.adapters.sql import SqlStore
from bot.domain.errors import Conflict, LeaseLost
from bot.domain.runs import Run, RunEvent, RunStatus, WaitingFor
from bot.domain.step_states import StepStatus

SECOND = timedelta(seconds=1)


def _added(store: SqlStore, *runs: Run) -> Run:
    with store.write() as tx:
        tx.add(*runs)
    return runs[0]


def test_a_run_comes_back_with_its_plan_and_steps(store: SqlStore) -> None:
    trouble, cause = incident(), event()
    one = run(
        incident_id=trouble.id,
        event_id=cause.id,
        release_id="rel-1",
        criterion="divergence",
        requested_by="token-lead",
        authority="rollback_authority",
        drill=True,
    )
    with store.write() as tx:
        tx.add(one, trouble, cause)
    with store.read() as tx:
        found = tx.run(one.id)
        assert tx.run("run-none") is None
    assert found == one
    assert found is not None
    assert found.playbook == PLAYBOOK
    assert [step.id for step in found.steps] == ["restore", "verify", "accept"]


def test_a_save_writes_the_run_and_only_the_steps_that_changed(store: SqlStore) -> None:
    one = _added(store, run())
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE run_steps SET error = 'touched elsewhere' WHERE position = 2"))
    step = replace(one.steps[0].intended(AT), output={"status": 200}, state={"since": "x"}, error="e", finished_at=AT)
    moved = replace(
        one.moved(RunEvent.CLAIM, AT).with_step(step), first_action_at=AT, approved_by="lead", error="why", undoing=True
    )
    with store.write() as tx:
        saved = tx.save_run(one, moved)
    assert saved == replace(moved, version=2)
    with store.read() as tx:
        found = tx.run(one.id)
    assert found is not None
    assert found.steps[2].error == "touched elsewhere"
    assert replace(found, steps=saved.steps) == saved
    assert found.steps[:2] == saved.steps[:2]


def test_a_save_appends_the_steps_of_an_undo(store: SqlStore) -> None:
    one = _added(store, run())
    begun = one.moved(RunEvent.CLAIM, AT).with_step(replace(one.steps[0], status=StepStatus.DONE))
    with store.write() as tx:
        saved = tx.save_run(one, begun)
        undone = tx.save_run(saved, saved.undone(AT))
    assert [step.id for step in undone.steps] == ["restore", "verify", "accept", "restore:undo"]
    with store.read() as tx:
        assert tx.run(one.id) == undone


def test_a_save_of_an_old_version_is_refused_and_changes_nothing(store: SqlStore) -> None:
    one = _added(store, run())
    with store.write() as tx:
        saved = tx.save_run(one, one.moved(RunEvent.CLAIM, AT))
    with pytest.raises(LeaseLost), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.add(event(id="evt-lost"))
        tx.save_run(one, one.moved(RunEvent.CANCEL, AT))
    with store.read() as tx:
        assert tx.run(one.id) == saved
        assert tx.event("evt-lost") is None


def test_of_two_saves_at_once_one_wins(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    one = _added(store, run())
    stores, start, results = [store, open_another()], Barrier(2), list[str]()

    def save(number: int) -> None:
        start.wait(10)
        try:
            with stores[number].write() as tx:
                tx.save_run(one, replace(one, error=f"by {number}"))
            results.append("saved")
        except LeaseLost:
            results.append("lost")

    threads = [Thread(target=save, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["lost", "saved"]


def test_a_run_added_in_the_same_transaction_can_be_saved(store: SqlStore) -> None:
    one = run()
    with store.write() as tx:
        tx.add(one)
        saved = tx.save_run(one, one.asking())
    with store.read() as tx:
        assert tx.run(one.id) == saved


def test_a_plan_is_never_rewritten(store: SqlStore) -> None:
    _added(store, run())
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text("UPDATE run_plans SET facts = '{}'"))


@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("status", [status for status in RunStatus if not status.is_ended])
def test_a_place_has_one_run_that_is_not_ended(store: SqlStore, status: RunStatus, drill: bool) -> None:
    _added(store, run(status=status, drill=drill))
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(run())
    _added(store, run(environment="staging"), run(service="ranking"))


def test_an_ended_run_frees_its_place_in_the_same_transaction(store: SqlStore) -> None:
    old = _added(store, run(status=RunStatus.WAITING, authority="endorser"))
    new = run()
    with store.write() as tx:
        tx.save_run(old, old.moved(RunEvent.SUPERSEDE, AT))
        tx.add(new)
    with store.read() as tx:
        assert tx.active_runs(["fraud-model", "none"]) == {("fraud-model", "production"): new}
        assert tx.active_runs([]) == {}


def test_of_many_runs_that_want_one_place_at_once_one_gets_it(
    store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    stores, start, results = [store, open_another()], Barrier(8), list[str]()

    def take(number: int) -> None:
        start.wait(10)
        try:
            with stores[number % 2].write() as tx:
                tx.add(run())
            results.append("added")
        except Conflict:
            results.append("conflict")

    threads = [Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["added"] + ["conflict"] * 7
    with store.read() as tx:
        assert len(tx.runs(limit=10)) == 1


def test_runs_are_listed_newest_first(store: SqlStore) -> None:
    trouble = incident()
    many = [run(id=f"run-{number}", environment=f"e{number}", incident_id=trouble.id) for number in range(5)]
    other = run(id="run-9", service="ranking")
    with store.write() as tx:
        tx.add(trouble, other, *many)
    with store.read() as tx:
        assert tx.runs(limit=3) == [other, many[4], many[3]]
        assert tx.runs(limit=2, before="run-3") == [many[2], many[1]]
        assert tx.runs(limit=9, incident_id=trouble.id) == many[::-1]
        assert tx.runs(limit=9, service="ranking") == [other]


def test_due_runs_are_those_that_a_worker_should_take_now(store: SqlStore) -> None:
    now = store.now()

    def at(name: str, minutes: int, **changes: object) -> Run:
        return run(id=f"run-{name}", environment=name, accepted_at=AT + timedelta(minutes=minutes), **changes)

    waiting = {"status": RunStatus.WAITING, "waiting_for": WaitingFor.TIME}
    with store.write() as tx:
        tx.add(
            at("queued", 5),
            at("orphan", 3, status=RunStatus.RUNNING),
            at("woken", 4, wake_at=now - SECOND, **waiting),
            at("asleep", 1, wake_at=now + timedelta(hours=1), **waiting),
            at("asked", 1, status=RunStatus.WAITING, waiting_for=WaitingFor.APPROVAL),
            at("stuck", 1, status=RunStatus.NEEDS_HUMAN),
            at("done", 1, status=RunStatus.SUCCEEDED),
            held := at("held", 1, status=RunStatus.RUNNING),
            lapsed := at("lapsed", 2, status=RunStatus.RUNNING),
        )
        assert tx.claim(held, "worker", timedelta(minutes=1))
        assert tx.claim(lapsed, "worker", -SECOND)
    with store.read() as tx:
        assert [one.environment for one in tx.due_runs(limit=10)] == ["lapsed", "orphan", "woken", "queued"]
        assert [one.environment for one in tx.due_runs(limit=2)] == ["lapsed", "orphan"]
        assert tx.due_runs(limit=1)[0] == lapsed


def test_the_next_wake_is_the_first_wait_or_lease_that_ends(store: SqlStore) -> None:
    now = store.now()
    with store.read() as tx:
        assert tx.next_wake() is None
    waiting = run(status=RunStatus.WAITING, waiting_for=WaitingFor.TIME, wake_at=now + timedelta(hours=1))
    running = run(environment="staging", status=RunStatus.RUNNING)
    asked = run(environment="third", status=RunStatus.WAITING)
    _added(store, waiting, running, asked)
    with store.write() as tx:
        assert tx.next_wake() == waiting.wake_at
        lease = tx.claim(running, "worker", timedelta(seconds=90))
        assert lease is not None
        assert tx.next_wake() == lease.expires_at


def test_a_missed_deadline_is_noted_once_beside_whoever_works_on_the_run(store: SqlStore) -> None:
    late = _added(store, run(status=RunStatus.NEEDS_HUMAN))
    _added(store, run(environment="a", deadline=store.now() + timedelta(hours=1)))
    _added(store, run(environment="b", status=RunStatus.SUCCEEDED), run(environment="c", breached_at=AT))
    with store.write() as tx:
        assert [one.id for one in tx.overdue_runs()] == [late.id]
        assert tx.record_breach(late.id, AT)
        assert not tx.record_breach(late.id, AT + SECOND)
        assert tx.overdue_runs() == []
    with store.write() as tx:  # by a worker that read the run before
        tx.save_run(late, late.moved(RunEvent.RETRY, AT))
    with store.read() as tx:
        found = tx.run(late.id)
    assert found is not None
    assert (found.breached_at, found.status) == (AT, RunStatus.RUNNING)


def test_the_last_automatic_action_ignores_drills_people_and_promotions(store: SqlStore) -> None:
    ended: dict[str, Any] = {"status": RunStatus.SUCCEEDED, "criterion": "divergence"}
    _added(
        store,
        run(first_action_at=AT, **ended),
        run(first_action_at=AT + SECOND, **ended),
        run(first_action_at=AT + 5 * SECOND, drill=True, **ended),
        run(first_action_at=AT + 5 * SECOND, authority="endorser", **ended),
        run(first_action_at=AT + 5 * SECOND, environment="staging", **ended),
        run(first_action_at=AT + 5 * SECOND, **{**ended, "criterion": None}),
        run(),
    )
    with store.read() as tx:
        assert tx.last_automatic_action(("fraud-model", "production")) == AT + SECOND
        assert tx.last_automatic_action(("ranking", "production")) is None


def test_figures_count_everything_and_measure_what_was_no_drill(store: SqlStore) -> None:
    quick = {"status": RunStatus.SUCCEEDED, "first_action_at": AT + SECOND, "finished_at": AT + 8 * SECOND}
    _added(
        store,
        run(**quick),
        run(**quick | {"first_action_at": AT + 0.25 * SECOND, "breached_at": AT}),
        run(**quick, drill=True),
        run(id=new_id("run"), service="ranking"),
    )
    with store.write() as tx:
        tx.add(incident())
        figures = tx.figures((0.5, 1.0, 10.0))
    assert figures.runs == {("fraud-model", "succeeded"): 3, ("ranking", "queued"): 1}
    assert figures.incidents == {("fraud-model", "open"): 1}
    assert figures.notices == {}
    assert figures.breaches == 1
    assert figures.first_action.count == 2
    assert figures.first_action.seconds == pytest.approx(1.25, abs=0.01)
    assert figures.first_action.counts == (1, 2, 2)
    assert figures.run.counts == (0, 0, 2)


def test_figures_of_an_empty_store_are_zero(store: SqlStore) -> None:
    with store.read() as tx:
        figures = tx.figures((1.0,))
    assert figures.runs == {}
    assert figures.run.counts == (0,)
    assert figures.run.seconds == 0
