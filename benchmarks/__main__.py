"""`python -m benchmarks [NAME …] [--quick] [--output DIR]`: run them one after the other and write the reports."""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.reports import Report, markdown, write, write_index

NAMES = (
    "received_to_call",
    "ingest",
    "durable_step",
    "resume",
    "start",
    "handoff",
    "minutes",
    "slack",
    "drift",
    "observations",
    "canary_path",
    "canary_errors",
    "canary_beside",
    "canary_speed",
    "bundle",
    "audit",
    "measures",
)
ROOT = Path(__file__).resolve().parents[1]


def main(words: list[str]) -> int:
    """0 always: a figure is reported and never fails a build."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="few samples: shows that it works, not how fast")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks", help="folder of the reports")
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args(words)
    _compile()
    for name in args.names or NAMES:
        report = measure(name, quick=args.quick, seed=args.seed)
        print(markdown(report), flush=True)
        for path in write(report, args.output):
            print(f"written: {path}", flush=True)
        write_index(args.output)
    return 0


def measure(name: str, *, quick: bool, seed: int) -> Report:
    """One benchmark, with the circumstances in its report."""
    started, before = time.monotonic(), os.getloadavg()[0]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    report: Report = importlib.import_module(f"benchmarks.{name}").measure(quick=quick, seed=seed)
    report.machine, report.started_at, report.is_quick = machine.describe(), now, quick
    report.seconds = time.monotonic() - started
    report.load_before, report.load_after = before, os.getloadavg()[0]
    return report


def _compile() -> None:
    """Bytecode is compiled at install; a run that measures processes must not measure the compiler."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for folder in ("bot", "handlers", "playbooks", "benchmarks", "clients", "tests/support"):
        compileall.compile_dir(ROOT / folder, quiet=2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
