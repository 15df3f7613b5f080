"""The word of `andon` for the measures of the process."""

from __future__ import annotations

from bot.cli.arguments import Word

MEASURES_WORDS: tuple[Word, ...] = ()
