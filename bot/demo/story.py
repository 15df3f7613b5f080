"""`andon demo`: the whole path on real parts, told while it happens and measured at the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.demo.stage import CANARY_CONFIG, Stage
from bot.domain.errors import StepFailed
from bot.domain.times import format_time, parse_time

_DEPLOY_SECONDS = 0.3
_SLOW_DEPLOY_SECONDS = 3.0
"""Long enough to kill a worker in the middle of it."""
_PATIENCE = 90.0
_SEED = 42

Draw = Callable[..., Iterable[str]]


def main(args: argparse.Namespace, draw: Draw) -> int:
    """Exit 0 when the incumbent was restored and measured to serve well, else 1. `draw`: a canary as lines of text."""
    with tempfile.TemporaryDirectory(prefix="andon-demo-") as folder, contextlib.ExitStack() as stack:
        slow = _SLOW_DEPLOY_SECONDS if args.kill_worker else _DEPLOY_SECONDS
        story = _story(draw if args.canary else None, Path(folder), deploy_seconds=slow, port=args.port, seed=_SEED)
        stack.callback(story.stage.close)
        try:
            run = story.tell(kill_worker=args.kill_worker)
        except StepFailed as error:
            say(f"\n{error}")
            return 1
        if args.keep:
            story.stay()
        else:
            say("All of it is stopped and removed now; `andon demo --keep` leaves the page up.")
        return 0 if run["status"] == "succeeded" else 1


def _story(draw: Draw | None, folder: Path, **settings: Any) -> Story:
    if draw is None:
        return Story(Stage(folder, **settings))
    from bot.demo.canary_story import CanaryStory
    from bot.flow.canary_rule import check_installed

    check_installed()
    return CanaryStory(Stage(folder, config=CANARY_CONFIG, serving="41", **settings), draw)


class Story:
    """Tells what happens, step by step; every figure is measured."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.began = datetime.now(UTC)

    def tell(self, *, kill_worker: bool) -> dict[str, Any]:
        """The run as it ended."""
        self._before()
        receipt = self._alert()
        run_id = receipt["runs"][0]
        if kill_worker:
            self._kill_worker(run_id)
        run = self._until_ended(run_id)
        self._after(run, receipt["incidents"][0], kill_worker=kill_worker)
        return run

    def _before(self) -> None:
        say("A model server starts, with the bad candidate 42 in place, and payments come in.")
        self.stage.start_model_server()
        ratio = self._until("the model server has judged enough payments", self.stage.wrong_ratio)
        wrong = f"{ratio:.0%} of its last 200 decisions are wrong"
        say(f"  {self.stage.deployer}: 42 is serving, {wrong} (seed {self.stage.seed})")
        say("Andon starts on an empty folder: SQLite, its own Redis, web, workers, clock.")
        self.stage.start_andon()
        say(f"  {self.stage.address}")

    def _alert(self) -> dict[str, Any]:
        say("Alertmanager posts an alert to /webhooks/alertmanager.")
        headers = {"Authorization": f"Bearer {self.stage.secret('webhook-token')}"}
        ratio = self.stage.wrong_ratio() or 0.0
        body = alertmanager_body(ratio, datetime.now(UTC))
        self.began = datetime.now(UTC)
        answer = self.stage.http.post(f"{self.stage.address}/webhooks/alertmanager", json=body, headers=headers)
        receipt = dict(answer.json())
        if answer.status_code != 202 or not receipt.get("runs"):
            raise StepFailed(f"The alert was answered {answer.status_code} {answer.text[:300]}")
        took, run = answer.elapsed.total_seconds() * 1000, receipt["runs"][0]
        say(f"  answered {answer.status_code} {receipt['disposition']} in {took:.0f} ms: run {run}")
        return receipt

    def _kill_worker(self, run_id: str) -> None:
        self._until("the deployer is being called", lambda: self.stage.model()["deployments"] or None)
        owner = self.stage.api(f"/runs/{run_id}")["lease"]["owner"]
        pid = int(owner.split("-")[-2])
        os.kill(pid, signal.SIGKILL)
        say(f"  worker {pid} is killed in the middle of the call that switches the model; its answer is lost")

    def _until_ended(self, run_id: str) -> dict[str, Any]:
        ended = ("succeeded", "failed", "cancelled", "superseded", "needs_human")

        def look() -> dict[str, Any] | None:
            run = self.stage.api(f"/runs/{run_id}")
            return run if run["status"] in ended else None

        return dict(self._until("the run has ended", look))

    def _after(self, run: dict[str, Any], incident_id: str, *, kill_worker: bool) -> None:
        notices = 4
        incident = self._until(
            "the notices are rendered",
            lambda: self._told(incident_id, [*("rollback_started",) * notices, *("restored",) * notices]),
        )
        say("\nTimeline (seconds after the alert was accepted)")
        accepted = parse_time(run["accepted_at"])
        for line in incident["timeline"]:
            say(f"  {(parse_time(line['at']) - accepted).total_seconds():7.2f}  {line['text']}")
        self._prove(run, kill_worker=kill_worker)
        self._show_notices(incident)
        say(f"\nIncident {self.stage.address}/incidents/{incident_id}")

    def _told(self, incident_id: str, wanted: list[str]) -> dict[str, Any] | None:
        incident = self.stage.api(f"/incidents/{incident_id}")
        sent = [notice["name"] for notice in incident["notices"] if notice["status"] == "sent"]
        return incident if all(sent.count(name) >= wanted.count(name) for name in wanted) else None

    def _prove(self, run: dict[str, Any], *, kill_worker: bool) -> None:
        model, ratio = self.stage.model(), self.stage.wrong_ratio()
        measured = f"{ratio:.1%} of its last 200 decisions are wrong" if ratio is not None else "not measured"
        total = (parse_time(run["finished_at"]) - parse_time(run["accepted_at"])).total_seconds()
        say("\nProof")
        say(f"  run {run['status']}; {model['serving']} is serving; {measured}")
        first = run["seconds_to_first_action"]
        say(f"  first action after {first:.3f} s, restored and verified after {total:.2f} s of 300 s")
        if kill_worker:
            tries = next(step for step in run["steps"] if step["id"] == "restore")
            made = len(model["deployments"])
            say(f"  step restore was interrupted and went on in another worker; deployments made: {made}")
            if len(model["deployments"]) != 1 or tries["status"] != "done":
                raise StepFailed("The model was not deployed exactly once")
        if run["status"] != "succeeded" or model["serving"] != "41" or ratio is None or ratio >= 0.05:
            raise StepFailed("The incumbent was not restored and proven")

    def _show_notices(self, incident: dict[str, Any]) -> None:
        for notice in incident["notices"]:
            if notice["name"] == "restored":
                say(f"\nTo {notice['audience']}: {notice['subject']}")
                say("\n".join(f"  | {line}" for line in notice["body"].strip().splitlines()))

    def stay(self) -> None:
        """Leave everything up until Ctrl-C, and say how to get in."""
        say(f"\nToken for the page: {self.stage.token()}")
        say(f"Log in at {self.stage.address}/login. Ctrl-C ends the demo.")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()

    def _until(self, what: str, look: Any) -> Any:
        waited = 0.0
        while waited < _PATIENCE:
            found = look()
            if found is not None:
                return found
            self.stage.pause(0.1)
            waited += 0.1
        log = self.stage.folder / "andon.log"
        tail = log.read_text(encoding="utf-8", errors="replace")[-1500:] if log.exists() else ""
        raise StepFailed(f"Waited {_PATIENCE:.0f} s in vain until {what}", why=tail)


def alertmanager_body(ratio: float, now: datetime) -> dict[str, Any]:
    """A body as Alertmanager 0.25 and later send it for one firing alert (webhook version 4)."""
    labels = {
        "alertname": "WrongDecisionsHigh",
        "environment": "production",
        "job": "model",
        "service": "fraud-model",
        "severity": "critical",
    }
    annotations = {
        "summary": f"{ratio:.0%} of fraud decisions are wrong",
        "description": "Share of wrong decisions over the last 200 predictions is above 5 %",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": format_time(now),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=model_wrong_ratio+%3E+0.05",
        "fingerprint": "5b8c3f1d2a7e9604",
    }
    return {
        "receiver": "andon",
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": '{}:{alertname="WrongDecisionsHigh"}',
        "truncatedAlerts": 0,
    }


def say(text: str) -> None:
    """One line to the reader, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
