"""The words of `andon` for drills: starting, listing, skipping and moving them."""

from __future__ import annotations

from bot.cli.arguments import Word

DRILL_WORDS: tuple[Word, ...] = ()
