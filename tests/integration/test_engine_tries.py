"""Steps that are busy, fail or break: how often they are tried, what is taken back, and when a person is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import invalidate_caches
from pathlib import Path

import pytest
from support.alert_bodies import firing
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import Ledger, running_ledger
from support.written_config import Tree, acting, playbook

from bot.domain.events import Word
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus

THEIRS = """
from bot.domain.outcomes import Outcome
from bot.plugins import StepParams

class Params(StepParams):
    how: str

class Shaky:
    name = "shaky"
    summary = "Break in the way that it is told"
    Params = Params

    def acts(self, raw):
        return True

    def plan(self, params):
        return [params.how]

    def perform(self, params, ctx):
        ctx.http.request(__import__("bot.plugins", fromlist=["Call"]).Call(
            "POST", f"{ctx.facts['target']['ledger']}/effects/{ctx.service}", headers=ctx.marks))
        if params.how == "raise":
            raise ZeroDivisionError("the password is canary-5d1c")
        if params.how == "none":
            return None
        if params.how == "object":
            return Outcome.done(thing=object())
        return Outcome.done(much="x" * 200_000)
"""
"""What another package brings: a step that breaks."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of somebody else's, installed as far as Python's own search for entry points is concerned."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "their_shaky_steps.py").write_text(THEIRS, encoding="utf-8")
    about = folder / "their_shaky_steps-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-shaky-steps\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[andon.steps]\nshaky = their_shaky_steps:Shaky\n", encoding="utf-8")
    sys.path.insert(0, str(folder))
    invalidate_caches()
    yield folder
    sys.path.remove(str(folder))
    invalidate_caches()


@pytest.fixture(scope="module")
def house(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("tries")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build(secrets={"PASSWORD": "canary-5d1c"})


@pytest.fixture
def engine(house: DrivenEngine) -> Iterator[DrivenEngine]:
    house.clock.offset = timedelta(0)
    yield house
    house.ledger.control(fault=None)


def act_on(what: str, **more: object) -> Tree:
    """A step that acts on a name of its own and can be taken back."""
    call = {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}." + what}
    back = {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}." + what + "-back"}
    undo = {"use": "http_request", "with": back}
    return {"id": what, "use": "http_request", "with": call, "undo": undo, "if_interrupted": "repeat", **more}


def driven(engine: DrivenEngine, book: Tree) -> Run:
    """A run of this playbook after all that can be done without a person."""
    service = fresh_name()
    engine.protect(service, book, playbook=book["playbook"])
    return engine.drive(engine.alert(firing(service)).runs[0])


def keys(ledger: Ledger, run: Run) -> list[str]:
    """The keys of all calls of a run, in their order."""
    return [str(call["key"]).removeprefix(f"{run.id}:") for call in ledger.calls() if call["run"] == run.id]


def test_a_busy_target_is_asked_again_no_sooner_than_it_says(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, playbook("busy", acting("ask", tries=3)), playbook="busy")
    engine.ledger.fault("status", status=503, retry_after="40", path=f"/effects/{service}")
    run_id = engine.alert(firing(service)).runs[0]
    engine.app.runner.advance(run_id)
    waiting = engine.found(run_id)
    assert (waiting.status, waiting.step("act").status) == (RunStatus.WAITING, StepStatus.PENDING)
    assert waiting.wake_at is not None
    assert 35 < (waiting.wake_at - engine.clock.now()).total_seconds() <= 40
    engine.app.runner.advance(run_id)
    assert len(engine.ledger.calls(service)) == 1, "its time has not come"
    run = engine.drive(run_id)
    assert (run.status, run.step("act").tries) == (RunStatus.SUCCEEDED, 2)
    assert len(engine.ledger.effects(service)) == 1


def test_waits_between_tries_grow(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, playbook("grows", acting("ask", tries=5)), playbook="grows")
    engine.ledger.fault("status", status=503, retry_after="1", times=-1, path=f"/effects/{service}")
    run_id = engine.alert(firing(service)).runs[0]
    waits = []
    for _ in range(4):
        engine.app.runner.advance(run_id)
        wake_at = engine.found(run_id).wake_at
        assert wake_at is not None
        waits.append(round((wake_at - engine.clock.now()).total_seconds()))
        engine.clock.turn(wake_at - engine.clock.now())
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]


def test_a_step_that_stays_busy_stops_after_its_tries(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, playbook("stays_busy", acting("ask", tries=3)), playbook="stays_busy")
    engine.ledger.fault("status", status=503, retry_after="1", times=-1, path=f"/effects/{service}")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert (run.status, run.step("act").status) == (RunStatus.NEEDS_HUMAN, StepStatus.FAILED)
    assert len(engine.ledger.calls(service)) == 3
    assert "503" in run.error
    engine.ledger.control(fault=None)
    engine.order(Word.RETRY, run.id)
    retried = engine.drive(run.id)
    assert (retried.status, retried.step("act").tries) == (RunStatus.SUCCEEDED, 1)


