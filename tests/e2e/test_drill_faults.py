"""The demo service's drill where it cannot pass: a target that is too slow, and workers that are killed half-way."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.chaos import killed
from support.drilled_demo import GOOD, drilled_demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_slow_target_misses_the_objective(tmp_path: Path) -> None:
    with drilled_demo(tmp_path, deploy_seconds=3.0, objective="3s") as demo:
        for lane in ("rollbacks", "other", "notices"):
            demo.parts.worker(lane)
        drill = demo.ended(demo.start())
        assert drill["state"] == "failed"
        assert drill["why"].startswith("it took ")
        assert drill["why"].endswith("the objective is 3s")
        assert drill["verified_at"]
        assert demo.report(drill)["subject"] == "DRILL: fraud-model in staging: the drill failed"
        assert demo.serving() == GOOD
        assert demo.production.calls() == demo.production.reads() == []


@pytest.mark.parametrize("point", ["after_effect", "before_effect"])
def test_a_worker_killed_in_the_middle_breaks_the_drill_off_and_another_cleans_up(tmp_path: Path, point: str) -> None:
    with drilled_demo(tmp_path, if_interrupted="ask") as demo:
        for lane in ("other", "notices"):
            demo.parts.worker(lane)
        dying = demo.parts.worker("rollbacks", ANDON_CRASH_AT=point)
        drill_id = demo.start()
        assert killed(dying, seconds=90)
        demo.parts.worker("rollbacks")
        drill = demo.ended(drill_id)
        assert drill["state"] == "aborted"
        assert drill["why"].startswith("its worker was lost: step restore")
        assert demo.report(drill)["subject"] == "DRILL: fraud-model in staging: the drill was broken off"
        assert demo.serving() == GOOD
        assert demo.production.calls() == demo.production.reads() == []


@pytest.mark.parametrize("point", ["after_drill_move", "after_drill_event"])
def test_a_drill_whose_own_worker_is_killed_is_carried_on_by_another(tmp_path: Path, point: str) -> None:
    with drilled_demo(tmp_path) as demo:
        for lane in ("rollbacks", "notices"):
            demo.parts.worker(lane)
        dying = demo.parts.worker("other", ANDON_CRASH_AT=point)
        drill_id = demo.start()
        assert killed(dying, seconds=90)
        demo.parts.worker("other")
        drill = demo.ended(drill_id)
        assert (drill["state"], drill["why"]) == ("passed", "")
        assert demo.report(drill)["subject"].startswith("DRILL: ")
        assert demo.serving() == GOOD
        assert demo.production.calls() == demo.production.reads() == []
