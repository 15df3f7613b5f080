"""Observations: lines per second that are read and joined on one core, and what one report costs serving code."""

from __future__ import annotations

import gzip
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.figures import Spread, percentile
from benchmarks.reports import Cell, Goal, Report, Table, spread_table
from bot.evidence.joining import Joiner, Windows
from bot.evidence.joining_state import from_bytes, to_bytes
from bot.evidence.observations import parse_observations
from clients.andon_observations import Observer

BATCH = 10_000
LEAST_PARSED = 400_000
MOST_P50, MOST_P99 = 10.0, 100.0
PAUSE_SECONDS = 0.0002

METHOD = f"""
**Reading and joining.** Batches of {BATCH:,} lines, packed with gzip, are unpacked and read into columns, and folded
into one join (grace 10 minutes, 100,000 keys remembered), in one thread. Seconds are those that the process had the
processor for, and of several rounds the best is told, because all else that the machine does only adds. The floor, in
the same rounds: `json.loads` of each unpacked line and nothing more. "Kept for labels" keeps the last 50,000 pairs for
a label; state is what is written and read between two folds, with all windows full.

**One report.** A loop does some 0.2 ms of work in Python, then says `observer.pair(…)` with two classes, two times and
a session, then waits 0.2 ms as for a next request. The call is timed, and the work beside it, which shares the
interpreter with the thread that sends. Receivers are processes of their own: one that answers at once, one that takes
3 s for each batch, and an address where nobody listens. The limits for the call were chosen here.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both halves."""
    report = Report("observations", "Observations of a canary, read, joined and reported", METHOD, seed)
    _read_and_joined(report, 2 if quick else 5, rounds=1 if quick else 3)
    _reported(report, 300 if quick else 4_000)
    return report


# Reading and joining