def test_a_step_that_cannot_succeed_is_not_tried_again(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, playbook("refused", acting("repeat", tries=5)), playbook="refused")
    engine.ledger.fault("status", status=422, times=-1, path=f"/effects/{service}")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert (run.status, run.step("act").status) == (RunStatus.NEEDS_HUMAN, StepStatus.FAILED)
    assert len(engine.ledger.calls(service)) == 1


@pytest.mark.parametrize("how", ["raise", "none", "object"])
def test_a_step_that_breaks_is_not_repeated_and_a_person_looks(engine: DrivenEngine, how: str) -> None:
    shaky = {"id": "shake", "use": "shaky", "with": {"how": how}, "if_interrupted": "repeat", "tries": 5}
    run = driven(engine, playbook(f"shaky-{how}", shaky))
    assert keys(engine.ledger, run) == ["shake"]
    if how == "object":
        assert run.status is RunStatus.SUCCEEDED, "what it gives out is kept as text"
        return
    assert (run.status, run.step("shake").status) == (RunStatus.NEEDS_HUMAN, StepStatus.UNKNOWN)
    assert "nobody foresaw" in run.error
    assert "canary" not in run.error + run.step("shake").error


def test_an_output_without_end_is_cut(engine: DrivenEngine) -> None:
    run = driven(engine, playbook("talks", {"id": "talk", "use": "shaky", "with": {"how": "talk"}}))
    assert run.status is RunStatus.SUCCEEDED
    assert run.step("talk").output["cut"] is True
    assert len(str(run.step("talk").output)) < 20_000


def test_a_host_that_only_a_run_learns_of_is_held_against_the_allowed_ones(engine: DrivenEngine) -> None:
    engine.ledger.control(models={"localhost": {"serving": "41", "versions": ["41"]}})
    look = {"id": "look", "use": "http_request", "with": {"url": "{{ target.ledger }}/models/localhost"}}
    there = {"method": "POST", "url": "http://{{ steps.look.output.body.name }}:1/effects/x"}
    follow = {"id": "follow", "use": "http_request", "with": there}
    run = driven(engine, playbook("follows", look, follow))
    assert (run.status, run.step("follow").status) == (RunStatus.NEEDS_HUMAN, StepStatus.FAILED)
    assert "localhost:1" in run.error
    assert "allow" in run.error


def test_an_undo_that_failed_is_gone_on_with_by_a_retry_and_not_begun_again(engine: DrivenEngine) -> None:
    service = fresh_name()
    fails = {"id": "fails", "use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/nowhere"}}
    book = playbook("comes_back", act_on("one"), act_on("two"), act_on("never", if_interrupted="ask"))
    book["steps"].insert(2, fails)
    engine.protect(service, book, playbook="comes_back")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert run.status is RunStatus.NEEDS_HUMAN
    engine.ledger.fault("status", status=422, path=f"/effects/{service}.one-back")
    engine.order(Word.UNDO, run.id)
    stuck = engine.drive(run.id)
    assert (stuck.status, stuck.step("one:undo").status) == (RunStatus.NEEDS_HUMAN, StepStatus.FAILED)
    again = engine.order(Word.UNDO, run.id)
    assert again.refused
    assert "retry" in again.message
    engine.order(Word.RETRY, run.id)
    assert engine.drive(run.id).status is RunStatus.FAILED
    assert keys(engine.ledger, run) == ["one", "two", "two:undo", "one:undo", "one:undo"]
    assert [step.id for step in engine.found(run.id).steps].count("one:undo") == 1


def test_a_run_that_takes_back_and_loses_its_worker_goes_on_taking_back(engine: DrivenEngine) -> None:
    service = fresh_name()
    fails = {"id": "fails", "use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/nowhere"}}
    engine.protect(service, playbook("resumes", act_on("one"), fails), playbook="resumes")
    run = engine.drive(engine.alert(firing(service)).runs[0])
    engine.order(Word.UNDO, run.id)
    engine.abandon(run.id)
    assert engine.drive(run.id).status is RunStatus.FAILED
    assert keys(engine.ledger, run) == ["one", "one:undo"]


def test_people_hear_of_a_rollback_that_a_person_ends(engine: DrivenEngine) -> None:
    for word in (Word.CANCEL, Word.TAKE_OVER, Word.REJECT):
        service, fails = (
            fresh_name(),
            {"id": "no", "use": "http_request", "with": {"url": "{{ target.ledger }}/nowhere"}},
        )
        authority = "rollback_authority" if word is Word.REJECT else "automatic"
        engine.protect(service, playbook("ends", act_on("one"), fails), playbook="ends", authority=authority)
        run = engine.drive(engine.alert(firing(service)).runs[0])
        assert run.status in (RunStatus.NEEDS_HUMAN, RunStatus.WAITING)
        engine.order(word, run.id)
        [notice] = engine.notices(run.incident_id or "", "stopped")
        assert notice.facts["run"]["status"] == "cancelled"
        engine.app.notices.send(notice.id)
        with engine.app.store.read() as tx:
            sent = tx.notice(notice.id)
        assert sent is not None
        assert "cancelled" in sent.body
