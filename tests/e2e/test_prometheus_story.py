"""The whole story with the real neighbours: Prometheus sees it, Alertmanager tells it, Andon mends it and proves it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.installation import free_port, running_up, until
from support.third_party import alertmanager, missing, prometheus
from support.written_config import Tree, write_config

from bot.demo.stage import CONFIG, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RULE = {
    "alert": "WrongDecisionsHigh",
    "expr": "model_wrong_ratio > 0.05",
    "for": "1s",
    "labels": {"severity": "critical", "service": "fraud-model", "environment": "production"},
    "annotations": {"summary": "{{ $value | humanizePercentage }} of fraud decisions are wrong"},
}


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "stage", deploy_seconds=0.2, port=0, seed=7)
    try:
        stage.start_model_server()
        until("enough payments were judged", lambda: (stage.wrong_ratio() or 0) > 0.05, seconds=60)
        yield stage
    finally:
        stage.close()


def story_config(folder: Path, stage: Stage, watcher: str) -> Path:
    """The demo's files, with a proof by PromQL instead of a look at the model's own page."""
    policy: Tree = yaml.safe_load((CONFIG / "policies" / "fraud-model.yaml").read_text())
    policy["targets"]["production"] |= {"deployer": stage.deployer, "prometheus": watcher}
    [book] = [yaml.safe_load(file.read_text()) for file in (CONFIG / "playbooks").glob("*.yaml")]
    verify = book["steps"][-1]
    assert verify["use"] == "wait_for_metric"
    verify["with"] = {
        "prometheus": "{{ target.prometheus }}",
        "query": "model_wrong_ratio",
        "condition": "value < 0.05",
        "for": "1s",
        "timeout": "60s",
        "every": "250ms",
    }
    return write_config(folder / "config", [policy], [book])


def test_a_bad_release_that_prometheus_sees_is_rolled_back_and_proven(
    tmp_path: Path, model: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing():
        absent = f"{' and '.join(missing())} are not installed here; .ci/run installs them"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    watcher = f"http://127.0.0.1:{free_port()}"
    config = story_config(tmp_path, model, watcher)
    with (
        running_up(tmp_path, config) as up,
        alertmanager(tmp_path / "alertmanager", up.api.address, up.api.webhook_secret) as manager,
        prometheus(tmp_path / "prometheus", model.deployer.removeprefix("http://"), manager, [RULE], at=watcher),
    ):
        run_id = until("an alert led to a run", lambda: first_run(up.api), seconds=60)
        run = up.api.settled(run_id, seconds=90)
        assert run["status"] == "succeeded", run["error"]
        assert [step["status"] for step in run["steps"]] == ["done"] * len(run["steps"])
        assert model.model()["serving"] == "41"
        assert len(model.model()["deployments"]) == 1
        assert (model.wrong_ratio() or 0) < 0.05

        def is_over() -> dict[str, Any] | None:
            incident = up.api.get(f"/incidents/{run['incident_id']}")
            return incident if any("resolved at its source" in line["text"] for line in incident["timeline"]) else None

        incident = until("Alertmanager says that it is over", is_over, seconds=60)
        assert incident["status"] == "monitoring"
        assert incident["severity"] == "SEV-1"
        assert len(incident["runs"]) == 1
        assert {notice["audience"] for notice in incident["notices"] if notice["name"] == "restored"} == {
            "engineering",
            "product",
            "executive",
            "support",
        }
        assert up.api.get("/audit/verify")["ok"]
        with capsys.disabled():
            print(
                f"\nfirst action {run['seconds_to_first_action']:.3f} s, proven {run['seconds']:.2f} s after the alert"
            )


def first_run(api: Any) -> str | None:
    runs = api.get("/runs")["items"]
    return str(runs[0]["id"]) if runs else None
