"""What several parts of the flow are made of, each made once."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from bot.adapters.conditions import compile_condition
from bot.flow.consequences import Consequences
from bot.flow.endings import Endings
from bot.flow.release_moves import ReleaseMoves
from bot.flow.release_telling import ReleaseTeller
from bot.flow.telling import Teller
from bot.settings import Settings
from bot.wiring.outside import Outside, anchors_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.flow.chores import Rounds
    from bot.flow.gate_looking import Bench
    from bot.ports import Pager


class Core:
    """The parts that change records and tell of it; what only some processes need is made when it is asked for."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self.settings = settings
        self.outside = outside
        self.anchors = anchors_of(settings)
        self.teller = Teller(outside.ids, settings.address, settings.media)
        self.endings = Endings(outside.ids, self.teller, outside.current)
        self.consequences = Consequences(outside.ids, self.teller)
        self.moves = ReleaseMoves(outside.ids, ReleaseTeller(outside.ids, self.teller), compile_condition)

    @cached_property
    def rounds(self) -> Rounds:
        """What chores work with."""
        from bot.flow.chores import Rounds

        outside = self.outside
        parts = (outside.store, outside.queue, outside.clock, outside.ids, outside.current)
        return Rounds(*parts, consequences=self.consequences)

    @cached_property
    def bench(self) -> Bench:
        """Where gates collect and judge."""
        from bot.adapters.configuration.gate_files import files_of
        from bot.flow.gate_looking import Bench

        outside, workshop, gates = self.outside, self.outside.workshop, self.outside.gates
        return Bench(
            gates=gates,
            http=workshop.http,
            processes=workshop.processes,
            expressions=workshop.expressions,
            secrets=outside.secrets,
            files=outside.files,
            compile=compile_condition,
            clock=outside.clock,
            code_version=f"andon {version('andon')}",
            names_of=lambda use: files_of(use, gates),
        )

    @cached_property
    def pagers(self) -> Mapping[str, Pager]:
        """Those whose keys are set, by name. ConfigError where a key cannot be used."""
        from bot.adapters.paging.keys import open_pagers

        return open_pagers(self.settings, self.outside.workshop.http, self.outside.clock)
