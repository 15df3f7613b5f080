"""A pipeline that sends in bursts: many small statements wake the server's process once, not one after the other.

psycopg hands each statement to the socket as it comes. On a machine that was idle each of these sends wakes a process
on another processor, which takes longer than the statement itself. https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import PQGen

BURST = 16
"""Statements that wait for each other at most: with more of them the server works while the next are made."""


class BurstPipeline(psycopg.Pipeline):
    """Statements stay in the driver's buffer until an answer is asked for, or until they are a burst."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        super().__init__(driver)
        self._held = 0

    def _communicate_gen(self) -> PQGen[None]:
        self._held += 1
        # Once it is synchronized it is only read: what the socket does not take at once would never be sent.
        synchronizes = bool(self.result_queue) and self.result_queue[-1] is None
        if synchronizes or self._held % BURST == 0:
            yield from super()._communicate_gen()
        while self.command_queue:
            self.command_queue.popleft()()


@contextmanager
def in_bursts(driver: psycopg.Connection[Any]) -> Iterator[psycopg.Pipeline]:
    """`driver.pipeline()` with the pipeline above; not to be used inside another one."""
    with driver.lock:
        pipeline = driver._pipeline = BurstPipeline(driver)
    try:
        with pipeline:
            yield pipeline
    finally:
        with driver.lock:
            driver._pipeline = None
