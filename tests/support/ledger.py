"""A deployer that remembers: a real HTTP server in its own process, with a call log that survives `kill -9`.

Run it with `python -m support.ledger --port 0 --file PATH [--die-with-parent]`; it prints its port on one line.
Tests use `with running_ledger(folder) as ledger:`.

Every request except `/control` and `/metrics` that may act (any method but GET and HEAD) is first appended to the
file as a *call* and synced to disk, before anything else happens. What it changed is appended as an *effect*.

    POST /models/{name}/rollback {"from", "to"}   sets the serving version; 200 {"serving", "applied", "effect"};
                                                  409 where `from` is given and is not the one that serves
    GET  /models/{name}                           {"name", "serving", "versions"}, 404 where unknown
    POST /effects/{what} any JSON                 200 {"applied", "effect"}
    GET  /effects                                 {"effects": […], "calls": […]}, oldest first
    GET  /effects/{what}?key=K                    {"count", "effects"} of that name, with that key if given
    GET  /metrics                                 a Prometheus page: model_error_ratio, model_serving_info,
                                                  ledger_effects_total, ledger_calls_total
    GET  /control, POST /control {…}              settings, see `Settings`; what is posted is merged

A call or effect is {"n", "kind", "at" (seconds since the epoch), "method", "path", "what", "key" (Idempotency-Key),
"run" (Andon-Run), "fence" (Andon-Fence), "drill" (Andon-Drill), "body"}; a call also has "outcome" in GET /effects:
`applied`, `repeated` (the key was seen before), `stale` (its fence is older than one already seen), `refused`,
`failed` (a fault was played), `open`.

Faults (`{"fault": {"mode": …, "times": 1, "path": "/effects", …}}`): `times` is how many calls meet it (-1: all),
`path` the prefix that they must have. Modes:
    status              answers `status` (and `retry_after`) without applying
    status_after        applies, then answers `status`
    hang                never answers for `seconds`, does not apply
    hang_after          applies, then never answers for `seconds`
    reset               breaks the connection without applying
    reset_after         applies, then breaks the connection
    drip_headers, drip_body   apply, then answer one byte each second
    slow                waits `seconds`, then applies and answers well
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Fault:
    """One way to misbehave."""

    mode: str
    times: int = 1
    path: str = "/"
    status: int = 503
    retry_after: str | None = None
    seconds: float = 60.0


@dataclass(frozen=True)
class Settings:
    """How the ledger behaves; each can be set by POST /control."""

    dedup: bool = True
    """A call whose Idempotency-Key was applied before changes nothing and gets the first answer again."""
    fences: bool = False
    """A call whose Andon-Fence is lower than the highest one seen for the same thing is refused with 409."""
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: {"serving": "42", "versions": ["41", "42"]}. Posting a model replaces it."""
    bad_versions: tuple[str, ...] = ()
    """While one of them serves, model_error_ratio is 0.2, else 0.002."""
    fault: Fault | None = None


