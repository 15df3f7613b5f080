"""The words of `andon` for bundles: exporting, verifying and replaying them."""

from __future__ import annotations

from bot.cli.arguments import Word

BUNDLE_WORDS: tuple[Word, ...] = ()
