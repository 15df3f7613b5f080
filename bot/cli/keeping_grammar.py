"""The words of `andon` for how long records are kept, and for what is taken out of them."""

from __future__ import annotations

from bot.cli.arguments import Word

KEEPING_WORDS: tuple[Word, ...] = ()
