"""The demo's model server as somebody's staging, with Andon's own processes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.demo.model_server import NAME
from bot.demo.stage import CONFIG, Stage
from support.installation import Parts, running_parts, until
from support.ledger import Ledger, running_ledger
from support.redis_servers import redis_server
from support.written_config import Tree, write_config

MODEL = "{{ target.deployer }}/models/{{ service }}"
BAD, GOOD = "42", "41"


def put(version: str, instead_of: str) -> Tree:
    """The call that makes one version serve in place of another."""
    body = {"from": instead_of, "to": version}
    return {"use": "http_request", "with": {"method": "POST", "url": f"{MODEL}/rollback", "json": body}}


INJECT = [
    {"id": "bad_version", **put(BAD, GOOD), "undo": put(GOOD, BAD), "timeout": "15s", "if_interrupted": "repeat"},
    {
        "id": "seen",
        "use": "wait_for_metric",
        "with": {
            "scrape": "{{ target.deployer }}/metrics", "metric": "model_wrong_ratio", "condition": "value > 0.06",
            "timeout": "40s", "every": "250ms",
        },
        "timeout": "45s",
    },
]  # fmt: skip
"""A bad version serves, and its wrong decisions are measured."""


@dataclass
class DrilledDemo:
    """The demo service in staging, a ledger that stands for production, and single processes."""

    parts: Parts
    stage: Stage
    production: Ledger

    def start(self) -> str:
        """Ask for a drill as a person does; its id."""
        answer = self.parts.api.order(f"/services/{NAME}/drill", {"reason": "to see it"})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def drill(self, drill_id: str) -> dict[str, Any]:
        """It as the API shows it."""
        return self.parts.api.get(f"/drills/{drill_id}")

    def ended(self, drill_id: str, *, seconds: float = 120.0) -> dict[str, Any]:
        """It, once it has ended."""

        def look() -> dict[str, Any] | None:
            drill = self.drill(drill_id)
            return drill if drill["state"] in ("passed", "failed", "aborted", "missed") else None

        return until(f"drill {drill_id} ends", look, seconds=seconds)

    def serving(self) -> str:
        """The version that serves in staging."""
        return str(self.stage.http.get(f"{self.stage.deployer}/models/{NAME}").json()["serving"])

    def report(self, drill: dict[str, Any]) -> dict[str, Any]:
        """The notice that tells how it ended, once it was sent."""

        def look() -> dict[str, Any] | None:
            told = self.parts.api.get(f"/incidents/{drill['incident_id']}")["notices"]
            return next((one for one in told if one["name"] == "drill_report" and one["status"] == "sent"), None)

        return until("the report is sent", look)


@contextmanager
def drilled_demo(
    folder: Path, *, deploy_seconds: float = 0.0, if_interrupted: str = "repeat", **drill: Any
) -> Iterator[DrilledDemo]:
    """Redis, SQLite, a web process and a clock; workers are started by the test."""
    (folder / "redis").mkdir()
    (folder / "var").mkdir()
    stage = Stage(folder, deploy_seconds=deploy_seconds, port=0, seed=4242, serving=GOOD)
    database = f"sqlite:///{folder / 'andon.db'}"
    try:
        stage.start_model_server()
        with (
            running_ledger(folder) as production,
            redis_server(folder / "redis") as redis,
            running_parts(
                folder, _config(folder, stage, production, if_interrupted, drill), database, redis.url,
                ANDON_LEASE_SECONDS="2", ANDON_SWEEP_SECONDS="1",
            ) as parts,
        ):  # fmt: skip
            parts.clock()
            yield DrilledDemo(parts, stage, production)
    finally:
        stage.close()


def _config(folder: Path, stage: Stage, production: Ledger, if_interrupted: str, drill: Tree) -> Path:
    policy = yaml.safe_load((CONFIG / "policies" / f"{NAME}.yaml").read_text("utf-8"))
    book = yaml.safe_load((CONFIG / "playbooks" / "rollback_fraud_model.yaml").read_text("utf-8"))
    next(one for one in book["steps"] if one["id"] == "restore")["if_interrupted"] = if_interrupted
    policy["roles"]["champion"] = ["owner"]
    policy["targets"] = {
        "production": {"deployer": production.url, "allow_hosts": [production.host]},
        "staging": {"deployer": stage.deployer, "allow_hosts": [stage.deployer.removeprefix("http://")]},
    }
    entry = {"playbook": book["playbook"], "inject": INJECT, "alert": {"alertname": "WrongDecisionsHigh"}}
    policy["drills"] = [{"name": "a bad version is live", **entry, **drill}]
    return write_config(folder / "config", [policy], [book])
