"""Reports what incumbent and candidate answered to Andon, without ever slowing or failing the code that serves.

One file, no dependencies, Python 3.9 or newer: import it, or copy it next to the serving code.

    observer = Observer("https://andon.example", token, "fraud-model-2026-11-26")
    observer.pair(request_id, incumbent="ok", candidate="fraud", incumbent_ms=12.1, candidate_ms=9.8, session="s-17")
    ...
    observer.close(timeout=5)

A call only puts a line into a bounded queue; one daemon thread batches, packs and sends. When the queue is full, or
Andon stays away for longer than `give_up_after`, lines are dropped and counted (`stats()`): nothing waits, nothing is
raised. After a fork the child starts with an empty queue and a thread of its own.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import threading
import time
import uuid
import weakref
from collections import deque
from typing import Any
from urllib.parse import quote, urlsplit

LONGEST_LINE = 256 * 1024
LARGEST_BATCH = 4_000_000
"""Bytes before packing, so that a batch stays under the limit of 5 MB even where packing gains nothing."""
LONGEST_PAUSE = 30.0
AGAIN = frozenset((408, 425, 429))
_PLAIN = frozenset((str, int, float, bool, type(None)))
_LINES_BETWEEN_YIELDS = 16


class Observer:
    """The observations of one release. Safe to use from many threads; make it once per process or before a fork.

    `release` names the canary. Lines are sent when `batch_lines` have gathered or `batch_seconds` have passed; at most
    `queue_lines` wait. Each request has `timeout` seconds; a batch that is not taken is sent again, with pauses that
    grow to 30 s, until `give_up_after` seconds are over.
    """

    def __init__(
        self,
        url: str,
        token: str,
        release: str,
        *,
        batch_lines: int = 500,
        batch_seconds: float = 1.0,
        queue_lines: int = 20_000,
        timeout: float = 5.0,
        give_up_after: float = 60.0,
        first_pause: float = 0.5,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address of Andon starts with http:// or https:// and names a host")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = f"{parts.path.rstrip('/')}/api/v1/canaries/{quote(release, safe='')}/observations"
        self._authorization = f"Bearer {token}"
        self._batch_lines, self._batch_seconds = max(1, batch_lines), batch_seconds
        self._queue_lines = max(1, queue_lines)
        self._timeout, self._give_up_after, self._first_pause = timeout, give_up_after, first_pause
        self._begin()
        _live.add(self)
        _watch_forks()

    def _begin(self) -> None:
        """Empty, at rest: when it is made, and in the child of a fork, where no lock and no thread can be trusted."""
        self._lock = threading.RLock()
        self._queue: deque[dict[str, Any]] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._in_hand = 0
        self._counts = {"sent": 0, "dropped_full": 0, "dropped_unsent": 0, "refused": 0, "batches": 0, "retries": 0}
        self._last_error = ""

    # What serving code calls

    def pair(
        self,
        key: str,
        *,
        incumbent: Any = None,
        candidate: Any = None,
        incumbent_ms: float | None = None,
        candidate_ms: float | None = None,
        error: Any = None,
        label: Any = None,
        slice: Any = None,  # noqa: A002
        **fields: Any,
    ) -> bool:
        """Both answers to one input. `error` is text of the candidate, or {"incumbent": text, "candidate": text}.

        `fields` travel along: name the policy's `unit` there. False when the line was dropped.
        """
        line = {
            "key": key,
            "incumbent": incumbent,
            "candidate": candidate,
            "incumbent_ms": incumbent_ms,
            "candidate_ms": candidate_ms,
            "error": error,
            "label": label,
            "slice": slice,
        }
        if fields:
            line.update(fields)
        return self._put(line)

    def incumbent(self, key: str, answer: Any = None, *, ms: Any = None, error: Any = None, **fields: Any) -> bool:
        """What the incumbent answered; the candidate's half may come from another process."""
        fields.update(key=key, incumbent=answer, incumbent_ms=ms, error=error and {"incumbent": error})
        return self._put(fields)

    def candidate(self, key: str, answer: Any = None, *, ms: Any = None, error: Any = None, **fields: Any) -> bool:
        """What the candidate answered; the incumbent's half may come from another process."""
        fields.update(key=key, candidate=answer, candidate_ms=ms, error=error and {"candidate": error})
        return self._put(fields)

    def label(self, key: str, value: Any) -> bool:
        """The truth, when it becomes known later."""
        return self._put({"key": key, "label": value})

    def stats(self) -> dict[str, Any]:
        """Lines sent, waiting, dropped (queue full, never taken) and refused (no JSON, or Andon said no)."""
        with self._lock:
            return {**self._counts, "waiting": len(self._queue) + self._in_hand, "last_error": self._last_error}

    def close(self, timeout: float = 5.0) -> bool:
        """Send what waits, for at most `timeout` seconds; later lines are dropped. True when nothing was left."""
        with self._lock:
            self._closing.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        self._abandoned.set()
        with self._lock:
            left = len(self._queue)
            self._queue.clear()
            self._counts["dropped_unsent"] += left
            return left + self._in_hand == 0

    def __enter__(self) -> Observer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, line: dict[str, Any]) -> bool:
        try:
            for name, value in line.items():
                if type(value) not in _PLAIN:
                    line[name] = _snapshot(value)
            line.setdefault("at", time.time())
            with self._lock:
                if len(self._queue) >= self._queue_lines or self._closing.is_set():
                    self._counts["dropped_full"] += 1
                    return False
                self._queue.append(line)
                if self._thread is None:
                    self._start()
                if len(self._queue) == self._batch_lines:
                    self._wake.set()
            return True
        except Exception as error:  # whatever is wrong with a value, serving goes on
            self._fail("refused", 1, f"a line cannot be taken: {type(error).__name__}")
            return False

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="andon-observations", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is ending: the next line tries again
            self._thread = None

    # What the thread does

    def _run(self) -> None:
        while True:
            if len(self._queue) < self._batch_lines:
                self._wake.wait(self._batch_seconds)
            self._wake.clear()
            closing = self._closing.is_set()
            try:
                while self._queue and not self._abandoned.is_set():
                    self._send(self._batch())
            except Exception as error:  # the thread outlives whatever one batch holds
                self._fail("refused", self._in_hand, f"a batch cannot be sent: {type(error).__name__}")
                self._in_hand = 0
            if closing or self._abandoned.is_set():
                break
        self._disconnect()

    def _batch(self) -> list[bytes]:
        """Lines as JSON, as many as one batch takes."""
        lines: list[bytes] = []
        size = 0
        while self._queue and len(lines) < self._batch_lines and size < LARGEST_BATCH - LONGEST_LINE:
            with self._lock:
                if not self._queue:  # close() cleared it
                    break
                line = self._queue.popleft()
                self._in_hand += 1
            written = _written(line)
            if written is None:
                self._in_hand -= 1
                self._fail("refused", 1, "a line is no JSON, or too long")
                continue
            lines.append(written)
            size += len(written) + 1
            if len(lines) % _LINES_BETWEEN_YIELDS == 0:
                time.sleep(0)  # lets a serving thread run that waits for the interpreter
        return lines

    def _send(self, lines: list[bytes]) -> None:
        if not lines:
            return
        status = self._post_until_taken(gzip.compress(b"\n".join(lines), compresslevel=1, mtime=0))
        if status == 413 and len(lines) > 1:
            middle = len(lines) // 2
            self._send(lines[:middle])
            self._send(lines[middle:])
            return
        with self._lock:
            self._in_hand -= len(lines)
            if status is not None and 200 <= status < 300:
                self._counts["sent"] += len(lines)
                self._counts["batches"] += 1
                return
        self._fail("dropped_unsent" if status is None else "refused", len(lines), "")

    def _post_until_taken(self, body: bytes) -> int | None:
        """The status that settles it, or None when there was none in time. Each try carries the same key."""
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Idempotency-Key": uuid.uuid4().hex,
            "User-Agent": "andon-observations/1",
        }
        end = time.monotonic() + self._give_up_after
        pause = self._first_pause
        while not self._abandoned.is_set():
            status, wanted = self._post(body, headers)
            if status is not None and status < 500 and status not in AGAIN:
                if not 200 <= status < 300:
                    self._last_error = f"Andon answered {status}"
                return status
            self._last_error = f"Andon answered {status}" if status is not None else self._last_error
            wait = min(LONGEST_PAUSE, max(wanted, pause * random.uniform(0.5, 1.0)))  # noqa: S311 - no secret
            if time.monotonic() + wait > end:
                return None
            with self._lock:
                self._counts["retries"] += 1
            # A close that begins meanwhile is a reason to try at once; after it, only its end cuts a pause short.
            (self._abandoned if self._closing.is_set() else self._closing).wait(wait)
            pause = min(LONGEST_PAUSE, pause * 2)
        return None

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int | None, float]:
        """One try: the status, None when none came, and how many seconds Andon asks to wait."""
        try:
            if self._connection is None:
                kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
                self._connection = kind(self._host, self._port, timeout=self._timeout)
            self._connection.request("POST", self._path, body, headers)
            answer = self._connection.getresponse()
            answer.read(64 * 1024)
            if answer.will_close or not answer.isclosed():
                self._disconnect()
            asked = answer.headers.get("Retry-After", "")
            return answer.status, float(asked) if asked.isascii() and asked.isdigit() else 0.0
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._disconnect()
            self._last_error = f"Andon cannot be reached: {type(error).__name__}"
            return None, 0.0

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fail(self, what: str, lines: int, error: str) -> None:
        with self._lock:
            self._counts[what] += lines
            self._last_error = error or self._last_error


def _snapshot(value: Any) -> Any:
    """A copy that stays as it is when the caller goes on with the value; arrays and scalars of NumPy become plain."""
    if isinstance(value, (list, tuple)):
        return [one if type(one) in _PLAIN else _snapshot(one) for one in value]
    if isinstance(value, dict):
        return dict(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _written(line: dict[str, Any]) -> bytes | None:
    """The line as JSON without what is None; None for what is no JSON, NaN and infinity included, or too long."""
    try:
        kept = {name: value for name, value in line.items() if value is not None}
        written = json.dumps(kept, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return written if len(written) <= LONGEST_LINE else None


_live: weakref.WeakSet[Observer] = weakref.WeakSet()
_watching: list[int] = []


def _watch_forks() -> None:
    if not _watching and hasattr(os, "register_at_fork"):
        _watching.append(os.getpid())
        os.register_at_fork(after_in_child=_forked)


def _forked() -> None:
    for observer in list(_live):
        observer._begin()
