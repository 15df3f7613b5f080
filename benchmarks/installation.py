"""Real Andon processes to measure, as `andon up` starts them, and the generated configurations that they are given."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.alert_bodies import firing, group
from tests.support.databases import database
from tests.support.installation import WEBHOOK_SECRET, Parts, free_port
from tests.support.redis_servers import redis_server
from tests.support.written_config import playbook, policy, write_config

SETTINGS = {"ANDON_LEASE_SECONDS": "6", "ANDON_SWEEP_SECONDS": "5", "ANDON_LOG_LEVEL": "WARNING"}
NOTHING: Mapping[str, str] = {}
CALL = {
    "method": "POST",
    "url": "{{ target.ledger }}/{{ service }}",
    "json": {"to": "{{ release.incumbent }}"},
}
ONE_CALL = playbook("one_call", {"id": "restore", "use": "http_request", "with": CALL, "if_interrupted": "repeat"})
"""The shortest rollback there is: one POST, safe twice."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        yield Path(name)


def configuration(place: Path, services: Iterable[str], deployer: str) -> Path:
    """One policy for each service, each rolled back at once by the alert `Divergence`."""
    return write_config(place, [policy(one, deployer, playbook="one_call") for one in services], [ONE_CALL])


@contextmanager
def parts(
    place: Path, config: Path, kind: str, redis_url: str, *, whole: bool = True, settings: Mapping[str, str] = NOTHING
) -> Iterator[Parts]:
    """A web process on a fresh database of this kind; with `whole`, everything that `andon up` starts."""
    with database(kind, place) as address:
        made = Parts(place, config, address, redis_url, {**SETTINGS, **settings})
        try:
            made.upgrade()
            made.web()
            if whole:
                made.clock()
                for lane in ("rollbacks", "rollbacks", "notices", "other"):
                    made.worker(lane)
            yield made
        finally:
            made.close()


@contextmanager
def redis(place: Path) -> Iterator[str]:
    """The address of an embedded server of its own."""
    where = place / "redis"
    where.mkdir()
    with redis_server(where) as server:
        yield server.url


@contextmanager
def floor(module: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """One process of the floor."""
    process = subprocess.Popen([sys.executable, "-m", f"benchmarks.{module}", *words])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def body(seeded: random.Random, service: str, name: str = "Divergence", *, call: str = "") -> bytes:
    """A body that nobody sent before, as Alertmanager makes it; `call` is the address that the raw limit calls."""
    fingerprint = f"{seeded.getrandbits(64):016x}"
    alert: dict[str, Any] = firing(
        service, name, began=datetime.now(UTC), fingerprint=fingerprint, severity="critical", instance=fingerprint
    )
    alert["annotations"]["description"] = "Candidate and incumbent disagree on more than 2 % of live requests."
    alert["annotations"]["call"] = call
    return json.dumps(group(alert)).encode()


__all__ = [
    "ONE_CALL",
    "WEBHOOK_SECRET",
    "Parts",
    "body",
    "configuration",
    "database",
    "floor",
    "folder",
    "free_port",
    "parts",
    "redis",
]
