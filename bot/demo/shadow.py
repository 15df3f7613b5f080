"""The demo's shadow traffic: both versions decide the same payments, and Andon is sent each pair of answers."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator

import httpx

from bot.demo.scoring import draw_payment

_IN_BATCH = 25
_PAUSE = 0.002


class Shadow:
    """Sends pairs from its own thread until `end`; `times` says when each pair was complete (seconds since the epoch).

    Serving code would use the client module `andon_observations.py` or the shadow proxy of the examples.
    """

    def __init__(self, server: str, observations: str, token: str, versions: tuple[str, str], seed: int) -> None:
        self.times: list[float] = []
        self.failed = 0
        """Batches that Andon did not take: after a rollback it takes none."""
        self._server = server
        self._observations = observations
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self._versions = versions
        self._seed = seed
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """No more pairs."""
        self._end.set()
        self._thread.join(10)

    def _run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            lines: list[str] = []
            for line in self._pairs(client):
                lines.append(line)
                if len(lines) == _IN_BATCH:
                    self._send(client, lines)
                    lines = []

    def _pairs(self, client: httpx.Client) -> Iterator[str]:
        source = random.Random(self._seed)
        incumbent, candidate = self._versions
        while not self._end.wait(_PAUSE):
            payment = draw_payment(source).__dict__
            try:
                own, other = (self._decision(client, version, payment) for version in (incumbent, candidate))
            except httpx.TransportError:
                continue
            self.times.append(time.time())
            yield json.dumps({"key": f"payment-{len(self.times)}", "incumbent": own, "candidate": other})

    def _decision(self, client: httpx.Client, version: str, payment: dict[str, object]) -> str:
        answer = client.post(f"{self._server}/shadow/{version}", json=payment).json()
        return "decline" if answer["decline"] else "accept"

    def _send(self, client: httpx.Client, lines: list[str]) -> None:
        try:
            answer = client.post(self._observations, content="\n".join(lines), headers=self._headers)
            self.failed += not answer.is_success
        except httpx.TransportError:
            self.failed += 1
