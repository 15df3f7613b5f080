"""The word of `andon` for the measures of the process."""

from __future__ import annotations

from bot.cli.arguments import JSON, Word, arg

MEASURES_WORDS: tuple[Word, ...] = (
    Word(
        "measures",
        "how fast releases and rollbacks are, how often changes fail, and what is still owed",
        "bot.cli.measures:measures",
        (
            arg("--service", metavar="S", help="only this one (default: all)"),
            arg("--team", metavar="T", help="only services whose policy names this team"),
            arg("--from", dest="first", metavar="MONTH", help="such as 2026-01 (default: six months up to --to)"),
            arg("--to", dest="last", metavar="MONTH", help="the last month, by UTC (default: the present one)"),
            arg("--environment", metavar="E", help="incidents and runs of this one (default: all but staging)"),
            JSON,
        ),
    ),
)
