"""`/andon drill`: rehearses a rollback away from production, now."""

from __future__ import annotations

from typing import Any, ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import service_meant

SURPRISE = "surprise"


class Drill:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "drill"
    usage: ClassVar[str] = "[service] [environment] [surprise]"
    summary: ClassVar[str] = "rehearse a rollback away from production now; on a game day, whichever chance picks"

    def translate(self, said: Said) -> Give:
        """The environment is the policy's where none is named, never that of the incident where it is said."""
        service, words = service_meant(said)
        environment: str | None = None
        details: dict[str, Any] = {}
        for word in words.split():
            if word.lower() == SURPRISE and not details:
                details = {SURPRISE: True}
            elif word in said.environments and environment is None:
                environment = word
            else:
                known = ", ".join(sorted(said.environments)) or "none"
                raise BadInput(
                    f"{word[:60]!r} is neither an environment nor `{SURPRISE}`",
                    next=f"the environments are {known}; write it like `/andon drill {service} staging`",
                )
        return Give(Word.DRILL, service, environment=environment, details=details)
