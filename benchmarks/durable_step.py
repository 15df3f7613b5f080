"""What a durable step costs beside one bare commit on the same database."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa

from benchmarks import installation
from benchmarks.figures import Spread
from benchmarks.reports import Goal, Report, spread_table
from bot.app import App, build_app
from bot.domain.events import Delivery
from bot.domain.outcomes import Outcome
from bot.domain.runs import RunStatus
from bot.plugins import StepContext, StepParams
from bot.settings import Settings
from tests.support.written_config import playbook, policy, write_config

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
MOST = 5.0
STEPS = 20
"""Steps of one run."""

METHOD = f"""
A run of {STEPS} steps that do nothing is advanced in this process by the real runner on the real store. A step costs
what lies between two calls of `perform`: its outcome, timeline entry and audit row, and the intent of the next step,
in one commit with the fence compared. The floor: one row of 300 characters inserted by SQLAlchemy Core and committed,
on the same database by the same engine; after each run as many of these as it has steps.
"""


class Nothing:
    """A step that is done at once and notes when it was performed."""

    name: ClassVar[str] = "nothing"
    summary: ClassVar[str] = "Nothing"
    Params: ClassVar[type[StepParams]] = StepParams

    def __init__(self) -> None:
        self.performed: list[float] = []

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """It counts as an action, so that nothing is left out for it."""
        return True

    def plan(self, params: StepParams) -> Sequence[str]:  # noqa: ARG002
        """Nothing."""
        return []

    def perform(self, params: StepParams, ctx: StepContext) -> Outcome:  # noqa: ARG002
        """Done."""
        self.performed.append(time.perf_counter())
        return Outcome.done()


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("durable_step", "A durable step", METHOD, seed)
    for kind, name in NAMES.items():
        runs = 3 if quick else 40
        with installation.folder() as place, installation.database(kind, place) as address:
            app = _app(place, address, runs + 2)
            steps, whole, bare = _rounds(app, runs, random.Random(seed))
            app.close()
        sides = [("one bare commit", bare), ("a step", steps), ("a run, per step", whole)]
        spreads = [(side, Spread.of_seconds(values)) for side, values in sides]
        report.tables.append(spread_table(name, spreads))
        report.goals.append(
            Goal(f"{name}: a step over a bare commit, p50", spreads[1][1].p50 / spreads[0][1].p50, MOST)
        )
    report.notes.append("A run, per step: everything from taking the run to its end, shared out over its steps.")
    return report


def _app(place: Path, address: str, services: int) -> App:
    """The whole program; the step comes in as steps of other packages do, by an entry point."""
    package = place / "packages" / "bench_step-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-step\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(f"[andon.steps]\nnothing = {__name__}:Nothing\n", encoding="utf-8")
    trivial = playbook("trivial", *({"id": f"s{number}", "use": "nothing"} for number in range(STEPS)))
    policies = [policy(f"model-{number}", "http://127.0.0.1:9", playbook="trivial") for number in range(services)]
    config = write_config(place / "config", policies, [trivial])
    values = {"ANDON_DATA": str(place / "var"), "ANDON_CONFIG": str(config), "ANDON_DATABASE_URL": address}
    sys.path.append(str(package.parent))
    try:
        app = build_app(Settings.from_environment(values))
    finally:
        sys.path.remove(str(package.parent))
    app.store.upgrade()
    return app


def _rounds(app: App, runs: int, seeded: random.Random) -> tuple[list[float], list[float], list[float]]:
    step = app.steps["nothing"]
    assert isinstance(step, Nothing)
    commit = _bare_commit(app.store.engine)
    steps: list[float] = []
    whole: list[float] = []
    bare: list[float] = []
    for number in range(runs + 2):
        delivery = Delivery("alertmanager", installation.body(seeded, f"model-{number}"), {})
        run_id = app.intake.accept([delivery], lambda _: None)[0].runs[0]
        step.performed.clear()
        started = time.perf_counter()
        app.runner.advance(run_id)
        took = time.perf_counter() - started
        with app.store.read() as tx:
            run = tx.run(run_id)
        assert run is not None
        assert run.status is RunStatus.SUCCEEDED, run.error
        at = step.performed
        commits = [commit() for _ in range(STEPS)]
        if number >= 2:  # the first ones warm up
            steps += [after - before for before, after in pairwise(at)]
            whole.append(took / STEPS)
            bare += commits
    return steps, whole, bare


def _bare_commit(engine: sa.Engine) -> Callable[[], float]:
    metadata = sa.MetaData()
    rows = sa.Table(
        "bench_rows",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    metadata.create_all(engine)
    statement = rows.insert().inline()

    def commit() -> float:
        started = time.perf_counter()
        with engine.begin() as connection:
            connection.execute(statement, {"text": "x" * 300})
        return time.perf_counter() - started

    return commit
