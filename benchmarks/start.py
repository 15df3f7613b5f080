"""How soon the command line answers, and what a worker weighs beside the libraries it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks import installation
from benchmarks.figures import Spread, percentile
from benchmarks.reports import Goal, Report, Table, spread_table

MOST_HELP = 10.0
MOST_MEMORY = 1.2

METHOD = """
Start: whole processes, from fork to exit, in turns: `python -c pass`, `andon --help`, and for scale `python -m pip
--help`. All bytecode is compiled before.

Memory: resident set of a real idle rollback worker, beside the floor: a process that imports exactly the modules from
outside this project that a worker's program has in its module table once it has wired what a rollback takes, loaded
the roots of trust and read its database, and does nothing. A second floor is an independent list: rq, redis, httpx,
sqlalchemy, pydantic, pydantic_settings, jinja2, yaml, structlog, cel.
"""

LOADED = """
import json, sys
import bot.cli.entry, bot.app, bot.worker, bot.cli.serving
from bot import jobs
from bot.ports import Lane
from bot.settings import Settings
from bot.app import build_app
app = build_app(Settings.from_environment())
app.workshop.http.warm()
jobs.bind(app, Lane.ROLLBACKS)
with app.store.read() as tx:
    tx.due_runs(limit=1)
ours = ("bot", "handlers", "playbooks", "__main__", "__mp_main__")
print(json.dumps([name for name in sys.modules if name.partition(".")[0] not in ours]))
"""
IMPORTS = """
import importlib, json, sys
for name in json.loads(sys.stdin.readline()):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print("ready", flush=True)
sys.stdin.readline()
"""
LIST = ["rq", "redis", "httpx", "sqlalchemy", "pydantic", "pydantic_settings", "jinja2", "yaml", "structlog", "cel"]


def measure(*, quick: bool, seed: int) -> Report:
    """Start and memory."""
    report = Report("start", "Start of the command line, memory of a worker", METHOD, seed)
    _start(report, 5 if quick else 40)
    _memory(report, 1 if quick else 5)
    return report


def _start(report: Report, rounds: int) -> None:
    andon = str(Path(sys.executable).with_name("andon"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "andon --help": [andon, "--help"],
        "andon (module) --help": [sys.executable, "-m", "bot", "--help"],
        "pip --help": [sys.executable, "-m", "pip", "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 2):
        for name, command in commands.items():
            started = time.monotonic()
            subprocess.run(command, check=True, capture_output=True)
            if number >= 2:
                seconds[name].append(time.monotonic() - started)
    spreads = [(name, Spread.of_seconds(values)) for name, values in seconds.items()]
    report.tables.append(spread_table("From fork to exit", spreads))
    report.goals.append(Goal("`andon --help` over bare Python, p50", spreads[1][1].p50 / spreads[0][1].p50, MOST_HELP))


def _memory(report: Report, rounds: int) -> None:
    figures: dict[str, list[float]] = {}
    with installation.folder() as place:
        config = installation.configuration(place / "config", ["model"], "http://127.0.0.1:9")
        with (
            installation.redis(place) as redis_url,
            installation.parts(place, config, "sqlite", redis_url, whole=False) as parts,
        ):
            told = subprocess.run([sys.executable, "-c", LOADED], env=parts.env(), capture_output=True, check=True)
            loaded = json.loads(told.stdout.splitlines()[-1])
            for _ in range(rounds):
                worker = parts.worker()
                threading.Event().wait(3)
                figures.setdefault("worker", []).append(_resident(worker.pid))
                parts.stop(worker)
                figures.setdefault("its own libraries", []).append(_imported(loaded))
                figures.setdefault("the independent list", []).append(_imported(LIST))
    middle = {name: percentile(values, 0.5) for name, values in figures.items()}
    rows = tuple((name, round(value, 1), round(middle["worker"] / value, 2)) for name, value in middle.items())
    report.tables.append(Table("Resident set", ("process", "MiB (median)", "worker over it"), rows))
    report.goals.append(
        Goal("worker over its own libraries", middle["worker"] / middle["its own libraries"], MOST_MEMORY)
    )


def _imported(names: list[str]) -> float:
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(names) + "\n")
    process.stdin.flush()
    assert process.stdout.readline().strip() == "ready"
    return _after(process, lambda: _resident(process.pid))


def _after(process: subprocess.Popen[str], look: Callable[[], float]) -> float:
    found = look()
    process.communicate("\n")
    return found


def _resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20
