"""The far ends of `handoff`: `python -m benchmarks.handoff_worker raw|ours|stock REDIS_URL` tells when jobs begin."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from redis import Redis

from bot.ports import JobName, Lane

ANSWERS = "handoff:begun"
RAW = "handoff:queue"
STOCK = "handoff-stock"
MODULE = "handoff_job"

Begin = Callable[[str], object]


def main(side: str, url: str) -> None:
    """Serve one side for ever."""
    link = Redis.from_url(url, socket_timeout=None)

    def begin(_: str) -> None:
        link.lpush(ANSWERS, repr(time.monotonic()))

    {"raw": _raw, "ours": _ours, "stock": _stock}[side](url, begin)


def _raw(url: str, begin: Begin) -> None:
    calls: dict[str, Begin] = {"begin": begin}
    link = Redis.from_url(url, socket_timeout=None)
    while True:
        popped: Any = link.blpop([RAW], 0)
        name, argument = json.loads(popped[1])
        calls[name](argument)


def _ours(url: str, begin: Begin) -> None:
    from bot.adapters.rq_worker import LaneWorker

    calls = {JobName.ADVANCE_RUN: begin}
    worker = LaneWorker(
        Lane.ROLLBACKS,
        url,
        name="handoff",
        calls=calls,
        due=lambda _: [],
        stopping=threading.Event(),
    )
    worker.work()


def _stock(url: str, begin: Begin) -> None:
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    logging.disable()
    module = ModuleType(MODULE)
    begin.__module__ = MODULE
    module.__dict__["begin"] = begin
    sys.modules[MODULE] = module
    SimpleWorker([STOCK], connection=Redis.from_url(url), serializer=JSONSerializer).work()


if __name__ == "__main__":
    main(*sys.argv[1:])
