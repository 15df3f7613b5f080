"""`/andon reject`: says no to what a run waits for."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.words import Word
from handlers.subjects import run_meant


class Reject:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "reject"
    usage: ClassVar[str] = "[run or service] [why]"
    summary: ClassVar[str] = "say no to what a run waits for"

    def translate(self, said: Said) -> Give:
        """The plan is the one that waits now, so that no other one is answered."""
        run_id, run, reason = run_meant(said, waiting=True)
        details = {"plan_hash": run.plan_hash} if run is not None and run.plan_hash else {}
        return Give(Word.REJECT, run_id, reason, details=details)
