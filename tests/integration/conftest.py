"""What many tests of the parts together share: the ledger outside, and an engine on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.databases import KINDS
from support.driven_engine import DrivenEngine, MovableClock, builder
from support.ledger import Ledger, running_ledger
from support.passing_time import LONG_AGO


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The deployer that keeps books of what it was asked to do."""
    with running_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger) -> Iterator[DrivenEngine]:
    """An engine long before today, the same on both databases."""
    with builder(tmp_path, ledger, request.param) as build:
        yield build(clock=MovableClock(-LONG_AGO))
