"""The demo's stage: a model server with steady traffic, and Andon beside it in a folder of its own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx

from bot.adapters.parent_death import bound_to_parent
from bot.demo.scoring import draw_payment
from bot.domain.errors import TryLater

CONFIG = Path(__file__).with_name("config")
CANARY_CONFIG = Path(__file__).with_name("canary_config")


class Stage:
    """Everything that runs besides the story; `close` ends all of it."""

    def __init__(
        self, folder: Path, *, deploy_seconds: float, port: int, seed: int, config: Path = CONFIG, serving: str = "42"
    ) -> None:
        self.folder = folder
        self._config = config
        self._serving = serving
        self.seed = seed
        self.port = port
        self._deploy_seconds = deploy_seconds
        self._children: list[subprocess.Popen[str]] = []
        self._end = threading.Event()
        self.http = httpx.Client(timeout=10, trust_env=False)
        self.deployer = ""
        self.address = ""

    def start_model_server(self) -> None:
        """The server with one version in place, and payments coming in."""
        words = ["-m", "bot.demo.model_server", str(self._deploy_seconds), self._serving]
        server = self._start([sys.executable, *words])
        assert server.stdout is not None
        self.deployer = f"http://127.0.0.1:{int(server.stdout.readline())}"
        threading.Thread(target=self._pay, daemon=True).start()

    def start_andon(self) -> None:
        """`andon up` on an empty data folder, ready to take alerts."""
        shutil.copytree(self._config, self.folder / "config")
        policy = self.folder / "config/policies/fraud-model.yaml"
        text = policy.read_text(encoding="utf-8").replace("http://127.0.0.1:9", self.deployer)
        policy.write_text(text, encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANDON_")}
        environment |= {"ANDON_DATA": str(self.folder / "var"), "ANDON_CONFIG": str(self.folder / "config")}
        up = self._start(
            [sys.executable, "-m", "bot", "up", "--port", str(self.port)], environment, self.folder / "andon.log"
        )
        self.address = self._await_address(up)

    def _await_address(self, up: subprocess.Popen[str]) -> str:
        assert up.stdout is not None
        for line in up.stdout:
            if "http://" in line and "/login/" not in line:
                address = "http://" + line.split("http://", 1)[1].split()[0].rstrip("/.,;")
                threading.Thread(target=self._drain, args=(up,), daemon=True).start()
                self._await_ready(address)
                return address
        log = (self.folder / "andon.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise TryLater(f"`andon up` did not start: {log}")

    def _await_ready(self, address: str) -> None:
        for _ in range(300):
            try:
                if self.http.get(f"{address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            self._end.wait(0.1)
        raise TryLater(f"{address}/readyz did not answer within 30 s")

    @staticmethod
    def _drain(up: subprocess.Popen[str]) -> None:
        assert up.stdout is not None
        for _ in up.stdout:
            continue

    def secret(self, name: str) -> str:
        """A secret that `up` made in its data folder."""
        return (self.folder / "var" / name).read_text(encoding="utf-8").strip()

    def api(self, path: str) -> dict[str, Any]:
        """One answer of the JSON API."""
        answer = self.http.get(f"{self.address}/api/v1{path}", headers={"Authorization": f"Bearer {self.token()}"})
        answer.raise_for_status()
        return dict(answer.json())

    def order(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One order to the JSON API."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        answer = self.http.post(f"{self.address}/api/v1{path}", json=body, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())

    def order_model(self, path: str, body: dict[str, Any]) -> None:
        """One order to the model server."""
        self.http.post(f"{self.deployer}/models/fraud-model{path}", json=body).raise_for_status()

    def token(self) -> str:
        """The one that `up` made at its first start."""
        return self.secret("api-tokens").split(":", 2)[2]

    def model(self) -> dict[str, Any]:
        """What the model server says of itself."""
        return dict(self.http.get(f"{self.deployer}/models/fraud-model").json())

    def wrong_ratio(self) -> float | None:
        """The measured share of wrong decisions, None while its window is not full."""
        for line in self.http.get(f"{self.deployer}/metrics").text.splitlines():
            if line.startswith("model_wrong_ratio "):
                return float(line.split()[1])
        return None

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._end.wait(seconds)

    def _pay(self) -> None:
        source = random.Random(self.seed)
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self._end.wait(0.002):
                try:
                    client.post(f"{self.deployer}/predict", json=draw_payment(source).__dict__)
                except httpx.TransportError:
                    continue

    def _start(
        self, command: list[str], environment: dict[str, str] | None = None, log: Path | None = None
    ) -> subprocess.Popen[str]:
        errors = log.open("ab") if log else subprocess.DEVNULL
        child = subprocess.Popen(
            bound_to_parent(command, parent=os.getpid()),
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._children.append(child)
        return child

    def close(self) -> None:
        """End all that was started, last started first."""
        self._end.set()
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self.http.close()
