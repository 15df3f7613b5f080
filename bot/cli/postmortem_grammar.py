"""The words of `andon` for postmortems."""

from __future__ import annotations

from bot.cli.arguments import Word

POSTMORTEM_WORDS: tuple[Word, ...] = ()
