"""The raw limit at the back: `python -m benchmarks.floor_worker REDIS_URL` takes jobs by BLMOVE and makes calls."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
from redis import Redis

from benchmarks.floor_web import QUEUE, TAKEN


def main(redis_url: str) -> None:
    """One job after the other, for ever: take, call, strike out. One client for all calls."""
    redis = Redis.from_url(redis_url, socket_timeout=None)
    with httpx.Client(trust_env=False) as http:
        while True:
            job: Any = redis.blmove(QUEUE, TAKEN, 0, "LEFT", "RIGHT")
            if job is None:
                continue
            alert = json.loads(job)["alerts"][0]
            target = alert["annotations"].get("call")
            if target:
                http.post(target, json={"to": "41"})
            redis.lrem(TAKEN, 1, job)


if __name__ == "__main__":
    main(sys.argv[1])
