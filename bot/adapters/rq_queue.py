"""The doorbell on Redis: rings become RQ jobs in one round trip, in bounded time, and never raise."""

from __future__ import annotations

import json
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import ConnectionError as LinkBroken
from redis.exceptions import ResponseError
from rq import Queue as StockQueue
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now
from rq.utils import utcformat

from bot.adapters.redis_errands import Errand
from bot.adapters.redis_links import AWAY, connect
from bot.adapters.rq_jobs import AndonJob, function_name
from bot.ports import Bell, JobName, Lane, ReadyRing

ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 1.0
"""After a failure nobody rings for this long: a door must not wait for a dead bell at every alert."""

FAILURE_SECONDS = 7 * 24 * 3600
MARK_SECONDS = 5
"""A bell that waits to be heard is not rung again for this long; so a backlog does not grow by sweeping."""

BATCH = 200
ALARMS = "andon:refused"

RING = """
local rung = 0
for i = 1, #KEYS, 3 do
  local arg = cjson.decode(ARGV[(i + 2) / 3])
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', arg.mark) then
    redis.call('HSET', KEYS[i + 1], unpack(arg.fields))
    redis.call('HSET', KEYS[i + 1], 'data', ARGV[#KEYS / 3 + (i + 2) / 3])
    redis.call('SADD', 'rq:queues', KEYS[i + 2])
    redis.call('RPUSH', KEYS[i + 2], arg.id)
    rung = rung + 1
  end
end
return rung
"""
"""KEYS: mark, job, queue for each bell. ARGV: what to write for each, then each payload, which is not text."""

log = structlog.get_logger("andon.queue")


def mark_key(bell_id: str) -> str:
    """The key that says: this bell was rung and not heard yet."""
    return f"andon:rung:{bell_id}"


