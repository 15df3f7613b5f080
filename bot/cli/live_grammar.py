"""The word of `andon` for what is live and what was."""

from __future__ import annotations

from bot.cli.arguments import JSON, SERVICE, Word, arg

LIVE_WORDS: tuple[Word, ...] = (
    Word(
        "live",
        "what is live of a service, or was at a moment, and how that is known",
        "bot.cli.live:live",
        (
            SERVICE,
            arg("--at", default="", metavar="TIME", help="a moment such as 2026-01-31T23:59:59Z (default: now)"),
            arg("--environment", metavar="E", help="only this one (default: all)"),
            JSON,
        ),
    ),
)
