"""A process that pays, asks two versions of the demo's model server the same, and reports both by the client module.

Run it with `python -m support.shadow_sender DEPLOYER ANDON TOKEN RELEASE CANDIDATE TIMES SEED`. It goes on until its
standard input is closed; then it sends what waits and prints the client's counts as JSON. TIMES gets one line for each
pair: the seconds since the epoch at which both answers were there.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import random
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from bot.demo.scoring import Payment, draw_payment

CLIENT = Path(__file__).parents[2] / "clients" / "andon_observations.py"
INCUMBENT = "41"
_PAUSE = 0.004
"""Seconds between two payments, so that a stream lasts as long as a real one would."""


def client_module() -> ModuleType:
    """The client, loaded from its one file as serving code would copy it."""
    spec = importlib.util.spec_from_file_location("andon_observations", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Asked:
    """The model server over one kept connection."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        self._link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)

    def pay(self, payment: Payment) -> None:
        """One real payment, decided by whatever serves."""
        self._link.request("POST", "/predict", json.dumps(payment.__dict__))
        self._link.getresponse().read()

    def answer(self, version: str, payment: Payment) -> tuple[str, float]:
        """What a version says, and the milliseconds that it took."""
        began = time.perf_counter()
        self._link.request("POST", f"/shadow/{version}", json.dumps(payment.__dict__))
        body: dict[str, Any] = json.loads(self._link.getresponse().read())
        return "decline" if body["decline"] else "accept", (time.perf_counter() - began) * 1000


def main(deployer: str, andon: str, token: str, release: str, candidate: str, times: str, seed: str) -> None:
    """Send until standard input is closed."""
    observer = client_module().Observer(andon, token, release, batch_lines=50, batch_seconds=0.1)
    asked, source, ended = Asked(deployer), random.Random(seed), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with Path(times).open("w", buffering=1, encoding="ascii") as file:
        number = 0
        while not ended.wait(_PAUSE):
            payment = draw_payment(source)
            asked.pay(payment)
            own, own_ms = asked.answer(INCUMBENT, payment)
            other, other_ms = asked.answer(candidate, payment)
            file.write(f"{time.time()}\n")
            observer.pair(f"p{number}", incumbent=own, candidate=other, incumbent_ms=own_ms, candidate_ms=other_ms)
            number += 1
    observer.close(timeout=10)
    sys.stdout.write(json.dumps(observer.stats()) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
