"""`/andon drill`: says what there is instead until drills come."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Said, Say


class Drill:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "drill"
    usage: ClassVar[str] = "[service]"
    summary: ClassVar[str] = "prove a rollback on staging (comes with the release of drills)"

    def translate(self, said: Said) -> Say:
        """Nothing is started."""
        service = said.first or "SERVICE"
        return Say(
            "Drills are not part of this version. Nothing was started. "
            f"Next: `andon run PLAYBOOK --service {service} --environment staging --dry-run` shows every call "
            "of a rollback, and without `--dry-run` it runs on staging once somebody approves."
        )
