"""What a drill comes to whose worker dies between two commits, or is still acting when its run is ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.databases import KINDS
from support.drills import Rehearsals, rehearsals
from support.driven_engine import fresh_name
from support.installation import until

from bot.domain.drills import DrillState
from bot.domain.events import Word
from bot.domain.runs import RunEvent, RunStatus
from bot.flow.chores import Rounds
from bot.flow.consequences import Consequences
from bot.flow.drilling import Drilling
from bot.flow.moving import next_move
from bot.flow.telling import Teller


class Died(Exception):
    """A worker is gone."""


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsals]:
    with rehearsals(tmp_path_factory.mktemp("crashes"), request.param) as house:
        yield house


@pytest.fixture
def service(house: Rehearsals) -> str:
    house.engine.clock.offset = timedelta(0)
    return fresh_name()


def dying(house: Rehearsals) -> Drilling:
    """A worker that dies after each of its commits, and once after the front door's."""
    app, posted = house.engine.app, [False]

    def die(point: str) -> None:
        if point == "after_drill_move" or not posted[0]:
            posted[0] = posted[0] or point != "after_drill_move"
            raise Died

    teller = Teller(app.ids, app.settings.address)
    consequences = Consequences(app.ids, teller)
    rounds = Rounds(app.store, app.queue, app.clock, app.ids, lambda: app.configuration.current, consequences)
    return Drilling(rounds, app.workshop, app.intake.accept, die)


@pytest.mark.parametrize("inject", [True, False], ids=["injected", "not-injected"])
def test_workers_that_die_after_each_commit_cost_seconds_not_the_patience_of_the_drill(
    house: Rehearsals, service: str, inject: bool
) -> None:
    house.protect(service, drill={} if inject else {"inject": []})
    drill, worker, app = house.plan(service), dying(house), house.engine.app
    deaths = 0

    def look() -> bool:
        nonlocal deaths
        with app.store.read() as tx:
            is_due = drill.id in tx.drills_to_advance()
            run = tx.active_runs((service,)).get((service, "staging"))
        if is_due:
            try:
                worker.advance(drill.id)
            except Died:
                deaths += 1
        if run is not None:
            app.runner.advance(run.id)
        return house.found(drill.id).is_ended

    until("the drill ends by what SQL says is due", look, seconds=15, every=0.01)
    ended = house.found(drill.id)
    assert (ended.state, ended.why) == (DrillState.PASSED, "")
    assert deaths >= 4
    assert (ended.seconds_to_restore or 60) < 15


def test_nothing_is_taken_back_while_a_step_of_the_injection_still_acts(house: Rehearsals, service: str) -> None:
    house.protect(service)
    engine, advance = house.engine, house.engine.app.drilling.advance
    drill = house.plan(service)
    advance(drill.id)
    run_id = house.found(drill.id).inject_run_id or ""
    with engine.app.store.write() as tx:
        run = tx.run(run_id)
        assert run is not None
        lease = tx.claim(run, "another-worker", timedelta(minutes=1))
        assert lease is not None
        claimed = run.moved(RunEvent.CLAIM, engine.clock.now())
        tx.save_run(run, next_move(claimed, (), engine.app.workshop, engine.clock.now(), stopping=False).run)
    assert not engine.order(Word.CANCEL, run_id).refused
    for _ in range(3):
        advance(drill.id)
    waiting = house.found(drill.id)
    assert (engine.found(run_id).status, waiting.state) == (RunStatus.CANCELLED, DrillState.CLEANING)
    assert waiting.cleanup_run_id is None, "its undo would race with the step that it undoes"
    assert waiting.wake_at is not None
    house.staging.control(models={service: {"serving": "42", "versions": ["41", "42"]}})  # now the step has acted
    with engine.app.store.write() as tx:
        tx.release_lease(lease)
    ended = house.carry_out(drill)
    assert (ended.state, engine.found(ended.cleanup_run_id or "").status) == (DrillState.ABORTED, RunStatus.SUCCEEDED)
    assert house.staging.model(service)["serving"] == "41"
