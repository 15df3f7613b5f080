"""Servers that others made, for the heavy suite: missing at home they skip a test, missing in CI they fail it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.emulated_slack import EmulatedSlack, NotHere, running_slack


@pytest.fixture
def emulated_slack(tmp_path: Path) -> Iterator[EmulatedSlack]:
    """A fresh workspace, with the scopes that Andon asks for."""
    try:
        with running_slack(tmp_path / "slack") as slack:
            yield slack
    except NotHere as absent:
        if os.environ.get("CI"):
            pytest.fail(str(absent))
        pytest.skip(str(absent))
