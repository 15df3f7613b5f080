"""A small real model server: predictions, a metrics page, and a deployer that switches versions safely.

GET  /models/fraud-model             {"serving", "versions", "deployments"}
POST /models/fraud-model/rollback    {"from", "to"}: compare-and-set; repeats of one Idempotency-Key act once,
                                     a lower Andon-Fence than one seen before is refused with 409
POST /predict                        {"amount", "idle_hours", "new_country", "fraud"} -> {"version", "decline"}
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

from bot.demo.scoring import VERSIONS, Payment, declines

NAME = "fraud-model"
WINDOW = 200


@dataclass
class State:
    """What the server remembers; one lock for all of it."""

    serving: str = "42"
    delay_seconds: float = 0.0
    """How long a deployment takes before it answers."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    predictions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERSIONS, 0))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    fence: int = 0
    deployments: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, payment: Payment) -> dict[str, Any]:
        """One decision by whatever serves now, judged against the label."""
        with self.lock:
            version = self.serving
            decline = declines(version, payment)
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
            if self.serving != wanted.get("from"):
                return 409, {"error": f"{self.serving} is serving, not {wanted.get('from')}"}
            self.fence, self.serving = fence, str(wanted["to"])
            self.recent.clear()
            answer = {"serving": self.serving}
            self.answers[key] = answer
            self.deployments.append({"to": self.serving, "key": key, "fence": fence})
        time.sleep(self.delay_seconds)  # the switch is made; a real deployer takes a while to say so
        return 200, answer

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
        state = self.state
        if self.path == "/metrics":
            self._send(200, state.metrics().encode(), "text/plain; version=0.0.4")
        elif self.path == f"/models/{NAME}":
            with state.lock:
                known = {"serving": state.serving, "versions": list(VERSIONS), "deployments": state.deployments}
            self._json(200, known)
        else:
            self._json(404, {"error": "not found"})

    def do_POST(self) -> None:
        """A prediction or a deployment."""
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            if self.path == "/predict":
                self._json(200, self.state.predict(Payment(**body)))
            elif self.path == f"/models/{NAME}/rollback":
                key, fence = self.headers.get("Idempotency-Key", ""), int(self.headers.get("Andon-Fence", 0))
                self._json(*self.state.deploy(body, key, fence))
            else:
                self._json(404, {"error": "not found"})
        except (ValueError, TypeError, AttributeError) as error:
            self._json(400, {"error": str(error)})

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


def serve(delay_seconds: float = 0.0) -> None:
    """Serve on a free port, print it, and go on until killed."""
    Handler.state = State(delay_seconds=delay_seconds)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