def _lines(kind: str, many: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(many):
        line: dict[str, Any] = {"key": f"request-{number:010}", "incumbent": "cat"}
        line["candidate"] = "dog" if chance.random() < 0.02 else "cat"
        if kind != "classes":
            line |= {"incumbent_ms": round(chance.lognormvariate(3, 0.5), 3)}
            line |= {"candidate_ms": round(chance.lognormvariate(3, 0.5), 3)}
        if kind == "scores and times":
            line |= {"incumbent": chance.random(), "candidate": chance.random()}
        if kind == "with slice, session and time of day":
            at = datetime.fromtimestamp(1_795_000_000 + number / 100, UTC).isoformat()
            line |= {"slice": {"country": "DE", "device": "phone"}, "session": f"s{number // 9}", "at": at}
        if kind == "one bad line in 1,000" and number % 1000 == 500:
            del line["key"]
        yield line


def _halves(many: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for line in _lines("classes", many // 2, chance):
        yield {"key": line["key"], "incumbent": line["incumbent"]}
        yield {"key": line["key"], "candidate": line["candidate"]}


KINDS = (
    "classes",
    "classes and times",
    "scores and times",
    "with slice, session and time of day",
    "one bad line in 1,000",
    "halves",
)


def _read_and_joined(report: Report, batches: int, rounds: int) -> None:
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        chance = random.Random(report.seed)
        lines = _halves(batches * BATCH, chance) if kind == "halves" else _lines(kind, batches * BATCH, chance)
        texts = [json.dumps(line).encode() for line in lines]
        bodies = [gzip.compress(b"\n".join(texts[at : at + BATCH]), 1, mtime=0) for at in range(0, len(texts), BATCH)]
        floor, read, joined, kept = (
            len(texts) / min(step(texts, bodies) for _ in range(rounds))
            for step in (_floor, _read, lambda _, many: _join(many, 0), lambda _, many: _join(many, 50_000))
        )
        rows.append((kind, _whole(floor), _whole(read), round(read / floor, 2), _whole(joined), _whole(kept)))
        if kind == "classes":
            report.goals.append(Goal("classes, unpacked and read", read, LEAST_PARSED, "lines/s", at_most=False))
    columns = ("lines", "floor /s", "read /s", "ratio", "read and joined /s", "and kept for labels /s")
    report.tables.append(Table("Reading and joining, one core", columns, tuple(rows)))
    report.notes.append(_state(batches))


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _floor(texts: list[bytes], _: list[bytes]) -> float:
    return _timed(lambda: [json.loads(text) for text in texts] and None)


def _read(_: list[bytes], bodies: list[bytes]) -> float:
    return _timed(lambda: [len(parse_observations(body, encoding="gzip", unit="session")) for body in bodies])


def _join(bodies: list[bytes], kept: int) -> float:
    joiner, now = Joiner(Windows(most_unlabelled=kept)), datetime(2026, 1, 1, tzinfo=UTC)

    def fold() -> None:
        for number, body in enumerate(bodies):
            batch = parse_observations(body, encoding="gzip", unit="session")
            joiner.fold(batch, now + timedelta(seconds=number))

    return _timed(fold)


def _state(batches: int) -> str:
    said = []
    for kept in (0, 50_000):
        windows = Windows(most_unlabelled=kept)
        joiner = Joiner(windows)
        texts = [json.dumps(line).encode() for line in _lines("classes", max(batches, 10) * BATCH, random.Random(1))]
        joiner.fold(parse_observations(b"\n".join(texts[: 5 * BATCH])), datetime(2026, 1, 1, tzinfo=UTC))
        joiner.fold(parse_observations(b"\n".join(texts[5 * BATCH :])), datetime(2026, 1, 1, tzinfo=UTC))
        started = time.perf_counter()
        raw = to_bytes(joiner)
        written = time.perf_counter()
        from_bytes(raw, windows)
        times = f"written in {(written - started) * 1e3:.0f} ms, read in {(time.perf_counter() - written) * 1e3:.0f} ms"
        said.append(f"{len(joiner.unlabelled):,} pairs kept for labels: {len(raw):,} bytes, {times}")
    return "state of a join that remembers 100,000 keys, with " + "; with ".join(said)


# What a report costs


@contextmanager
def _receiver(seconds: float | None) -> Iterator[str]:
    """The address of a receiver; with None, of nobody."""
    with ExitStack() as stack:
        if seconds is None:
            nobody = stack.enter_context(socket.socket())
            nobody.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{nobody.getsockname()[1]}"
            return
        command = [sys.executable, "-m", "benchmarks.observations_receiver", str(seconds)]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"


def _work() -> int:
    return sum(number * number for number in range(3_000))


def _serve(many: int, observer: Observer | None) -> tuple[list[float], list[float]]:
    """Seconds of each work, and of each report."""
    works, reports = [], []
    pause = threading.Event()
    for number in range(many):
        started = time.perf_counter()
        _work()
        worked = time.perf_counter()
        if observer is not None:
            observer.pair(
                f"request-{number:010}",
                incumbent="cat",
                candidate="dog",
                incumbent_ms=12.25,
                candidate_ms=9.5,
                session="s-17",
            )
        ended = time.perf_counter()
        works.append(worked - started)
        reports.append(ended - worked)
        pause.wait(PAUSE_SECONDS)
    return works, reports


def _reported(report: Report, many: int) -> None:
    _serve(many // 10, None)
    works, nothing = _serve(many, None)
    sides = [("nobody reports", Spread.of_seconds(works))]
    rows: list[tuple[Cell, ...]] = [_row("no call", nothing, {})]
    for name, seconds in (("up", 0.0), ("slow, 3 s a batch", 3.0), ("down", None)):
        with _receiver(seconds) as url:
            observer = Observer(url, "token", "release", batch_seconds=0.2, queue_lines=2_000, timeout=10)
            works, calls = _serve(many, observer)
            stats = observer.stats()
            observer.close(0.5)
        sides.append((f"receiver {name}", Spread.of_seconds(works)))
        rows.append(_row(f"receiver {name}", calls, stats))
        micros = [one * 1e6 for one in calls]
        report.goals.append(Goal(f"one report, receiver {name}, p50", percentile(micros, 0.5), MOST_P50, "µs"))
        report.goals.append(Goal(f"one report, receiver {name}, p99", percentile(micros, 0.99), MOST_P99, "µs"))
    columns = ("receiver", "calls", "p50 µs", "p90 µs", "p99 µs", "most µs", "sent", "dropped, queue full", "waiting")
    report.tables.append(Table("One call of observer.pair", columns, tuple(rows)))
    report.tables.append(spread_table("The work beside it", sides))


def _row(name: str, calls: list[float], stats: dict[str, Any]) -> tuple[Cell, ...]:
    micros = [one * 1e6 for one in calls]
    spread = (round(percentile(micros, share), 2) for share in (0.5, 0.9, 0.99, 1))
    counts = (stats.get(word, 0) for word in ("sent", "dropped_full", "waiting"))
    return (name, len(calls), *spread, *counts)
