"""`andon up` while nobody does anything: the page goes out, its acknowledgement is read back, an update is posted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing, group
from support.installation import Up, running_up, until
from support.ledger import running_ledger
from support.pagerduty_server import pagerduty_server
from support.passing_time import asking
from support.written_config import policy, write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def timeline(up: Up, incident_id: str, words: str) -> str:
    """The first line of the incident's timeline with these words, once there is one."""

    def look() -> str | None:
        lines: list[dict[str, Any]] = up.api.get(f"/incidents/{incident_id}")["timeline"]
        return next((line["text"] for line in lines if words in line["text"]), None)

    return until(f"the timeline says {words!r}", look, seconds=60)


def test_real_processes_call_read_back_and_tell_by_themselves(tmp_path: Path) -> None:
    parts = asking({"after": "1s", "notify": "pagerduty"})
    parts["roles"] = {"rollback_authority": ["olga"]}  # nobody who could be asked to write the update
    with running_ledger(tmp_path) as ledger, pagerduty_server() as server:
        config = write_config(tmp_path / "config", [policy("alone", ledger.url, **parts, update_every="3s")])
        with running_up(tmp_path, config, **server.values) as up:
            (incident_id,) = up.api.alert(group(firing("alone")))["incidents"]
            timeline(up, incident_id, "whoever is on duty is paged by pagerduty")
            (key,) = until("the page has gone out", lambda: list(server.pages), seconds=30)
            server.acknowledge(key, "Grace Hopper")
            timeline(up, incident_id, "Measured, because nobody wrote an update: alone in production is not restored")
            timeline(up, incident_id, "Grace Hopper acknowledged the page by pagerduty; nobody else is called")
            (run,) = up.api.get(f"/incidents/{incident_id}")["runs"]
            assert up.api.order(f"/runs/{run['id']}/cancel", {"reason": "seen"}).status_code == 200
            until("the page is resolved", lambda: server.pages[key] == "resolved", seconds=30)
            assert up.stop() == 0
