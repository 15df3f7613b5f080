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

from bot.flow.release_audit import verify_releases

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")

LENGTH = 8


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
    passed = {False: 0, True: 0}
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")
        service, friends = fresh_name("override"), number % 3 == 2
        protect(engine, service)
        after = last_row(engine)
        attempt = Attempt(engine, service, dice, friends=friends, after=after)
        attempt.play(LENGTH + (6 if friends else 0))
        passed[friends] += attempt.check()
        (engine.config / "policies" / f"{service}.yaml").unlink()
    assert passed[True], f"with others at work, stages are passed too: {passed}"
    assert verify_releases(engine.app.store) is None


def last_row(engine: Engine) -> int:
    """The number of the newest row of the audit trail."""
    with engine.app.store.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT COALESCE(MAX(id), 0) FROM audit").scalar_one()
