"""A pretended deployer for the example: it knows which version has how much of the traffic, and can be told another."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 9400
FIRST = "1.4"
LARGEST = 64 * 1024


class Deployer(ThreadingHTTPServer):
    """`GET /models/NAME`, and `PUT /models/NAME/traffic` with `version`, `beside` and `percent`."""

    def __init__(self, port: int = PORT) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.models: dict[str, dict[str, Any]] = {}

    def model(self, name: str) -> dict[str, Any]:
        """What serves: `serving` has most of the traffic, `candidate` has `percent` of it."""
        return self.models.setdefault(name, {"serving": FIRST, "candidate": FIRST, "percent": 100})


class Handler(BaseHTTPRequestHandler):
    server: Deployer

    def do_GET(self) -> None:
        """What serves now."""
        name = self.path.removeprefix("/models/")
        self._answer(200, self.server.model(name)) if name != self.path else self._answer(404, {})

    def do_PUT(self) -> None:
        """Shift traffic; the same wish twice is the same wish."""
        name, _, rest = self.path.removeprefix("/models/").partition("/")
        size = int(self.headers.get("content-length") or 0)
        if rest != "traffic" or not 0 < size <= LARGEST:
            self._answer(404, {})
            return
        wish = json.loads(self.rfile.read(size))
        serving = wish["version"] if wish["percent"] > 50 else wish["beside"]
        shown = {"serving": serving, "candidate": wish["version"], "percent": wish["percent"]}
        self.server.models[name] = shown
        self._answer(200, shown)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the method that it replaces
        """One short line for each request."""
        sys.stderr.write(f"deployer: {format % args}\n")


if __name__ == "__main__":
    print(f"the deployer listens on http://127.0.0.1:{PORT}", flush=True)  # noqa: T201
    Deployer().serve_forever()
