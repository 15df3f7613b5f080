"""The far ends of `handoff`: `python -m benchmarks.handoff_worker raw|ours|stock REDIS_URL` tells when jobs begin."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from types import ModuleType

from redis import Redis

from bot.ports import JobName, Lane

ANSWERS = "handoff:begun"
RAW = "handoff:queue"
STOCK = "handoff-stock"
MODULE = "handoff_job"


def main(side: str, url: str) -> None:
    """Serve one side for ever."""
    link = Redis.from_url(url, socket_timeout=None)

    def begin(_: str) -> None:
        link.lpush(ANSWERS, repr(time.monotonic()))

    {"raw": _raw, "ours": _ours, "stock": _stock}[side](url, begin)


def _raw(url: str, begin: object) -> None:
    calls = {"begin": begin}
    link = Redis.from_url(url, socket_timeout=None)
    while True:
        popped = link.blpop([RAW], 0)
        name, argument = json.loads(popped[1])
        calls[name](argument)  # type: ignore[operator]


def _ours(url: str, begin: object) -> None:
    from bot.adapters.rq_worker import LaneWorker

    calls = {JobName.ADVANCE_RUN: begin}
    worker = LaneWorker(
        Lane.ROLLBACKS,
        url,
        name="handoff",
        calls=calls,
        due=lambda _: [],
        stopping=threading.Event(),  # type: ignore[arg-type]
    )
    worker.work()


def _stock(url: str, begin: object) -> None:
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    logging.disable()
    module = ModuleType(MODULE)
    begin.__module__ = MODULE
    module.begin = begin  # type: ignore[attr-defined]
    sys.modules[MODULE] = module
    SimpleWorker([STOCK], connection=Redis.from_url(url), serializer=JSONSerializer).work()


if __name__ == "__main__":
    main(*sys.argv[1:])