class RqQueue:
    """`bot.ports.Queue` on RQ 2.12. Safe to share between threads."""

    def __init__(self, link: str | Redis) -> None:
        """`link` is an address, or a client with time limits of its own."""
        self.link = connect(link, answer_seconds=ANSWER_SECONDS, retries=1) if isinstance(link, str) else link
        self._ring = self.link.register_script(RING)
        self._silent_until = 0.0
        self._fields: dict[tuple[JobName, Lane], Mapping[str, str]] = {}

    def ring(self, bells: Sequence[Bell]) -> bool:
        """One job for each bell that is not waiting already; False where Redis is away or was a moment ago.

        Takes at most about `CONNECT_SECONDS + ANSWER_SECONDS` for each `BATCH` bells, and nothing during the pause
        after a failure."""
        if not bells:
            return True
        if time.monotonic() < self._silent_until:
            return False
        try:
            for start in range(0, len(bells), BATCH):
                self._ring_batch(bells[start : start + BATCH])
        except AWAY as error:
            self.fall_silent(error, bells)
            return False
        return True

    def fall_silent(self, error: BaseException, bells: Sequence[Bell]) -> None:
        """Ring for nobody during the pause."""
        self._silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("queue_away", error=type(error).__name__, bells=len(bells))

    def ready(self, bells: Sequence[Bell]) -> ReadyRing:
        """A ring whose bytes and connection are at hand, where Redis is; else one that rings as `ring` does."""
        once = list(dict.fromkeys(bells))
        if not 0 < len(once) <= BATCH or time.monotonic() < self._silent_until:
            return _Ready(self, bells, None)
        try:
            errand = Errand(self.link, self._ring)
        except AWAY:
            return _Ready(self, bells, None)
        errand.pack(*self._asked(once))
        return _Ready(self, bells, errand)

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self.link.ping())
        except AWAY:
            return False

    def depths(self) -> Mapping[Lane, int]:
        """How many jobs wait in each lane; raises what Redis raises."""
        with self.link.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(f"rq:queue:{lane}")
            return dict(zip(Lane, map(int, pipe.execute()), strict=True))

    def refused(self) -> int:
        """How many jobs the workers refused since Redis was empty: more than none means that somebody writes there."""
        return int(self.link.get(ALARMS) or 0)

    def close(self) -> None:
        """Close the connections."""
        self.link.close()

    def _ring_batch(self, bells: Iterable[Bell]) -> None:
        once = list(dict.fromkeys(bells))
        try:
            keys, args = self._asked(once)
            self._ring(keys=keys, args=args)
        except ResponseError as error:
            # A server may forbid scripts to this user; the plain way costs two round trips for each bell.
            log.info("ringing_without_script", error=type(error).__name__)
            for bell in once:
                self._queue(bell.lane).enqueue_job(self._job(bell, _new_id(bell)))

    def _asked(self, bells: Sequence[Bell]) -> tuple[list[str], list[str | bytes]]:
        keys: list[str] = []
        plans: list[str] = []
        payloads: list[bytes] = []
        at = utcformat(rq_now())
        for bell in bells:
            job_id = _new_id(bell)
            own = {"created_at": at, "enqueued_at": at, "description": f"{bell.job} {bell.id}"}
            fields = {**self._fields_of(bell), **own}
            payloads.append(zlib.compress(json.dumps((function_name(bell.job), None, [bell.id], {})).encode()))
            keys += [mark_key(bell.id), AndonJob.key_for(job_id), queue_key(bell.lane)]
            flat = [part for pair in fields.items() for part in pair]
            plans.append(json.dumps({"mark": MARK_SECONDS, "id": job_id, "fields": flat}))
        return keys, [*plans, *payloads]

    def _fields_of(self, bell: Bell) -> Mapping[str, str]:
        """What the stock library writes for any bell like this one: it takes its time, and a rollback waits for it."""
        known = self._fields.get((bell.job, bell.lane))
        if known is None:
            fields = self._job(bell, "any").to_dict()
            known = {name: _plain(value) for name, value in fields.items() if name != "data"}
            self._fields[bell.job, bell.lane] = known
        return known

    def _job(self, bell: Bell, job_id: str) -> AndonJob:
        job = AndonJob.for_bell(bell, job_id, connection=self.link, failure_seconds=FAILURE_SECONDS)
        job.enqueued_at = rq_now()
        return job

    def _queue(self, lane: Lane) -> StockQueue:
        return StockQueue(lane.value, connection=self.link, job_class=AndonJob, serializer=JSONSerializer)


class _Ready:
    """`bot.ports.ReadyRing`."""

    def __init__(self, queue: RqQueue, bells: Sequence[Bell], errand: Errand | None) -> None:
        self._queue = queue
        self._bells = bells
        self._errand = errand

    def send(self) -> Callable[[], bool]:
        errand, self._errand = self._errand, None
        if errand is None:
            return partial(self._queue.ring, self._bells)
        try:
            errand.send()
        except AWAY as error:
            return partial(self._unanswered, error)
        return partial(self._heard, errand)

    def _heard(self, errand: Errand) -> bool:
        try:
            errand.answer()
        except (ResponseError, *AWAY) as error:
            return self._unanswered(error)
        return True

    def _unanswered(self, error: Exception) -> bool:
        if isinstance(error, ResponseError | LinkBroken):
            # The server was started anew, or forbids scripts. Whatever did arrive is not rung twice: see the marks.
            return self._queue.ring(self._bells)
        self._queue.fall_silent(error, self._bells)
        return False

    def drop(self) -> None:
        errand, self._errand = self._errand, None
        if errand is not None:
            errand.give_back()


def queue_key(lane: Lane) -> str:
    """Where the jobs of a lane wait."""
    return f"{StockQueue.redis_queue_namespace_prefix}{lane}"


def _new_id(bell: Bell) -> str:
    # The same id may ring again while it is worked on, so that every ring is a job of its own.
    return f"{bell.id}_{secrets.token_hex(5)}"


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))