class Book:
    """The calls and effects, on disk and in memory. Not thread-safe: its server holds the lock."""

    def __init__(self, path: Path) -> None:
        self.calls: list[dict[str, Any]] = []
        self.effects: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.fences: dict[str, int] = {}
        self.serving: dict[str, str] = {}
        if path.exists():
            for line in path.read_bytes().split(b"\n"):
                with suppress(ValueError):  # the last line may be torn
                    self._take_in(json.loads(line))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Append one entry and sync it to disk before it counts."""
        number = len(self.calls if kind == "call" else self.effects) + 1
        row = {**entry, "n": number, "kind": kind, "at": time.time()}
        os.write(self._file, json.dumps(row).encode() + b"\n")
        os.fsync(self._file)
        self._take_in(row)
        return row

    def _take_in(self, row: dict[str, Any]) -> None:
        if row["kind"] == "call":
            self.calls.append(row)
            if row["fence"] is not None:
                self.fences[row["what"]] = max(row["fence"], self.fences.get(row["what"], 0))
            return
        self.effects.append(row)
        if row["key"]:
            self.answers[row["key"]] = row["answer"]
        if row.get("serving"):
            self.serving[row["what"].removeprefix("model:")] = row["serving"]


class Refusal(Exception):
    """The call is not applied, for this status and outcome."""

    def __init__(self, status: int, outcome: str, why: str) -> None:
        super().__init__(why)
        self.status, self.outcome = status, outcome


class LedgerServer(ThreadingHTTPServer):
    """The server with its book."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, path: Path) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lock = threading.RLock()
        self.book = Book(path)
        self.settings = Settings()
        self.outcomes: dict[int, str] = {}
        self.reads: list[dict[str, Any]] = []

    def set(self, changes: Mapping[str, Any]) -> None:
        """Merge what was posted to /control."""
        with self.lock:
            values = dict(changes)
            if values.get("fault"):
                values["fault"] = Fault(**values["fault"])
            if "models" in values:
                for name in values["models"]:
                    self.book.serving.pop(name, None)
                values["models"] = {**self.settings.models, **values["models"]}
            if "bad_versions" in values:
                values["bad_versions"] = tuple(values["bad_versions"])
            self.settings = replace(self.settings, **values)

    def fault_for(self, path: str) -> Fault | None:
        """The fault that this call meets, counted down."""
        with self.lock:
            fault = self.settings.fault
            if fault is None or fault.times == 0 or not path.startswith(fault.path):
                return None
            self.settings = replace(self.settings, fault=replace(fault, times=max(-1, fault.times - 1)))
            return fault

    def model(self, name: str) -> dict[str, Any] | None:
        """A model's state, or None."""
        with self.lock:
            known = self.settings.models.get(name)
            if known is None:
                return None
            return {"name": name, **known, "serving": self.book.serving.get(name, known.get("serving"))}

    def apply(self, call: Mapping[str, Any]) -> tuple[str, Any]:
        """Change what the call asks for, once; the outcome and the answer. Raises Refusal."""
        with self.lock:
            self._hold_against_fence(call)
            key = call["key"]
            if self.settings.dedup and key in self.book.answers:
                return "repeated", {**self.book.answers[key], "applied": False}
            serving = self._wanted_version(call)
            answer: dict[str, Any] = {"applied": True, "effect": len(self.book.effects) + 1}
            if serving is not None:
                answer["serving"] = serving
            entry = {name: value for name, value in call.items() if name not in ("n", "kind", "at")}
            self.book.write("effect", {**entry, "answer": answer, "serving": serving})
            return "applied", answer

    def _hold_against_fence(self, call: Mapping[str, Any]) -> None:
        highest = self.book.fences.get(call["what"])
        if self.settings.fences and call["fence"] is not None and highest and call["fence"] < highest:
            raise Refusal(409, "stale", f"fence {call['fence']} is older than {highest}")

    def _wanted_version(self, call: Mapping[str, Any]) -> str | None:
        if not call["what"].startswith("model:"):
            return None
        model = self.model(call["what"].removeprefix("model:"))
        body = call["body"] if isinstance(call["body"], dict) else {}
        if model is None:
            raise Refusal(404, "refused", "there is no such model")
        if body.get("to") not in model.get("versions", ()):
            raise Refusal(422, "refused", f"there is no version {body.get('to')!r}")
        if body.get("from") not in (None, model["serving"]):
            raise Refusal(409, "refused", f"version {model['serving']} serves, not {body['from']}")
        return str(body["to"])


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: LedgerServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle(self) -> None:
        """A client that goes away is no news here."""
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        """Reads."""
        path = urlsplit(self.path).path
        if path == "/control":
            return self._answer(200, asdict(self.server.settings))
        if path == "/metrics":
            return self._write(200, self._metrics().encode(), "text/plain; version=0.0.4; charset=utf-8")
        if (self.headers.get("User-Agent") or "").startswith("andon"):
            with self.server.lock:  # kept in memory only: what is read changes nothing
                self.server.reads.append({"path": path, "drill": self.headers.get("Andon-Drill") == "true"})
        fault = self.server.fault_for(path)
        if fault is not None and self._play_before(fault):
            return None
        status, answer = self._read()
        return self._finish(fault, status, answer)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Acts."""
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode("latin-1")
        path = urlsplit(self.path).path
        if path == "/control":
            self.server.set(body)
            return self._answer(200, asdict(self.server.settings))
        return self._act(path, body)

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815

    def _act(self, path: str, body: Any) -> None:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if len(parts) == 3 and parts[0] == "models" and parts[2] == "rollback":
            what = f"model:{parts[1]}"
        elif len(parts) == 2 and parts[0] == "effects":
            what = parts[1]
        else:
            return self._answer(404, {"error": "there is nothing to change here"})
        fence = self.headers.get("Andon-Fence")
        entry = {
            "method": self.command,
            "path": path,
            "what": what,
            "key": self.headers.get("Idempotency-Key"),
            "run": self.headers.get("Andon-Run"),
            "fence": int(fence) if fence and fence.isdigit() else None,
            "drill": self.headers.get("Andon-Drill") == "true",
            "body": body,
        }
        with self.server.lock:
            call = self.server.book.write("call", entry)
        fault = self.server.fault_for(path)
        if fault is not None and self._play_before(fault):
            self.server.outcomes[call["n"]] = "failed"
            return None
        try:
            outcome, answer = self.server.apply(call)
            status = 200
        except Refusal as refusal:
            outcome, status, answer = refusal.outcome, refusal.status, {"error": str(refusal)}
        self.server.outcomes[call["n"]] = outcome
        return self._finish(fault, status, answer)

    def _read(self) -> tuple[int, Any]:
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        key = parse_qs(url.query).get("key", [None])[0]
        with self.server.lock:
            book = self.server.book
            if parts == ["effects"]:
                calls = [{**call, "outcome": self.server.outcomes.get(call["n"], "open")} for call in book.calls]
                return 200, {"effects": book.effects, "calls": calls, "reads": self.server.reads}
            if parts[0] == "effects" and len(parts) == 2:
                found = [one for one in book.effects if one["what"] == parts[1] and key in (None, one["key"])]
                return 200, {"count": len(found), "effects": found}
            if parts[0] == "models" and len(parts) == 2:
                model = self.server.model(parts[1])
                return (200, model) if model else (404, {"error": "there is no such model"})
        return 404, {"error": "there is nothing here"}

    def _play_before(self, fault: Fault) -> bool:
        """Whether the fault ends the call before it is applied."""
        if fault.mode == "slow":
            time.sleep(fault.seconds)
        elif fault.mode == "hang":
            time.sleep(fault.seconds)
            self.close_connection = True
            return True
        elif fault.mode == "reset":
            self._reset()
            return True
        elif fault.mode == "status":
            self._answer(fault.status, {"error": "a fault is played"}, fault.retry_after)
            return True
        return False

    def _finish(self, fault: Fault | None, status: int, answer: Any) -> None:
        mode = fault.mode if fault else ""
        if fault and mode == "hang_after":
            time.sleep(fault.seconds)
            self.close_connection = True
        elif mode == "reset_after":
            self._reset()
        elif fault and mode == "status_after":
            self._answer(fault.status, {"error": "a fault is played"}, fault.retry_after)
        elif mode in ("drip_headers", "drip_body"):
            self._drip(status, json.dumps(answer).encode(), from_start=mode == "drip_headers")
        else:
            self._answer(status, answer)

    def _answer(self, status: int, answer: Any, retry_after: str | None = None) -> None:
        self._write(status, json.dumps(answer).encode(), "application/json", retry_after)

    def _write(self, status: int, body: bytes, content_type: str, retry_after: str | None = None) -> None:
        extra = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
        self.wfile.write(_head(status, len(body), content_type, extra) + (b"" if self.command == "HEAD" else body))

    def _drip(self, status: int, body: bytes, *, from_start: bool) -> None:
        head = _head(status, len(body), "application/json", "")
        quick, slow = (b"", head + body) if from_start else (head, body)
        self.close_connection = True
        self.wfile.write(quick)
        for position in range(len(slow)):
            self.wfile.write(slow[position : position + 1])
            time.sleep(1.0)

    def _reset(self) -> None:
        # Closing with zero linger sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.wfile = open(os.devnull, "wb")  # noqa: PTH123, SIM115
        self.connection.close()

    def _metrics(self) -> str:
        with self.server.lock:
            lines = ["# TYPE model_error_ratio gauge"]
            for name in self.server.settings.models:
                model = self.server.model(name) or {}
                ratio = 0.2 if model.get("serving") in self.server.settings.bad_versions else 0.002
                lines.append(f'model_error_ratio{{model="{name}"}} {ratio}')
                lines.append(f'model_serving_info{{model="{name}",version="{model.get("serving")}"}} 1')
            lines += [
                "# TYPE ledger_effects_total counter",
                f"ledger_effects_total {len(self.server.book.effects)}",
                "# TYPE ledger_calls_total counter",
                f"ledger_calls_total {len(self.server.book.calls)}",
            ]
        return "\n".join(lines) + "\n"


def _head(status: int, length: int, content_type: str, extra: str) -> bytes:
    return (
        f"HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{extra}\r\n"
    ).encode()


@dataclass
class Ledger:
    """A running ledger as tests see it."""

    url: str
    process: subprocess.Popen[str]

    @property
    def host(self) -> str:
        """What to put into `allow_hosts`."""
        return self.url.removeprefix("http://")

    def control(self, **changes: Any) -> dict[str, Any]:
        """Change its settings."""
        return self._json("/control", changes)

    def fault(self, mode: str, **values: Any) -> None:
        """Misbehave from the next call on."""
        self.control(fault={"mode": mode, **values})

    def effects(self, what: str | None = None) -> list[dict[str, Any]]:
        """What was changed, oldest first."""
        return [one for one in self._json("/effects")["effects"] if what in (None, one["what"])]

    def calls(self, what: str | None = None) -> list[dict[str, Any]]:
        """What was received, oldest first."""
        return [one for one in self._json("/effects")["calls"] if what in (None, one["what"])]

    def reads(self) -> list[dict[str, Any]]:
        """What Andon has read there, oldest first; what tests read is left out."""
        return list(self._json("/effects")["reads"])

    def model(self, name: str) -> dict[str, Any]:
        """A model's state."""
        return self._json(f"/models/{name}")

    def send(self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> int:
        """Call it as somebody else would; the status."""
        request = Request(self.url + path, data=json.dumps(body).encode(), headers=dict(headers or {}), method=method)
        with urlopen(request, timeout=10) as reply:
            return reply.status

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()

    def _json(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data=data), timeout=10) as reply:
            return json.loads(reply.read())


def start_ledger(folder: Path, *, port: int = 0, name: str = "ledger.jsonl") -> Ledger:
    """Start one in its own process; the file in the folder carries on where it was."""
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, "--port", str(port), "--file", str(folder / name), "--die-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = process.stdout.readline().strip()
    assert printed.isdigit(), "the ledger did not start"
    return Ledger(f"http://127.0.0.1:{printed}", process)


@contextmanager
def running_ledger(folder: Path, **settings: Any) -> Iterator[Ledger]:
    """A ledger with these settings, ended afterwards."""
    ledger = start_ledger(folder)
    try:
        if settings:
            ledger.control(**settings)
        yield ledger
    finally:
        ledger.stop()


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A deployer that remembers every call.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--die-with-parent", action="store_true", help="end when standard input is closed")
    options = parser.parse_args()
    server = LedgerServer(options.port, options.file)
    print(server.server_address[1], flush=True)
    if options.die_with_parent:
        threading.Thread(target=_die_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
