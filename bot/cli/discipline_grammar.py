"""The word of `andon` that says how long a restoration takes, as measured."""

from __future__ import annotations

from bot.cli.arguments import JSON, Word, arg, count

DISCIPLINE_WORDS: tuple[Word, ...] = (
    Word(
        "discipline",
        "how long a restoration takes, as measured, and what is overdue (exit 0: every schedule is proven and in time)",
        "bot.cli.discipline:discipline",
        (
            arg("service", nargs="?", metavar="SERVICE", help="default: all"),
            arg("--days", type=count, default=90, metavar="N", help="measure over the last N days (default: 90)"),
            JSON,
        ),
    ),
)
