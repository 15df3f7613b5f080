"""Steps whose worker died or whose answer got lost: repeat, check and ask keep what they promise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name, in_background
from support.installation import until
from support.ledger import Ledger, running_ledger
from support.written_config import COUNT, acting, playbook

from bot.domain.errors import LeaseLost
from bot.domain.events import Word
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus

UNDO = {"use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}-undo"}}
LOOK = {"use": "http_request", "with": {**COUNT, "url": "{{ target.ledger }}/effects/{{ service }}?now"}}
LOOKS_IN_VAIN = playbook("looks_in_vain", acting("check", check=LOOK, undo=UNDO))


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("interruptions")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(LOOKS_IN_VAIN)


@pytest.fixture
def engine(house: DrivenEngine) -> Iterator[DrivenEngine]:
    house.clock.offset = timedelta(0)
    yield house
    house.ledger.control(fault=None, dedup=True)


@pytest.fixture
def service() -> str:
    return fresh_name()


def act_as(ledger: Ledger, run: Run, fence: int) -> None:
    """The call of a worker that died right after it."""
    headers = {"Idempotency-Key": f"{run.id}:act", "Andon-Run": run.id, "Andon-Fence": str(fence)}
    assert ledger.send("POST", f"/effects/{run.service}", body={"to": "41"}, headers=headers) == 200


@pytest.mark.parametrize("acted", [False, True])
def test_a_repeatable_step_is_repeated_with_its_key_and_has_one_effect(
    engine: DrivenEngine, service: str, acted: bool
) -> None:
    engine.protect(service, playbook="by_key")
    run = engine.found(engine.alert(firing(service)).runs[0])
    lease = engine.abandon(run.id)
    if acted:
        act_as(engine.ledger, run, lease.fence)
    done = engine.drive(run.id)
    assert done.status is RunStatus.SUCCEEDED
    assert (done.step("act").tries, done.step("act").interruptions) == (1, 1)
    assert len(engine.ledger.effects(service)) == 1
    fences = [call["fence"] for call in engine.ledger.calls(service)]
    assert fences[-1] > lease.fence
    assert {call["key"] for call in engine.ledger.calls(service)} == {f"{run.id}:act"}
    assert any("was interrupted" in line for line in engine.lines(run.incident_id or ""))


@pytest.mark.parametrize("acted", [False, True])
def test_a_step_with_a_check_looks_first_and_acts_only_where_nothing_is_there(
    engine: DrivenEngine, service: str, acted: bool
) -> None:
    engine.ledger.control(dedup=False)
    engine.protect(service, playbook="by_check")
    run = engine.found(engine.alert(firing(service)).runs[0])
    lease = engine.abandon(run.id)
    if acted:
        act_as(engine.ledger, run, lease.fence)
    assert engine.drive(run.id).status is RunStatus.SUCCEEDED
    assert len(engine.ledger.calls(service)) == 1
    assert [call["fence"] > lease.fence for call in engine.ledger.calls(service)] == [not acted]


def test_a_step_that_may_not_be_repeated_stops_and_a_person_decides(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="by_person")
    run = engine.found(engine.alert(firing(service)).runs[0])
    engine.abandon(run.id)
    stopped = engine.drive(run.id)
    assert stopped.status is RunStatus.NEEDS_HUMAN
    assert stopped.step("act").status is StepStatus.UNKNOWN
    assert "whether it had its effect is not known" in stopped.error
    assert engine.ledger.calls(service) == []
    assert "needs_human" in engine.told(run.incident_id or "")
    engine.order(Word.RETRY, run.id)
    assert engine.drive(run.id).status is RunStatus.SUCCEEDED
    assert len(engine.ledger.effects(service)) == 1


def test_a_step_whose_worker_dies_again_and_again_is_stopped_after_ten_times(
    engine: DrivenEngine, service: str
) -> None:
    engine.protect(service, playbook="by_key")
    run_id = engine.alert(firing(service)).runs[0]
    for _ in range(11):
        engine.abandon(run_id, lasts=timedelta(milliseconds=1))
    stopped = engine.drive(run_id)
    assert stopped.status is RunStatus.NEEDS_HUMAN
    assert "its worker died at it 11 times" in stopped.error
    assert engine.ledger.calls(service) == []


def test_what_a_worker_reports_after_it_lost_its_lease_changes_nothing(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="by_key")
    run_id = engine.alert(firing(service)).runs[0]
    engine.ledger.fault("slow", path=f"/effects/{service}", seconds=1.5)
    slow = in_background(lambda: engine.app.runner.advance(run_id))
    until("the first worker calls", lambda: engine.ledger.calls(service))
    with engine.app.store.write() as tx:
        assert tx.release_leases_of(engine.app.owner) == [run_id]
    other = engine.twin()
    done = other.drive(run_id)
    slow.join(20)
    assert done.status is RunStatus.SUCCEEDED
    assert engine.found(run_id) == done
    assert [call["outcome"] for call in engine.ledger.calls(service)] == ["repeated", "applied"]
    assert [text for text in engine.lines(done.incident_id or "") if text.startswith("Step act (")] != []
    outcomes = [row for row in engine.audit() if row[:2] == ("step.outcome", f"run:{run_id}")]
    assert [row[2]["step"] for row in outcomes] == ["act", "proof"]


def test_a_lease_that_was_taken_over_neither_confirms_nor_renews(engine: DrivenEngine, service: str) -> None:
    engine.protect(service)
    run_id = engine.alert(firing(service)).runs[0]
    lease = engine.abandon(run_id)
    assert engine.drive(run_id).status is RunStatus.SUCCEEDED
    with engine.app.store.write() as tx:
        with pytest.raises(LeaseLost):
            tx.confirm(lease, live=False)
        with pytest.raises(LeaseLost):
            tx.renew(lease, timedelta(seconds=1))


def test_two_workers_that_are_rung_for_one_run_act_once(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="by_person")
    run_id = engine.alert(firing(service)).runs[0]
    twins = [engine, *(engine.twin() for _ in range(3))]
    start = threading.Barrier(len(twins))

    def work(one: DrivenEngine) -> None:
        start.wait(10)
        one.app.runner.advance(run_id)

    for thread in [in_background(partial(work, one)) for one in twins]:
        thread.join(30)
    assert engine.drive(run_id).status is RunStatus.SUCCEEDED
    assert len(engine.ledger.calls(service)) == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_key(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="by_key")
    engine.ledger.fault("reset_after", path=f"/effects/{service}")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert (run.status, run.step("act").tries) == (RunStatus.SUCCEEDED, 2)
    assert [call["outcome"] for call in engine.ledger.calls(service)] == ["applied", "repeated"]


@pytest.mark.parametrize(("mode", "calls"), [("reset_after", 1), ("reset", 2)])
def test_after_a_lost_answer_the_check_decides(engine: DrivenEngine, service: str, mode: str, calls: int) -> None:
    engine.ledger.control(dedup=False)
    engine.protect(service, playbook="by_check")
    engine.ledger.fault(mode, path=f"/effects/{service}")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert run.status is RunStatus.SUCCEEDED
    assert len(engine.ledger.calls(service)) == calls
    assert len(engine.ledger.effects(service)) == 1


def test_after_a_lost_answer_of_a_step_that_asks_nothing_is_done_twice(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="by_person")
    engine.ledger.fault("reset_after", path=f"/effects/{service}")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert (run.status, run.step("act").status) == (RunStatus.NEEDS_HUMAN, StepStatus.UNKNOWN)
    assert len(engine.ledger.calls(service)) == 1


def test_a_check_that_cannot_be_made_leaves_open_whether_the_step_acted(engine: DrivenEngine, service: str) -> None:
    engine.protect(service, playbook="looks_in_vain")
    run = engine.found(engine.alert(firing(service)).runs[0])
    lease = engine.abandon(run.id)
    act_as(engine.ledger, run, lease.fence)
    engine.ledger.fault("status", status=503, times=-1, path=f"/effects/{service}")
    stopped = engine.drive(run.id)
    assert stopped.status is RunStatus.NEEDS_HUMAN
    assert "its check could not be made" in stopped.error
    assert stopped.step("act").status is StepStatus.UNKNOWN
    engine.ledger.control(fault=None)
    assert not engine.order(Word.UNDO, run.id).refused
    assert engine.drive(run.id).status is RunStatus.FAILED
    assert [effect["key"] for effect in engine.ledger.effects(f"{service}-undo")] == [f"{run.id}:act:undo"]
