"""The word of `andon` that says how long a restoration takes, as measured."""

from __future__ import annotations

from bot.cli.arguments import Word

DISCIPLINE_WORDS: tuple[Word, ...] = ()
