"""The web process under signals: it ends without losing an answer, and takes new configuration without a pause."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.web_server import WEBHOOK_TOKEN, wait_until

from bot.adapters.sql import open_store


@dataclass
class WebProcess:
    process: subprocess.Popen[bytes]
    address: str
    folder: Path

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=20, trust_env=False)

    def says(self, path: str, token: str = "viewer-secret-1") -> int:
        try:
            with self.client(token) as client:
                return client.get(path).status_code
        except httpx.TransportError:
            return 0


@pytest.fixture
def web(tmp_path: Path, checkout: Path) -> Iterator[WebProcess]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "support.web_process", str(tmp_path), str(port)]
    env = {**os.environ, "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'tests'}"}
    with subprocess.Popen(command, cwd=checkout, env=env) as process:
        started = WebProcess(process, f"http://127.0.0.1:{port}", tmp_path)
        try:
            wait_until(lambda: started.says("/healthz") == 200, 30)
            yield started
        finally:
            if process.poll() is None:
                process.kill()


def test_sigterm_ends_it_with_every_answer_given_and_every_answered_event_stored(web: WebProcess) -> None:
    answered: list[str] = []
    refused: list[str] = []
    begun = threading.Event()

    def send(number: int) -> None:
        with web.client(WEBHOOK_TOKEN) as client:
            for one in range(200):
                body = {"title": "Slow", "fingerprint": f"{number}-{one}", "labels": {"service": "fraud-model"}}
                try:
                    answer = client.post("/webhooks/generic", json=body)
                except httpx.ConnectError:
                    return  # it takes no new connections: that is the end
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    return  # an idle connection was closed under the next request, which was never taken
                (answered if answer.status_code == 202 else refused).append(answer.text)
                begun.set()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    assert begun.wait(20)
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(20) == 0
    for thread in threads:
        thread.join(20)
    assert not refused
    store = open_store(f"sqlite:///{web.folder / 'andon.db'}")
    with store.read() as tx:
        stored = {event.id for event in tx.events(limit=10_000)}
    store.close()
    ids = {httpx.Response(202, text=text).json()["event_id"] for text in answered}
    assert ids
    assert ids <= stored


def test_sighup_puts_a_new_configuration_in_force_and_keeps_the_old_one_where_it_is_refused(web: WebProcess) -> None:
    assert web.says("/api/v1/services/fraud-model") == 200
    (web.folder / "digest").write_text("broken")
    web.process.send_signal(signal.SIGHUP)
    for _ in range(20):
        assert web.says("/api/v1/services/fraud-model") == 200
    (web.folder / "digest").write_text("empty")
    web.process.send_signal(signal.SIGHUP)
    wait_until(lambda: web.says("/api/v1/services/fraud-model") == 404)
    assert web.process.poll() is None


def test_a_port_that_is_taken_ends_it_with_an_error(web: WebProcess, tmp_path_factory: pytest.TempPathFactory) -> None:
    port = web.address.rsplit(":", 1)[1]
    other = tmp_path_factory.mktemp("other")
    command = [sys.executable, "-m", "support.web_process", str(other), port]
    assert web.process.args
    checkout = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'tests'}"}
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert port.encode() in done.stderr
    assert b"in use" in done.stderr
    assert web.says("/healthz") == 200
