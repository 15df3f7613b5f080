"""The example proxy between real servers: callers get the incumbent's answer, whatever the candidate does."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from andon_observations import Observer
from shadow_proxy import ShadowProxy, application, client_for, field_of

from tests.support.held_server import HeldServer, held_server
from tests.support.scripted_server import Answer
from tests.support.web_server import wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """Two models, Andon, the proxy between them, and a caller."""

    incumbent: HeldServer
    candidate: HeldServer
    andon: HeldServer
    observer: Observer
    proxy: ShadowProxy
    caller: httpx.Client

    def reported(self) -> list[dict[str, Any]]:
        """All pairs, once every shadow has ended and everything was sent; times are only looked at."""
        wait_until(lambda: not self.proxy.shadows)
        assert self.observer.close(10)
        lines = self.andon.lines()
        for line in lines:
            assert line.pop("incumbent_ms") >= 0
            assert line.pop("candidate_ms") >= 0
        return lines


@contextmanager
def staged(**settings: Any) -> Iterator[Stage]:
    """The proxy on uvicorn, in a thread."""
    with ExitStack() as stack:
        incumbent, candidate, andon = (stack.enter_context(held_server()) for _ in range(3))
        incumbent.will(Answer(200, {"label": "ok"}))
        candidate.will(Answer(200, {"label": "fraud"}))
        observer = Observer(andon.url, "token", "release", batch_seconds=0.01)
        clients = (client_for(incumbent.url), client_for(candidate.url))
        proxy = ShadowProxy(*clients, observer, answer_of=field_of("label"), **settings)
        server = uvicorn.Server(uvicorn.Config(application(proxy), port=0, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        caller = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False))
        try:
            yield Stage(incumbent, candidate, andon, observer, proxy, caller)
        finally:
            candidate.gate.set()
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def test_the_caller_gets_the_incumbents_answer_and_andon_gets_the_pair() -> None:
    with staged() as stage:
        stage.incumbent.will(Answer(201, {"label": "ok"}, {"X-Model": "7"}))
        answer = stage.caller.post("/predict?k=a%20b", json={"x": 1}, headers={"X-Request-Id": "r-1"})
        assert (answer.status_code, answer.json()) == (201, {"label": "ok"})
        assert (answer.headers["x-model"], answer.headers["x-request-id"]) == ("7", "r-1")
        assert stage.reported() == [{"key": "r-1", "incumbent": "ok", "candidate": "fraud"}]
        for model in (stage.incumbent, stage.candidate):
            (asked,) = model.received
            assert (asked.method, asked.path, asked.body) == ("POST", "/predict?k=a%20b", b'{"x":1}')
            assert asked.headers["x-request-id"] == "r-1"


def test_the_answer_does_not_wait_for_a_candidate_that_hangs() -> None:
    with staged(candidate_seconds=20) as stage:
        stage.candidate.gate.clear()
        assert stage.caller.post("/predict", headers={"X-Request-Id": "r-1"}).json() == {"label": "ok"}
        stage.candidate.arrived.get(timeout=10)
        assert stage.andon.received == []
        stage.candidate.gate.set()
        assert stage.reported() == [{"key": "r-1", "incumbent": "ok", "candidate": "fraud"}]


def test_a_candidate_past_its_deadline_is_reported_as_such() -> None:
    with staged(candidate_seconds=0.05) as stage:
        stage.candidate.gate.clear()
        assert stage.caller.post("/predict", headers={"X-Request-Id": "r-1"}).json() == {"label": "ok"}
        assert stage.reported() == [{"key": "r-1", "incumbent": "ok", "error": {"candidate": "timeout"}}]


BROKEN = {
    "HTTP 500": Answer(500, "oh"),
    "RemoteProtocolError": Answer(0),
    "answer not understood: JSONDecodeError": Answer(200, "<html>"),
    "answer not understood: KeyError": Answer(200, {"other": 1}),
    "no answer": Answer(200, {"label": None}),
}


@pytest.mark.parametrize(("error", "broken"), BROKEN.items(), ids=BROKEN.keys())
def test_a_broken_candidate_changes_no_answer_and_is_reported(error: str, broken: Answer) -> None:
    with staged() as stage:
        stage.candidate.will(broken)
        answer = stage.caller.post("/predict", headers={"X-Request-Id": "r-1"})
        assert (answer.status_code, answer.json()) == (200, {"label": "ok"})
        assert stage.reported() == [{"key": "r-1", "incumbent": "ok", "error": {"candidate": error}}]


def test_a_candidate_that_is_not_there_is_reported() -> None:
    with staged() as stage, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        stage.proxy.candidate.base_url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert stage.caller.post("/predict", headers={"X-Request-Id": "r-1"}).json() == {"label": "ok"}
        assert stage.reported() == [{"key": "r-1", "incumbent": "ok", "error": {"candidate": "ConnectError"}}]


def test_no_more_candidates_are_asked_at_once_than_stated() -> None:
    with staged(most_at_once=2, candidate_seconds=20) as stage:
        stage.candidate.gate.clear()
        for _ in range(5):
            assert stage.caller.post("/predict").json() == {"label": "ok"}
        assert stage.proxy.not_shadowed == 3
        stage.candidate.gate.set()
        pairs = stage.reported()
        assert [pair["candidate"] for pair in pairs] == ["fraud", "fraud"]
        assert len({pair["key"] for pair in pairs}) == 2


def test_an_incumbent_that_breaks_off_is_a_bad_gateway_and_reported_as_its_own_failure() -> None:
    with staged() as stage:
        stage.incumbent.will(Answer(0))
        answer = stage.caller.post("/predict", headers={"X-Request-Id": "r-1"})
        assert answer.status_code == 502
        assert stage.reported() == [{"key": "r-1", "candidate": "fraud", "error": {"incumbent": "RemoteProtocolError"}}]


def test_what_is_no_post_is_not_shadowed_and_cookies_stay_with_their_callers() -> None:
    with staged() as stage:
        stage.incumbent.will(Answer(200, "hello", {"Set-Cookie": "who=me; Path=/"}), Answer(200, "hello"))
        assert stage.caller.get("/health").headers["set-cookie"] == "who=me; Path=/"
        stage.caller.cookies.clear()
        assert stage.caller.get("/health").text == "hello"
        assert "cookie" not in stage.incumbent.received[1].headers
        assert stage.candidate.received == []
        assert stage.reported() == []


def test_the_command_of_its_page_serves_and_sends_what_waits_when_it_stops() -> None:
    page = (ROOT / "examples/shadow_proxy/README.md").read_text("utf-8")
    words = re.search(r"uvicorn (--app-dir .*) --port", page)
    assert words is not None
    with ExitStack() as stack:
        incumbent, candidate, andon = (stack.enter_context(held_server()) for _ in range(3))
        incumbent.will(Answer(200, {"label": "ok"}))
        candidate.will(Answer(200, {"label": "ok"}))
        door = stack.enter_context(socket.socket())
        door.bind(("127.0.0.1", 0))
        door.listen()
        addresses = {"INCUMBENT": incumbent.url, "CANDIDATE": candidate.url, "ANDON": andon.url}
        env = {**os.environ, **addresses, "ANSWER": "label", "TOKEN": "t", "RELEASE": "r", "PYTHONPATH": "clients"}
        command = [sys.executable, "-m", "uvicorn", *words[1].split(), "--fd", str(door.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[door.fileno()], stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{door.getsockname()[1]}/predict"
            answer = httpx.post(url, headers={"X-Request-Id": "r-1"}, timeout=30, trust_env=False)
            assert answer.json() == {"label": "ok"}
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        finally:
            process.kill()
            process.wait()
        assert [(one["key"], one["incumbent"], one["candidate"]) for one in andon.lines()] == [("r-1", "ok", "ok")]
