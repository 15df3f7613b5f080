"""How much of what people decide and promise is heard, and how much of what is heard they said."""

from __future__ import annotations

import math
import time

from benchmarks.reports import Cell, Goal, Report, Table
from bot.domain.heard import HeardKind
from tests.support.meetings import HALVES, Meeting, Score, asserted_hedges, complete_actions, load, of_kind

PRECISION, RECALL = 0.95, 0.85
ACTIONS = "certain actions with owner and due"

METHOD = """
The corpus in `tests/data/meetings/`: threads, transcripts and notes written by hand, each labelled with what it holds.
The rules were made with the half `tuned/`. The half `held_out/` was written and committed before the first rule; its
total figures were looked at when the rules were first finished and after each later change, its failures never.
An action counts as
right when line, owner (as written) and due instant (within a minute) are those of the label; whatever else is asserted
counts as wrong. One author wrote both halves and the rules, and so knew the texts of the held-out half: it tells how
the rules carry over to other texts by the same hand, not how they do on strangers' meetings. Nothing here is random;
`--quick` changes nothing.
"""
FIRST = (
    "held_out, when it was measured first: precision 0.952, recall 0.967 (59 right, 2 missed, 3 wrong). After that "
    "the rules were made stricter with the public minutes of two committees (long speeches, hardly any action items), "
    "which are not part of the corpus, and a few were put right that probes had shown to be wrong; one of those, two "
    "people who promise together, is a form that this half holds too. Which of its items that moved was not looked at"
)


def measure(*, quick: bool, seed: int) -> Report:  # noqa: ARG001
    """Both halves."""
    report = Report("minutes", "Decisions and action items heard in meetings", METHOD, seed)
    rows: list[tuple[Cell, ...]] = []
    for half in HALVES:
        started = time.monotonic()
        meetings = load(half)
        seconds = time.monotonic() - started
        score = complete_actions(meetings)
        report.goals += [
            Goal(f"{half}: precision of {ACTIONS}", score.precision, PRECISION, "", at_most=False),
            Goal(f"{half}: recall of {ACTIONS}", score.recall, RECALL, "", at_most=False),
        ]
        hedged = asserted_hedges(meetings)
        report.goals.append(Goal(f"{half}: labelled as to be offered, but asserted", len(hedged), 0, "items"))
        rows += _rows(half, meetings, score)
        lines = sum(len(one.labels) for one in meetings)
        report.notes.append(f"{half}: {len(meetings)} files, {lines} labels, read and heard in {seconds:.2f} s")
        shares = (("precision", len(score.wrongs)), ("recall", len(score.misses)))
        bounds = [f"{name} {_interval(score.right, score.right + other)}" for name, other in shares]
        report.notes.append(f"{half}, {ACTIONS}: 95 % intervals (Wilson) {', '.join(bounds)}")
    columns = ("half", "what", "right", "missed", "wrong", "precision", "recall")
    report.tables.append(Table("By kind", columns, tuple(rows)))
    report.notes.append(FIRST)
    report.notes.append(
        "decisions and questions count as right by line and kind; natural questions are offered, never asserted"
    )
    return report


def _rows(half: str, meetings: list[Meeting], score: Score) -> list[tuple[Cell, ...]]:
    rows = [_row(half, ACTIONS, score)]
    for kind in (HeardKind.ACTION, HeardKind.DECISION, HeardKind.QUESTION, HeardKind.ANSWER):
        rows.append(_row(half, f"{kind}, asserted", of_kind(meetings, kind, certain=True)))
        rows.append(_row(half, f"{kind}, asserted or offered", of_kind(meetings, kind, certain=False)))
    return rows


def _interval(right: int, total: int) -> str:
    """Wilson's score interval for a share, https://doi.org/10.1080/01621459.1927.10502953, at 95 %."""
    z = 1.959964
    share, spread = right / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / total / 4)
    return f"{middle - half:.3f} to {middle + half:.3f}"


def _row(half: str, what: str, score: Score) -> tuple[Cell, ...]:
    return (
        half, what, score.right, len(score.misses), len(score.wrongs),
        round(score.precision, 3), round(score.recall, 3),
    )  # fmt: skip
