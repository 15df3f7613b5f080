"""The only file that knows every part: builds the program from its settings, for every process and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from bot.adapters.data_folder import open_data_folder
from bot.adapters.identity import SystemClock
from bot.flow.beating import Beating
from bot.flow.due import DueWork
from bot.ports import Clock
from bot.settings import Settings
from bot.wiring.core import Core
from bot.wiring.outside import api_tokens, open_outside, webhook_token

if TYPE_CHECKING:
    from bot.flow.bundle_desk import BundleDesk
    from bot.flow.drilling import Drilling
    from bot.flow.evidence_desk import EvidenceDesk
    from bot.flow.folding import Folder
    from bot.flow.intake import Intake
    from bot.flow.notices import NoticeDesk
    from bot.flow.observing import Observing
    from bot.flow.release_judging import Judge
    from bot.flow.runner import Runner
    from bot.flow.sweep import Sweep
    from bot.plugins import AlertSource
    from bot.ports import Pager


class App:
    """Every part, wired when it is first asked for: a process holds in memory what it does, and no more.

    A part that cannot be used by its settings raises ConfigError then; `wire` asks for all of them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.settings, outside = core.settings, core.outside
        self.tokens = api_tokens(self.settings)
        self.webhook_token = webhook_token(self.settings)
        self.steps, self.gates = outside.workshop.steps, outside.gates
        self.workshop, self.secrets = outside.workshop, outside.secrets
        self.configuration = outside.configuration
        self.store, self.queue = outside.store, outside.queue
        self.clock, self.ids, self.log = outside.clock, outside.ids, outside.log
        self.owner, self.stopping = outside.owner, outside.stopping
        self.moves = core.moves
        self.due = DueWork(self.store, self.queue)
        self.beating = Beating(self.store, self.clock, self.owner)

    def wire(self) -> None:
        """Every part and plug-in, now. ConfigError where one cannot be used."""
        _ = [*self.steps.values(), *self.gates.values()]
        for name, part in vars(App).items():
            if isinstance(part, cached_property):
                getattr(self, name)

    def close(self) -> None:
        """Close connections; the program can be built again afterwards."""
        self.store.close()
        self.workshop.http.close()

    @cached_property
    def runner(self) -> Runner:
        """Moves runs."""
        from bot.wiring.running import build_runner

        return build_runner(self._core)

    @cached_property
    def drilling(self) -> Drilling:
        """Carries out drills."""
        from bot.wiring.drills import build_drilling

        return build_drilling(self._core, self.intake)

    @cached_property
    def intake(self) -> Intake:
        """The front door."""
        from bot.wiring.front import build_intake

        return build_intake(self._core, self.sources)

    @cached_property
    def sources(self) -> Mapping[str, AlertSource]:
        """The alert sources by name."""
        from handlers.alerts import load_sources

        return load_sources()

    @cached_property
    def observing(self) -> Observing:
        """The door for observations."""
        from bot.wiring.front import build_observing

        return build_observing(self._core)

    @cached_property
    def evidence(self) -> EvidenceDesk:
        """Where evidence is handed in."""
        from bot.wiring.front import build_evidence

        return build_evidence(self._core)

    @cached_property
    def judge(self) -> Judge:
        """Looks at the gates of releases."""
        from bot.wiring.releases import build_judge

        return build_judge(self._core, self.intake)

    @cached_property
    def folder(self) -> Folder:
        """Compares candidates with incumbents."""
        from bot.wiring.releases import build_folder

        return build_folder(self._core, self.intake)

    @cached_property
    def notices(self) -> NoticeDesk:
        """Writes and sends notices."""
        from bot.wiring.telling import build_desk

        return build_desk(self._core)

    @property
    def pagers(self) -> Mapping[str, Pager]:
        """The pagers whose keys are set, by name."""
        return self._core.pagers

    @cached_property
    def bundles(self) -> BundleDesk:
        """Where bundles are asked for."""
        from bot.wiring.bundles import open_bundles

        return open_bundles(self.settings, self._core.outside)

    @cached_property
    def sweep(self) -> Sweep:
        """What the clock does."""
        from bot.wiring.clockwork import build_sweep

        return build_sweep(self._core, self.due, self.intake.accept, self.beating)


def build_app(settings: Settings, *, clock: Clock | None = None) -> App:
    """The whole program. Raises ConfigError with every fault where the configuration or a setting cannot be used.

    `clock` replaces the host's, for tests; leases and what is due go by the database's clock all the same.
    """
    if settings.is_embedded_database or settings.is_embedded_redis or settings.api_tokens is None:
        open_data_folder(settings.data)
    return App(Core(settings, open_outside(settings, clock or SystemClock())))
