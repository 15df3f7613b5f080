"""Bundles of real incidents and releases: complete, the same every time, and free of secrets."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import exported, files_of, lines_of, released, rolled_back
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder
from support.engine import ACTORS
from support.ledger import running_ledger

from bot.domain.bundles import BundleKind
from bot.domain.errors import NotFound


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("bundles")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build()


def test_a_bundle_of_an_incident_has_everything_that_is_recorded_of_it(engine: DrivenEngine) -> None:
    incident = rolled_back(engine)
    files = files_of(exported(engine, "incident", incident))
    print(sorted(files)); print({k: len(v) for k, v in files.items()})
    assert [one["id"] for one in lines_of(files, "incidents")] == [incident]
