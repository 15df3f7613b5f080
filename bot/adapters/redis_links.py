"""Connections to the Redis server: bounded in time, silent about passwords, and never retried behind our back."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LinkBroken
from redis.exceptions import RedisError
from redis.retry import Retry

from bot.domain.errors import ConfigError

CONNECT_SECONDS = 0.5
"""A server that does not accept within this time counts as away."""

AWAY = (RedisError, OSError)
"""Whatever a call raises when the server is away, loading, full or refuses: for a doorbell it is all the same."""


def connect(url: str, *, answer_seconds: float, name: str | None = None, retries: int = 0) -> Redis:
    """A client of `redis://`, `rediss://` or `unix://`; nothing is sent yet. Each answer is awaited `answer_seconds`.

    The client library waits up to ten retries by default; here a broken connection is tried again `retries` times at
    once and a late answer never, because every caller has something better to do than to wait.
    ConfigError where the address cannot be understood; the address itself is not repeated, it may hold a password."""
    try:
        client: Redis = Redis.from_url(
            url,
            socket_timeout=answer_seconds,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), retries, supported_errors=(LinkBroken,)),
            client_name=name,
        )
    except ValueError as error:
        raise ConfigError(
            "ANDON_REDIS_URL cannot be used",
            why="it is not an address of the form redis://, rediss:// or unix://",
            next="write it like redis://host:6379/0",
        ) from error
    # An address may say otherwise, but jobs are bytes.
    client.connection_pool.connection_kwargs["decode_responses"] = False
    return client
