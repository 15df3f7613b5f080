"""One drill end to end: the failure is brought about, the alert comes in, the way back is measured, all is cleaned up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.databases import KINDS
from support.drills import Rehearsals, rehearsals
from support.driven_engine import fresh_name

from bot.domain.drills import DrillState


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsals]:
    with rehearsals(tmp_path_factory.mktemp("drills"), request.param) as house:
        yield house


def test_a_drill_brings_the_failure_about_restores_and_measures_each_moment(house: Rehearsals) -> None:
    service = fresh_name()
    house.protect(service)
    drill = house.carry_out(house.plan(service))
    assert (drill.state, drill.why) == (DrillState.PASSED, "")
