"""What a worker does beside its jobs: says that it lives, and rings again for jobs whose worker died."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import structlog
from rq.intermediate_queue import IntermediateQueue
from rq.queue import Queue as StockQueue
from rq.registry import StartedJobRegistry
from rq.worker import SimpleWorker
from rq.worker_registration import clean_worker_registry, register

from bot.adapters.redis_links import AWAY

MOST_RINGS = 3
"""A job whose worker died this often is not rung again from here; the sweep over SQL decides what becomes of it."""

RING_ABANDONED = """
local rung = 0
local now = redis.call('TIME')[1]
local function again(id)
  local key = 'rq:job:' .. id
  if redis.call('TYPE', key).ok ~= 'hash' then return end
  if redis.call('HINCRBY', key, 'abandoned', 1) > tonumber(ARGV[1]) then
    redis.call('HSET', key, 'status', 'failed')
    redis.call('ZADD', KEYS[4], now + 604800, id)
    redis.call('EXPIRE', key, 604800)
  else
    redis.call('RPUSH', KEYS[1], id)
    rung = rung + 1
  end
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], 0, now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[3], member)
  local id = string.match(member, '^([A-Za-z0-9_-]+):')
  if id then again(id) end
end
for i = 2, #ARGV do
  if redis.call('LREM', KEYS[2], 1, ARGV[i]) == 1 then again(ARGV[i]) end
end
return rung
"""
"""KEYS: queue, taken (intermediate), started, failed. ARGV: the most rings, then jobs taken but never started."""

log = structlog.get_logger("andon.worker")


class Upkeep:
    """One pipeline and one script every third of a lease, for as long as the worker lives.

    The stock worker sends each heartbeat as two calls, several times for each job, and looks for abandoned jobs every
    ten minutes, holding a lock that outlives it. Here a script decides, so that no lock is needed."""

    def __init__(self, worker: SimpleWorker, queue: StockQueue, lease_seconds: int) -> None:
        self.worker = worker
        self.queue = queue
        self.lease_seconds = lease_seconds
        self._started = StartedJobRegistry(queue=queue)
        self._taken_key = IntermediateQueue.get_intermediate_queue_key(queue.key)
        self._keys = [queue.key, self._taken_key, self._started.key, f"rq:failed:{queue.name}"]
        self._script = worker.connection.register_script(RING_ABANDONED)
        self._seen: set[bytes | str] = set()

    def run(self, ended: threading.Event) -> None:
        """Until `ended` is set. A server that is away is the worker's business, not told twice."""
        while True:
            try:
                self.beat()
                self.ring_abandoned()
            except AWAY as error:
                log.debug("upkeep_missed", error=type(error).__name__)
            if ended.wait(self.lease_seconds / 3):
                return

    def beat(self) -> None:
        """Say that the worker lives, and that its job, if it has one, is worked on."""
        worker, execution = self.worker, self.worker.execution
        worker.last_heartbeat = datetime.now(UTC)
        with worker.connection.pipeline(transaction=False) as pipe:
            # All of it each time: a server that lost its memory knows the worker again after one beat.
            pipe.hset(worker.key, mapping={**worker.serialize(), "state": worker.get_state()})
            pipe.expire(worker.key, worker.worker_ttl)
            register(worker, pipe)
            if execution is not None:
                execution.heartbeat(self._started, self.lease_seconds, pipe)
            pipe.execute()

    def ring_abandoned(self) -> int:
        """Ring again for jobs whose lease ended, and for those taken from the queue but not started since the last
        look; returns how many."""
        link = self.worker.connection
        taken = set(link.lrange(self._taken_key, 0, 999))
        stuck, self._seen = taken & self._seen, taken
        rung = int(self._script(keys=self._keys, args=[MOST_RINGS, *stuck]))
        if rung:
            log.warning("jobs_rung_again", lane=self.queue.name, jobs=rung, why="their worker is gone")
        clean_worker_registry(self.queue)
        return rung
