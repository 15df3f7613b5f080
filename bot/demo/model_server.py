"""A small real model server: predictions, a metrics page, and a deployer that switches versions safely.

GET  /models/fraud-model             {"serving", "versions", "deployments", "candidate", "percent"}
GET  /models/fraud-model/evaluation  ?version=43&beside=41: F1 of both over the same drawn payments
POST /models/fraud-model/rollback    {"from", "to"}: compare-and-set; repeats of one Idempotency-Key act once,
                                     a lower Andon-Fence than one seen before is refused with 409
POST /models/fraud-model/traffic     {"candidate", "incumbent", "percent"}: the candidate's share; 100: it serves
POST /models/fraud-model/pipeline    {"cents": [versions]}: features of these versions come in the wrong unit
POST /predict                        {"amount", "idle_hours", "new_country", "fraud"} -> {"version", "decline"}
POST /shadow/43                      the same by one version, whoever serves; counted nowhere
GET  /metrics                        Prometheus text; wrong decisions over the last WINDOW predictions
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from bot.demo.scoring import VERSIONS, Payment, declines, evaluation

NAME = "fraud-model"
WINDOW = 200
EVALUATED = 5_000
"""Payments of an evaluation, drawn from SEED."""
SEED = 4243


@dataclass
class State:
    """What the server remembers; one lock for all of it."""

    serving: str = "42"
    delay_seconds: float = 0.0
    """How long a deployment takes before it answers."""
    candidate: str = ""
    """Has `percent` of the traffic beside the version that serves; empty: none has."""
    percent: int = 0
    cents: frozenset[str] = frozenset()
    """Versions whose features come in cents."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: int = 0
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    predictions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERSIONS, 0))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    fence: int = 0
    deployments: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, payment: Payment) -> dict[str, Any]:
        """One decision by whatever serves now, judged against the label."""
        with self.lock:
            self.asked += 1
            version = self.candidate if self.asked * self.percent % 100 < self.percent else self.serving
            decline = declines(version, payment, in_cents=version in self.cents)
            self.predictions[version] += 1
            self.recent.append(decline != payment.fraud)
        return {"version": version, "decline": decline}

    def deploy(self, wanted: dict[str, Any], key: str, fence: int) -> tuple[int, dict[str, Any]]:
        """Switch from one version to another; status and answer."""
        with self.lock:
            if key and key in self.answers:
                return 200, {**self.answers[key], "repeated": True}
            if fence < self.fence:
                return 409, {"error": f"fence {fence} is older than {self.fence}"}
            if wanted.get("to") not in VERSIONS:
                return 404, {"error": "no such version"}
            if self.serving == wanted["to"] and not self.candidate:
                return 200, {"serving": self.serving, "already": True}
            if wanted.get("from") not in (self.serving, self.candidate):
                return 409, {"error": f"{self.serving} is serving, not {wanted.get('from')}"}
            answer = self._switch(str(wanted["to"]), "", 0, key, fence)
        time.sleep(self.delay_seconds)  # the switch is made; a real deployer takes a while to say so
        return 200, answer

    def shift(self, wanted: dict[str, Any], key: str, fence: int) -> tuple[int, dict[str, Any]]:
        """Give a candidate its share of the traffic, or all of it; status and answer."""
        with self.lock:
            candidate, incumbent, percent = str(wanted["candidate"]), wanted.get("incumbent"), int(wanted["percent"])
            if key and key in self.answers:
                return 200, {**self.answers[key], "repeated": True}
            if fence < self.fence:
                return 409, {"error": f"fence {fence} is older than {self.fence}"}
            if candidate not in VERSIONS or not 0 < percent <= 100:
                return 404, {"error": "no such version, or no such share"}
            if self.serving != incumbent:
                return 409, {"error": f"{self.serving} is serving, not {incumbent}"}
            serving, beside, share = (candidate, "", 0) if percent == 100 else (self.serving, candidate, percent)
            answer = self._switch(serving, beside, share, key, fence)
        time.sleep(self.delay_seconds)
        return 200, answer

    def _switch(self, serving: str, candidate: str, percent: int, key: str, fence: int) -> dict[str, Any]:
        self.fence, self.serving, self.candidate, self.percent = fence, serving, candidate, percent
        self.recent.clear()
        answer = {"serving": serving} if not candidate else {"serving": serving, "share": {candidate: percent}}
        self.answers[key] = answer
        self.deployments.append({"to": candidate or serving, "key": key, "fence": fence, "at": time.time()})
        return answer

    def shadow(self, version: str, payment: Payment) -> tuple[int, dict[str, Any]]:
        """One decision by one version, which nobody acts on; status and answer."""
        if version not in VERSIONS:
            return 404, {"error": "no such version"}
        return 200, {"version": version, "decline": declines(version, payment, in_cents=version in self.cents)}

    def known(self) -> dict[str, Any]:
        """What serves, and how it came about."""
        with self.lock:
            return {
                "serving": self.serving,
                "versions": list(VERSIONS),
                "deployments": list(self.deployments),
                "candidate": self.candidate,
                "percent": self.percent,
            }

    def metrics(self) -> str:
        """The metrics page. Nothing is said of a window that is not full yet: no data is not health."""
        with self.lock:
            lines = [
                "# HELP model_predictions_total Predictions by version.",
                "# TYPE model_predictions_total counter",
                *(f'model_predictions_total{{version="{name}"}} {count}' for name, count in self.predictions.items()),
                "# HELP model_wrong_ratio Share of wrong decisions in the last 200 predictions.",
                "# TYPE model_wrong_ratio gauge",
            ]
            if len(self.recent) == WINDOW:
                lines.append(f"model_wrong_ratio {sum(self.recent) / WINDOW}")
        return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """Routes to the state."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait for each other's acknowledgement
    state: State

    def do_GET(self) -> None:
        """State or metrics."""
        path, _, query = self.path.partition("?")
        if path == "/metrics":
            self._send(200, self.state.metrics().encode(), "text/plain; version=0.0.4")
        elif path == f"/models/{NAME}":
            self._json(200, self.state.known())
        elif path == f"/models/{NAME}/evaluation":
            asked = dict(parse_qsl(query))
            version, beside = asked.get("version", ""), asked.get("beside", "")
            if {version, beside} <= set(VERSIONS):
                self._json(200, evaluation(version, beside, EVALUATED, SEED))
            else:
                self._json(404, {"error": "no such version"})
        else:
            self._json(404, {"error": "not found"})

    def do_POST(self) -> None:
        """A prediction or a deployment."""
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._json(*self._answer(body))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self._json(400, {"error": str(error)})

    def _answer(self, body: Any) -> tuple[int, dict[str, Any]]:
        state = self.state
        key, fence = self.headers.get("Idempotency-Key", ""), int(self.headers.get("Andon-Fence", 0))
        if self.path == "/predict":
            return 200, state.predict(Payment(**body))
        if self.path.startswith("/shadow/"):
            return state.shadow(self.path.removeprefix("/shadow/"), Payment(**body))
        if self.path == f"/models/{NAME}/rollback":
            return state.deploy(body, key, fence)
        if self.path == f"/models/{NAME}/traffic":
            return state.shift(body, key, fence)
        if self.path == f"/models/{NAME}/pipeline":
            state.cents = frozenset(body["cents"])
            return 200, {"cents": sorted(state.cents)}
        return 404, {"error": "not found"}

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives
        """Quiet: the story is told elsewhere."""


def serve(delay_seconds: float = 0.0, serving: str = "42") -> None:
    """Serve on a free port, print it, and go on until killed."""
    Handler.state = State(serving=serving, delay_seconds=delay_seconds)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0, *sys.argv[2:3])
