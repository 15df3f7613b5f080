"""No flag, role, call or edited file promotes past a gate that does not pass: random sequences of calls by an admin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.driven_engine import fresh_name
from support.engine import Engine, running_engine
from support.no_override import Attempt, passes_with_everybody, protect
from support.written_config import acting, playbook, write_config

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
LENGTH = 12


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("override")
    with running_engine(folder) as engine:
        write_config(engine.config, [], [SHIFT])
        yield engine


def test_the_same_stages_are_passed_by_those_who_may(engine: Engine) -> None:
    assert passes_with_everybody(engine, fresh_name("control"))


HEAVY = [pytest.mark.e2e, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=HEAVY)])
def test_no_sequence_of_calls_promotes_past_a_gate(engine: Engine, seed: int, count: int) -> None:
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")
        service = fresh_name("override")
        protect(engine, service)
        attempt = Attempt(engine, service, dice)
        attempt.play(LENGTH)
        attempt.check()
        (engine.config / "policies" / f"{service}.yaml").unlink()
