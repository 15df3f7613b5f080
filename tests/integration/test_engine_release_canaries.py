"""Releases whose stages and whose canary meet: what a promotion leaves behind never stands in the way of a rollback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.canaries import RULE, compared, whole
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.written_config import acting, playbook

from bot.domain.canaries import CanaryVerdict
from bot.domain.events import Word
from bot.domain.gates import GateVerdict
from bot.flow.release_seeing import left

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
STAGES = [
    {"name": "share", "do": "shift_it", "advance": "automatic"},
    {"name": "canary"},
    {"name": "production", "do": "shift_it"},
]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("canaries")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(SHIFT)


def in_canary(engine: DrivenEngine) -> tuple[str, str]:
    """A service and its release, which has its share of the traffic and is compared."""
    service = fresh_name("shared")
    more: dict[str, Any] = {"stages": STAGES, "release": None, "baseline": "41", "rollback": [], "canary": RULE}
    engine.protect(service, **more)
    receipt = engine.order(Word.RELEASE_START, service, candidate="42")
    assert not receipt.refused, receipt.message
    release = receipt.records[0]
    engine.work()
    for run in engine.runs(service):
        engine.work_until(run.id, "succeeded")
    engine.work()
    assert state(engine, release) == "canary"
    return service, release


def state(engine: DrivenEngine, release: str) -> str:
    with engine.app.store.read() as tx:
        found = tx.release(release)
    assert found is not None
    return found.state


def test_a_promotion_before_does_not_make_a_divergence_ask_a_person(engine: DrivenEngine) -> None:
    service, release = in_canary(engine)
    after = compared(engine, release, whole(400, 5))
    assert after.verdict is CanaryVerdict.DIVERGED
    [run] = [one for one in engine.runs(service) if one.playbook.name == "by_key"]
    assert run.authority == "automatic"
    assert engine.work_until(run.id, "succeeded")["status"] == "succeeded"
    assert state(engine, release) == "rolled_back"


def test_a_comparison_that_went_on_since_the_gates_were_looked_at_is_no_known_obstacle(engine: DrivenEngine) -> None:
    _, release = in_canary(engine)
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN
    assert engine.order(Word.PROMOTE, release).refused, "nothing was compared yet, and that was said a moment ago"
    assert compared(engine, release, whole(400)).verdict is CanaryVerdict.EQUIVALENT
    receipt = engine.order(Word.PROMOTE, release)
    assert not receipt.refused, receipt.message
    engine.work()
    assert state(engine, release) == "production"


def test_who_asked_to_go_on_hears_of_the_stage_that_was_left_when_a_worker_was_quicker(engine: DrivenEngine) -> None:
    _, release = in_canary(engine)
    assert left(engine.app.store, release, "canary") is None
    compared(engine, release, whole(400))
    engine.order(Word.PROMOTE, release)
    engine.work()
    judged = left(engine.app.store, release, "canary")
    assert judged is not None
    assert (judged.stage, judged.verdict) == ("canary", GateVerdict.PASS)
    assert [one.use for one in judged.results] == ["canary"]
    assert "production" in judged.why


def test_a_release_that_was_rolled_back_says_so_and_not_that_a_lift_would_help(engine: DrivenEngine) -> None:
    service, release = in_canary(engine)
    compared(engine, release, whole(400, 5))
    [run] = [one for one in engine.runs(service) if one.playbook.name == "by_key"]
    engine.work_until(run.id, "succeeded")
    receipt = engine.order(Word.PROMOTE, release)
    assert receipt.refused
    assert "rolled back" in receipt.message
    assert "lift" not in receipt.message
