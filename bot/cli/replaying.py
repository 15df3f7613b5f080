"""Builds what recorded releases are judged again with: the gates there are, and nobody to ask."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from bot.domain.errors import StepFailed

if TYPE_CHECKING:
    from bot.adapters.sql import SqlStore
    from bot.flow.gate_looking import Bench
    from bot.flow.gate_replaying import Replayer
    from bot.settings import Settings


class NoSecrets:
    """Whoever asks nobody needs no secret."""

    def get(self, name: str) -> str:
        """StepFailed, always."""
        raise StepFailed(f"{name} is not read here")

    def redact(self, text: str) -> str:
        """The text: no secret was read."""
        return text


def replayer(settings: Settings, store: SqlStore, since: datetime) -> Replayer:
    """Over the releases in this database; reviewed files are those of the configuration folder."""
    from bot.flow.gate_replaying import Replayer

    return Replayer(store, past_gates(settings), since=since, now=store.now())


def past_gates(settings: Settings) -> Bench:
    """The gates there are, with nobody to ask; reviewed files are those of the configuration folder."""
    from bot.adapters.conditions import compile_condition
    from bot.adapters.configuration.gate_files import files_of
    from bot.adapters.expressions import SandboxedExpressions
    from bot.adapters.identity import SystemClock
    from bot.adapters.reviewed_files import ConfigurationFiles
    from bot.flow.gate_looking import Bench
    from bot.flow.past_outside import PastOutside
    from bot.gates import load_gates
    from bot.wiring.outside import folders_of

    gates, secrets, nobody = load_gates(), NoSecrets(), PastOutside()
    return Bench(
        gates=gates,
        http=nobody,
        processes=nobody,
        expressions=SandboxedExpressions(secrets),
        secrets=secrets,
        files=ConfigurationFiles(folders_of(settings.config)),
        compile=compile_condition,
        clock=SystemClock(),
        code_version=f"andon {version('andon')}",
        names_of=lambda use: files_of(use, gates),
    )
