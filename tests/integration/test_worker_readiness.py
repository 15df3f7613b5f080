"""A worker for rollbacks has all that a rollback takes before it listens, and little of what others do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.engine import running_engine
from support.installation import environment

PROGRAM = """
import json, sys
from bot import jobs
from bot.app import build_app
from bot.ports import Lane
from bot.settings import Settings
import bot.cli.serving, bot.worker

def ours():
    return {name for name in sys.modules if name.partition(".")[0] in ("bot", "handlers", "playbooks")}

app = build_app(Settings.from_environment())
app.configuration.keep()
app.workshop.http.warm()
jobs.bind(app, Lane.ROLLBACKS)
app.due.of(Lane.ROLLBACKS)
ready = ours()
jobs.advance_run(sys.argv[1])
print(json.dumps({"ready": sorted(ready), "later": sorted(ours() - ready)}))
app.close()
"""
OTHERS = [
    "bot.wiring.clockwork",
    "bot.wiring.front",
    "bot.wiring.releases",
    "bot.wiring.telling",
    "bot.gates.canary",
    "bot.flow.intake",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Modules of the house that a fresh process had before its first rollback, and those that came with it."""
    folder: Path = tmp_path_factory.mktemp("readiness")
    with running_engine(folder) as engine:
        engine.protect("first")
        run_id = engine.alert(firing("first")).runs[0]
        env = environment(ANDON_DATA=str(folder / "var"), ANDON_CONFIG=str(engine.config))
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, run_id], env=env, capture_output=True, text=True, check=True, timeout=60
        )
        assert len(engine.ledger.effects("first")) == 1
        engine.work_until(run_id, "succeeded")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_nothing_is_loaded_between_an_alert_and_its_first_call(told: dict[str, list[str]]) -> None:
    assert told["later"] == []


def test_what_only_other_processes_do_is_not_held(told: dict[str, list[str]]) -> None:
    assert "bot.flow.runner" in told["ready"]
    assert [one for one in OTHERS if one in told["ready"]] == []
