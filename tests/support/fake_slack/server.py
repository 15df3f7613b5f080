"""The HTTP side of the fake Slack: the Web API, response addresses and files, with faults and tokens judged first."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .chat_methods import respond
from .other_methods import METHODS, needed_scopes
from .state import Call, Fault, Refusal, State

SPELLED_AS_JSON = ("blocks", "view", "metadata", "attachments")
SECRET = ("token",)
FORM_ONLY = (
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.members",
    "conversations.replies",
    "files.info",
    "usergroups.users.list",
    "users.info",
    "users.list",
    "users.lookupByEmail",
)


class Broken(Exception):
    """The connection ends without an answer."""


class FakeSlackServer(ThreadingHTTPServer):
    """The server with its state; `socket_url` makes the address of a Socket Mode connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, state: State) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = state
        self.socket_url = ""

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def serve(self, method: str, args: dict[str, Any], token: str) -> tuple[dict[str, Any], dict[str, str], int]:
        """Answer a call of the Web API: the body, extra headers, the status."""
        state = self.state
        with state.lock:
            headers: dict[str, str] = {}
            try:
                self._authenticate(method, token)
                headers["X-OAuth-Scopes"] = ",".join(sorted(state.workspace.scopes))
                if method == "apps.connections.open":
                    return {"ok": True, "url": self.socket_url}, headers, 200
                self._authorize(method, args)
                return {"ok": True, **METHODS[method][0](state, args)}, headers, 200
            except Refusal as refusal:
                answer = {"ok": False, "error": refusal.code, **refusal.more}
                return answer, {**headers, **refusal.headers}, refusal.status

    def _authenticate(self, method: str, token: str) -> None:
        workspace = self.state.workspace
        if method != "apps.connections.open" and method not in METHODS:
            raise Refusal("unknown_method", req_method=method)
        if not token:
            raise Refusal("not_authed")
        if token in workspace.revoked:
            raise Refusal("token_revoked")
        if token not in (workspace.bot_token, workspace.app_token):
            raise Refusal("invalid_auth")
        if (token == workspace.app_token) != (method == "apps.connections.open"):
            raise Refusal("not_allowed_token_type")

    def _authorize(self, method: str, args: Mapping[str, Any]) -> None:
        scopes = self.state.workspace.scopes
        for needed in needed_scopes(self.state, method, dict(args)):
            if needed not in scopes:
                raise Refusal("missing_scope", needed=needed, provided=",".join(sorted(scopes)))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: FakeSlackServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle(self) -> None:
        """A client that goes away is no news here."""
        with suppress(OSError, Broken, ValueError):
            super().handle()

    def do_GET(self) -> None:
        """Files, and methods called with a query."""
        url = urlsplit(self.path)
        if url.path.startswith("/api/"):
            return self._call(url.path.removeprefix("/api/"), dict(parse_qsl(url.query)))
        if url.path.startswith("/files/"):
            return self._file(url.path)
        return self._write(404, b"there is nothing here", {})

    def do_POST(self) -> None:
        """The Web API and response addresses."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        content_type = self.headers.get("Content-Type", "")
        try:
            args = _arguments(raw, content_type)
        except ValueError:
            return self._json(200, {"ok": False, "error": "invalid_json"})
        if "json" in content_type and path.removeprefix("/api/") in FORM_ONLY:
            args = {}  # methods that read do not look at a JSON body
        if path.startswith("/api/"):
            return self._call(path.removeprefix("/api/"), args)
        if path.startswith("/hooks/"):
            return self._hook(path.removeprefix("/hooks/"), args)
        return self._write(404, b"there is nothing here", {})

    def _call(self, method: str, args: dict[str, Any]) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or str(args.get("token", ""))
        kept = {name: value for name, value in args.items() if name not in SECRET}
        call = self._recorded(method, kept)
        fault = self.server.state.fault_for(method, kept)
        if fault is not None:
            self._play_before(fault, call)
        if fault is not None and fault.mode in ("answer", "garbage"):
            return self._play_answer(fault, call)
        answer, headers, status = self.server.serve(method, kept, token)
        call.ok, call.error, call.status = bool(answer["ok"]), answer.get("error", ""), status
        answer = json.loads(json.dumps(answer).replace("{files}", f"{self.server.url}/files"))
        return self._finish(fault, status, answer, headers)

    def _hook(self, hook_id: str, args: dict[str, Any]) -> None:
        call = self._recorded("hook", {**args, "hook": hook_id})
        fault = self.server.state.fault_for("hook", args)
        if fault is not None:
            self._play_before(fault, call)
        try:
            with self.server.state.lock:
                respond(self.server.state, hook_id, args)
            call.ok, call.status = True, 200
            return self._finish(fault, 200, {"ok": True}, {})
        except Refusal as refusal:
            call.ok, call.error, call.status = False, refusal.code, refusal.status
            return self._json(refusal.status, {"ok": False, "error": refusal.code})

    def _file(self, path: str) -> None:
        workspace = self.server.state.workspace
        stored = workspace.files.get(path.split("/")[2])
        if stored is None:
            return self._write(404, b"no such file", {})
        if self.headers.get("Authorization") != f"Bearer {workspace.bot_token}":
            # Slack shows its sign-in page, with 200.
            return self._write(200, b"<!DOCTYPE html><title>Sign in</title>", {"Content-Type": "text/html"})
        return self._write(200, stored.content, {"Content-Type": stored.mimetype})

    def _recorded(self, method: str, args: dict[str, Any]) -> Call:
        state = self.server.state
        with state.lock:
            call = Call(len(state.calls) + 1, state.clock(), method, args)
            state.calls.append(call)
            return call

    def _play_before(self, fault: Fault, call: Call) -> None:
        """What goes wrong before the call is applied."""
        if fault.mode == "slow":
            self.server.state.closing.wait(fault.seconds)
        elif fault.mode in ("hang", "close"):
            if fault.mode == "hang":
                self.server.state.closing.wait(fault.seconds)
            self._break()

    def _play_answer(self, fault: Fault, call: Call) -> None:
        status = 429 if fault.error == "ratelimited" and fault.status == 200 else fault.status
        call.ok, call.error, call.status = False, fault.error, status
        headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
        if fault.mode == "garbage":
            return self._write(status, b"<html><title>Oops</title></html>", {"Content-Type": "text/html", **headers})
        return self._json(status, {"ok": False, "error": fault.error or "internal_error"}, headers)

    def _finish(self, fault: Fault | None, status: int, answer: Any, headers: dict[str, str]) -> None:
        mode = fault.mode if fault else ""
        body = json.dumps(answer).encode()
        if fault and mode in ("hang_after", "close_after"):
            if mode == "hang_after":
                self.server.state.closing.wait(fault.seconds)
            self._break()
        elif mode == "cut_after":
            self.wfile.write(_head(status, len(body), headers) + body[: len(body) // 2])
            self._break()
        elif mode == "drip_after":
            for byte in _head(status, len(body), headers) + body:
                self.wfile.write(bytes([byte]))
                if self.server.state.closing.wait(0.5):
                    break
            self._break()
        else:
            self._json(status, answer, headers)

    def _json(self, status: int, answer: Any, headers: Mapping[str, str] | None = None) -> None:
        self._write(status, json.dumps(answer).encode(), headers or {})

    def _write(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.wfile.write(_head(status, len(body), headers) + body)

    def _break(self) -> None:
        # Closing with zero linger sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        raise Broken


def _head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    lines = {"Content-Type": "application/json; charset=utf-8", **headers, "Content-Length": str(length)}
    # Slack's proxies write names in small letters. Header names and values come from the fake's own code.
    text = "".join(f"{name.lower()}: {re.sub(r'[^ -~]', '?', value)}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Status\r\n{text}\r\n".encode()


def _arguments(raw: bytes, content_type: str) -> dict[str, Any]:
    """Arguments from a JSON object or a form; structures in a form are spelled as JSON."""
    if "json" in content_type:
        given = json.loads(raw or b"{}")
        if not isinstance(given, dict):
            raise ValueError("not an object")
    else:
        given = dict(parse_qsl(raw.decode(), keep_blank_values=True))
    for name in SPELLED_AS_JSON:
        if isinstance(given.get(name), str):
            with suppress(ValueError):
                given[name] = json.loads(given[name])
    return {name: value for name, value in given.items() if value is not None}
