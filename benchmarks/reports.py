"""Reports of measurements as they came out: Markdown for people, JSON for everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Spread

Cell = str | int | float


_INDEX = """# Benchmarks

How quick it is, and how much of a meeting it hears, measured by `make bench` and written down as it came out. Each
figure of speed is a ratio to a floor that was measured in the same run, in turns with it, because absolute times say
more about a machine than about a program. A run on a machine that does other work (a load average above 1 before it
began) makes the longer path look worse than the floor. No figure of speed is asserted in tests.
"""


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was measured; `at_most` False means that more is better."""

    what: str
    measured: float
    limit: float
    unit: str = "x"
    at_most: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of its limit."""
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


@dataclass(frozen=True)
class Table:
    """Rows of figures under a heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass
class Report:
    """One benchmark of one run."""

    name: str
    title: str
    method: str
    seed: int
    goals: list[Goal] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)
    started_at: str = ""
    seconds: float = 0.0
    load_before: float = 0.0
    load_after: float = 0.0
    is_quick: bool = False


def spread_table(title: str, sides: Sequence[tuple[str, Spread]], *, floor: int = 0) -> Table:
    """Spreads in milliseconds, each with its ratios to the side number `floor`."""
    against = sides[floor][1]
    columns = ("side", "n", "p50 ms", "p90 ms", "p99 ms", "most ms", "p50 ratio", "p99 ratio")
    rows = tuple(
        (
            name,
            one.count,
            round(one.p50, 3),
            round(one.p90, 3),
            round(one.p99, 3),
            round(one.most, 3),
            round(one.p50 / against.p50, 2),
            round(one.p99 / against.p99, 2),
        )
        for name, one in sides
    )
    return Table(title, columns, rows)


def markdown(report: Report) -> str:
    """The report as a page."""
    parts = [f"# {report.title}\n", report.method.strip() + "\n"]
    if report.is_quick:
        parts.append("**A quick run with few samples: the figures are only a sign that it works.**\n")
    if report.goals:
        rows = [
            (one.what, f"{one.measured:.4g} {one.unit}", _limit(one), "yes" if one.is_met else "**no**")
            for one in report.goals
        ]
        parts.append(_table(("goal", "measured", "limit", "met"), rows))
    for table in report.tables:
        parts += [f"## {table.title}\n", _table(table.columns, table.rows)]
    if report.notes:
        parts += ["## Notes\n", "".join(f"- {note}\n" for note in report.notes)]
    parts += ["## Run\n", _table(("what", "value"), [*report.machine.items(), *_circumstances(report)])]
    return "\n".join(parts)


def write(report: Report, folder: Path) -> list[Path]:
    """Write `<name>.md` and `<name>.json`, over those of an earlier run; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / f"{report.name}.md", folder / f"{report.name}.json"
    page.write_text(markdown(report), encoding="utf-8")
    goals = [{**asdict(one), "is_met": one.is_met} for one in report.goals]
    text = json.dumps({**asdict(report), "goals": goals}, indent=2, ensure_ascii=False)
    data.write_text(text + "\n", encoding="utf-8")
    return [page, data]


def write_index(folder: Path) -> Path:
    """One page over all reports that are in the folder, newest run of each; its path."""
    parts = [_INDEX]
    for data in sorted(folder.glob("*.json")):
        report = json.loads(data.read_text(encoding="utf-8"))
        goals = [Goal(**{key: value for key, value in one.items() if key != "is_met"}) for one in report["goals"]]
        parts.append(f"## [{report['title']}]({data.stem}.md)\n")
        rows = [
            (one.what, f"{one.measured:.4g} {one.unit}", _limit(one), "yes" if one.is_met else "**no**")
            for one in goals
        ]
        parts.append(_table(("goal", "measured", "limit", "met"), rows))
        load = f"{report['load_before']:.1f} before, {report['load_after']:.1f} after"
        parts.append(f"Run {report['started_at']} on {report['machine']['cores']} cores; load average {load}.\n")
    page = folder / "index.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _limit(goal: Goal) -> str:
    return f"{'at most' if goal.at_most else 'at least'} {goal.limit:g} {goal.unit}"


def _circumstances(report: Report) -> list[tuple[Cell, ...]]:
    return [
        ("started", report.started_at),
        ("took", f"{report.seconds:.0f} s"),
        ("seed", report.seed),
        ("load average before, after", f"{report.load_before:.2f}, {report.load_after:.2f}"),
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)
