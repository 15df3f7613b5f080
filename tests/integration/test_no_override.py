"""No flag, role, call or edited file promotes past a gate that does not pass: random sequences of calls by an admin."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from support.driven_engine import fresh_name
from support.engine import Engine, running_engine
from support.no_override import Attempt, passes_with_everybody, protect
from support.written_config import acting, playbook, write_config

from bot.flow.release_audit import verify_releases

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")

LENGTH = 8
CHUNK = 500
"""Sequences of one configuration and one database."""


def test_no_sequence_of_calls_promotes_past_a_gate(tmp_path: Path, seed: int) -> None:
    assert play(tmp_path, seed, range(60)) > 0


@pytest.mark.e2e
@pytest.mark.timeout(2400)
def test_none_of_10_000_sequences_promotes_past_a_gate(tmp_path: Path, seed: int) -> None:
    chunks = [range(start, start + CHUNK) for start in range(1000, 11_000, CHUNK)]
    folders = [tmp_path / str(chunk.start) for chunk in chunks]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        passed = list(pool.map(play, folders, [seed] * len(chunks), chunks))
    assert all(passed), passed


def play(folder: Path, seed: int, numbers: Sequence[int]) -> int:
    """Play these sequences, each on a service of its own; how many stages were passed where others were at work too.

    AssertionError where one was passed that should not have been, or where the trail does not hold with the records.
    """
    folder.mkdir(exist_ok=True)
    with running_engine(folder) as engine:
        write_config(engine.config, [], [SHIFT])
        assert passes_with_everybody(engine, fresh_name("control"))
        passed = sum(_play_one(engine, seed, number) for number in numbers)
        assert verify_releases(engine.app.store) is None
    return passed


def _play_one(engine: Engine, seed: int, number: int) -> int:
    service, friends = fresh_name("override"), number % 3 == 2
    protect(engine, service)
    dice = random.Random(f"{seed}:{number}")
    attempt = Attempt(engine, service, dice, friends=friends, after=_last_row(engine))
    attempt.play(LENGTH)
    passed = attempt.check()
    (engine.config / "policies" / f"{service}.yaml").unlink()
    return passed if friends else 0


def _last_row(engine: Engine) -> int:
    """The number of the newest row of the audit trail."""
    with engine.app.store.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT COALESCE(MAX(id), 0) FROM audit").scalar_one()
