"""A receiver of observations in a process of its own: `SECONDS`; prints its port, answers each batch after so long."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    delay = 0.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        threading.Event().wait(self.delay)
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(seconds: str) -> None:
    """Serve until the process is ended."""
    _Handler.delay = float(seconds)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
