"""Remembers for a while what has been: in Redis for all processes, and in this process where Redis is away."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from redis import Redis

from bot.adapters.redis_links import AWAY, connect

ANSWER_SECONDS = 0.25
PAUSE_SECONDS = 1.0
"""After a failure Redis is not asked for this long: whoever waits at a door must not wait for it each time."""

MOST_KEPT = 100_000
PREFIX = "andon:once:"


class RedisOnce:
    """`bot.ports.Once`. Keys may be secrets: only their digests are kept. Safe to share between threads."""

    def __init__(self, link: str | Redis, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = connect(link, answer_seconds=ANSWER_SECONDS) if isinstance(link, str) else link
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._own: OrderedDict[str, float] = OrderedDict()
        self._away_until = float("-inf")

    def first(self, key: str, keep: timedelta) -> bool:
        """Whether this key is new within `keep`, for this process and, as far as Redis answers, for all."""
        digest = _digest(key)
        if not self._is_new_here(digest, keep.total_seconds()):
            return False
        if self._monotonic() < self._away_until:
            return True
        try:
            return bool(self._redis.set(PREFIX + digest, b"1", nx=True, ex=max(1, int(keep.total_seconds()))))
        except AWAY:
            self._away_until = self._monotonic() + PAUSE_SECONDS
            return True

    def forget(self, key: str) -> None:
        """As if it had never been."""
        digest = _digest(key)
        with self._lock:
            self._own.pop(digest, None)
        if self._monotonic() < self._away_until:
            return
        try:
            self._redis.delete(PREFIX + digest)
        except AWAY:
            self._away_until = self._monotonic() + PAUSE_SECONDS

    def _is_new_here(self, digest: str, seconds: float) -> bool:
        now = self._monotonic()
        with self._lock:
            while self._own and (len(self._own) >= MOST_KEPT or next(iter(self._own.values())) <= now):
                self._own.popitem(last=False)
            if self._own.get(digest, float("-inf")) > now:
                return False
            self._own[digest] = now + seconds
            self._own.move_to_end(digest)
            return True


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
