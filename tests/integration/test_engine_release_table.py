"""What the page of states says of orders about releases, held against the whole program in every state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.driven_engine import fresh_name
from support.staged_services import StagedWorld, running_world
from support.state_tables import (
    ABANDONED,
    EARLY,
    ENDORSED,
    HALTED,
    LIVE,
    LIVE_STAGE,
    RELEASE_MOVES,
    ROLLED_BACK,
    WATCHED,
)

from bot.domain.events import Word
from bot.domain.releases import Release, ReleaseStatus

POSITIONS = {
    EARLY: (ReleaseStatus.IN_FLIGHT, "evaluation"),
    LIVE_STAGE: (ReleaseStatus.IN_FLIGHT, "production"),
    LIVE: (ReleaseStatus.LIVE, "watch"),
    WATCHED: (ReleaseStatus.WATCHED, None),
    ENDORSED: (ReleaseStatus.ENDORSED, None),
    ROLLED_BACK: (ReleaseStatus.ROLLED_BACK, None),
    ABANDONED: (ReleaseStatus.ABANDONED, None),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWorld]:
    with running_world(tmp_path_factory.mktemp("table")) as world:
        yield world


def release_at(world: StagedWorld, state: str) -> str:
    """A release that was put into this state."""
    release = world.started(world.protect(fresh_name("table")))
    status, stage = POSITIONS[state]
    with world.engine.app.store.write() as tx:
        found = tx.release(release)
        assert found is not None
        tx.save(replace(found, status=status, stage=stage))
    return release


def seen(world: StagedWorld, release: str) -> Release:
    with world.engine.app.store.read() as tx:
        found = tx.release(release)
    assert found is not None
    return found


def order(world: StagedWorld, event: str, release: str) -> bool:
    """Give the order; whether it was refused."""
    service = seen(world, release).service
    if event == "abandon":
        return world.engine.order(Word.ABANDON, release).refused
    if event == "endorse":
        return world.engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    if event == "halt":
        return world.engine.order(Word.HALT, service).refused
    return world.engine.order(Word.RELEASE_START, service, candidate="43").refused


@pytest.mark.parametrize("event", ["abandon", "endorse", "halt", "replaced"])
@pytest.mark.parametrize("state", POSITIONS)
def test_an_order_moves_a_release_only_as_the_page_says(world: StagedWorld, state: str, event: str) -> None:
    release = release_at(world, state)
    status = POSITIONS[state][0]
    refused = order(world, event, release)
    wanted = RELEASE_MOVES.get((state, event), str(status))
    if (state, event) == (LIVE, "endorse"):
        assert refused, "a stage follows"
        wanted = str(status)
    after = seen(world, release)
    assert str(after.status) == wanted.split(",")[0]
    if event == "halt":
        assert not refused
        is_over = state in (ROLLED_BACK, ABANDONED)  # nothing is on its way: a halt of what is idle is recorded
        assert (world.engine.service(after.service)["state"] == HALTED) is not is_over


@pytest.mark.parametrize("state", [EARLY, LIVE_STAGE, LIVE, WATCHED])
def test_a_halted_release_is_given_up_only_where_it_was_not_live(world: StagedWorld, state: str) -> None:
    release = release_at(world, state)
    order(world, "halt", release)
    refused = order(world, "abandon", release)
    assert refused is (state in (LIVE, WATCHED))
    assert order(world, "endorse", release), "nothing is accepted while it is halted"
    assert order(world, "replaced", release), "and nothing else is started"
