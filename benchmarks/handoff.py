"""From ringing the doorbell to the start of the job in another process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from redis import Redis

from benchmarks import installation
from benchmarks.figures import Spread, in_blocks
from benchmarks.handoff_worker import ANSWERS, MODULE, RAW, STOCK
from benchmarks.reports import Goal, Report, spread_table
from bot.adapters.rq_queue import RqQueue
from bot.ports import Bell, JobName, Lane

MOST = 5.5
BLOCK = 50
PAUSE_SECONDS = 0.004

METHOD = f"""
One idle worker of each kind on one Redis server; one job at a time, {PAUSE_SECONDS * 1000:.0f} ms after the answer to
the one before, the sides taking turns in blocks of {BLOCK}. The time runs from before the ring to the first line of the
job in the other process (one monotonic clock). Floor: RPUSH of a JSON list, BLPOP, call by name. Stock: RQ's own
`enqueue` and `SimpleWorker` with its JSON serializer.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """All three sides."""
    report = Report("handoff", "From the ring to the start of the job", METHOD, seed)
    seconds: dict[str, list[float]] = {"BLPOP": [], "Andon": [], "stock RQ": []}
    with ExitStack() as stack:
        place = stack.enter_context(installation.folder())
        url = stack.enter_context(installation.redis(place))
        for side in ("raw", "ours", "stock"):
            stack.enter_context(installation.floor("handoff_worker", side, url))
        pause = threading.Event()
        pause.wait(3)
        link = Redis.from_url(url, socket_timeout=None)
        rings = _rings(link, url)
        for name, ring in rings.items():
            for _ in range(20):
                _one(link, name, ring)
        for size in in_blocks(100 if quick else 1000, BLOCK):
            for name, ring in rings.items():
                for _ in range(size):
                    seconds[name].append(_one(link, name, ring))
                    pause.wait(PAUSE_SECONDS)
    spreads = [(name, Spread.of_seconds(values)) for name, values in seconds.items()]
    report.tables.append(spread_table("Ring to start", spreads))
    report.goals.append(Goal("Andon over BLPOP, p50", spreads[1][1].p50 / spreads[0][1].p50, MOST))
    return report


def _one(link: Redis, name: str, ring: Callable[[], object]) -> float:
    started = time.monotonic()
    ring()
    begun = link.blpop([ANSWERS], 10)
    assert begun is not None, f"the job of {name} did not begin"
    return float(begun[1]) - started


def _rings(link: Redis, url: str) -> dict[str, Callable[[], object]]:
    from rq import Queue
    from rq.serializers import JSONSerializer

    queue, stock = RqQueue(url), Queue(STOCK, connection=link, serializer=JSONSerializer)
    count = iter(range(10**9))
    return {
        "BLPOP": lambda: link.rpush(RAW, json.dumps(["begin", f"{next(count)}"])),
        "Andon": lambda: queue.ring([Bell(JobName.ADVANCE_RUN, f"run-{next(count):026d}", Lane.ROLLBACKS)]),
        "stock RQ": lambda: stock.enqueue(f"{MODULE}.begin", f"{next(count)}", result_ttl=0),
    }
