"""`andon demo --canary`: a candidate whose answers go wrong beside the incumbent's, seen pair by pair, and undone."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bot.demo.shadow import Shadow
from bot.demo.stage import Stage
from bot.demo.story import Draw, Story, say
from bot.domain.errors import StepFailed
from bot.domain.times import parse_time

_CANDIDATE, _INCUMBENT = "43", "41"
_BREAKS_AFTER = 300
"""Pairs until the candidate's features come in cents."""
_SEED = 43


class CanaryStory(Story):
    """Tells what happens, step by step; every figure is measured."""

    def __init__(self, stage: Stage, draw: Draw) -> None:
        super().__init__(stage)
        self._draw = draw
        self._broke_at = 0

    def tell(self, *, kill_worker: bool = False) -> dict[str, Any]:
        """The rollback as it ended. A worker is killed in the other story only."""
        if kill_worker:
            raise StepFailed("`--canary` and `--kill-worker` are two stories", next="give one of them")
        release = self._begin()
        shadow = self._compare(release)
        try:
            run_id = self._until("the divergence has led to a rollback", self._rollback)
            run = self._until_ended(run_id)
        finally:
            shadow.end()
        self._show(release, run, shadow)
        return run

    def _begin(self) -> str:
        say(f"A model server starts with {_INCUMBENT} in place, and payments come in.")
        self.stage.start_model_server()
        ratio = self._until("the model server has judged enough payments", self.stage.wrong_ratio)
        say(f"  {self.stage.deployer}: {_INCUMBENT} is serving, {ratio:.0%} of its last 200 decisions are wrong")
        say("Andon starts on an empty folder: SQLite, its own Redis, web, workers, clock.")
        self.stage.start_andon()
        say(f"  {self.stage.address}")
        say(f"Release {_CANDIDATE} starts. Its first stage gives it a tenth of the payments.")
        order = {"service": "fraud-model", "candidate": _CANDIDATE, "reason": "retrained on newer payments"}
        release = str(self.stage.order("/releases", order)["id"])
        self._until("the candidate has its share", lambda: self.stage.model()["percent"] == 10 or None)
        self._until("it is compared", lambda: self.stage.api(f"/releases/{release}")["state"] == "canary" or None)
        say(f"  {release}: {_INCUMBENT} is serving, {_CANDIDATE} has 10 %")
        return release

    def _compare(self, release: str) -> Shadow:
        say("Both versions decide the same payments from now on; Andon compares each pair of answers.")
        address = f"{self.stage.address}/api/v1/canaries/{release}/observations"
        shadow = Shadow(self.stage.deployer, address, self.stage.token(), (_INCUMBENT, _CANDIDATE), _SEED)
        view = self._until(f"{_BREAKS_AFTER} pairs are compared", lambda: self._compared(release))
        say(f"  after {view['pairs']} pairs: {view['verdict']}, {view['estimate']:.1%} of the answers differ")
        self.stage.order_model("/pipeline", {"cents": [_CANDIDATE]})
        self._broke_at = len(shadow.times)
        say(f"After pair {self._broke_at} the features of {_CANDIDATE} come in cents instead of euros.")
        return shadow

    def _compared(self, release: str) -> dict[str, Any] | None:
        view = self.stage.api(f"/canaries/{release}")
        return view if view["pairs"] >= _BREAKS_AFTER else None

    def _rollback(self) -> str | None:
        found = self.stage.api("/runs")["items"]
        return next((str(one["id"]) for one in found if one["playbook"] == "rollback_fraud_model"), None)

    def _show(self, release: str, run: Mapping[str, Any], shadow: Shadow) -> None:
        view = self.stage.api(f"/canaries/{release}")
        incident = self._until(
            "the notices are rendered",
            lambda: self._told(run["incident_id"], [*("rollback_started",) * 4, *("restored",) * 4]),
        )
        say("")
        is_plain = "utf" not in (sys.stdout.encoding or "").lower()
        say("\n".join(self._draw(view, is_plain=is_plain)))
        self._timeline(incident, run)
        self._prove_canary(view, run, shadow)
        self._show_notices(incident)
        say(f"\nRelease {self.stage.address}/releases/{release}")
        say(f"Incident {self.stage.address}/incidents/{run['incident_id']}")

    def _timeline(self, incident: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        say("\nTimeline (seconds after the divergence was accepted)")
        accepted = parse_time(run["accepted_at"])
        for line in incident["timeline"]:
            say(f"  {(parse_time(line['at']) - accepted).total_seconds():7.2f}  {line['text']}")

    def _prove_canary(self, view: Mapping[str, Any], run: Mapping[str, Any], shadow: Shadow) -> None:
        model, ratio = self.stage.model(), self.stage.wrong_ratio()
        measured = f"{ratio:.1%} of its last 200 decisions are wrong" if ratio is not None else "not measured"
        number, crossed = crossing(view, shadow.times)
        first = parse_time(run["accepted_at"]).timestamp() + run["seconds_to_first_action"] - crossed
        whole = parse_time(run["finished_at"]).timestamp() - crossed
        say("\nProof")
        say(f"  run {run['status']}; {model['serving']} is serving, {_CANDIDATE} has {model['percent']} %; {measured}")
        say(f"  pair {number} crossed the bound, {number - self._broke_at} pairs after the features changed")
        say(f"  after that pair: first action after {first:.2f} s, restored and verified after {whole:.2f} s")
        is_back = model["serving"] == _INCUMBENT and model["percent"] == 0
        if run["status"] != "succeeded" or not is_back or ratio is None or ratio >= 0.05:
            raise StepFailed("The incumbent was not restored and proven")


def crossing(view: Mapping[str, Any], times: list[float]) -> tuple[int, float]:
    """The number of the pair at which the verdict fell, and when it was there (seconds since the epoch)."""
    number = view["diverged_at"]
    if number is None or not 0 < number <= len(times):
        raise StepFailed("The comparison did not say at which pair it diverged")
    return number, times[number - 1]
