"""The words of `andon` for reports of controls, rights, and the runbook for the day when it is down."""

from __future__ import annotations

from bot.cli.arguments import Word

ACCOUNT_WORDS: tuple[Word, ...] = ()
