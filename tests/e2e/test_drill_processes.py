"""The demo service is drilled by real processes: web, clock, and one worker for each lane."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.drilled_demo import GOOD, drilled_demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
MOMENTS = ("injected_at", "detected_at", "decided_at", "first_action_at", "restored_at", "verified_at")


def test_the_demo_service_passes_its_drill(tmp_path: Path) -> None:
    with drilled_demo(tmp_path) as demo:
        for lane in ("rollbacks", "other", "notices"):
            demo.parts.worker(lane)
        drill = demo.ended(demo.start())
        assert (drill["state"], drill["why"], drill["human"]) == ("passed", "", False)
        moments = [drill[name] for name in MOMENTS]
        assert moments == sorted(moments)
        assert 0 < drill["seconds_to_restore"] < 300
        assert demo.report(drill)["subject"].startswith("DRILL: fraud-model in staging: the drill passed in ")
        assert demo.serving() == GOOD
        assert demo.parts.api.get(f"/incidents/{drill['incident_id']}")["status"] == "resolved"
        assert demo.parts.api.get("/services/fraud-model")["state"] == "normal"
        assert demo.production.calls() == demo.production.reads() == []
