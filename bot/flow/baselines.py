"""A chore of the clock: what a service starts from is written down once, before anything happened to it."""

from __future__ import annotations

from bot.domain.configuration import Configuration
from bot.flow.chores import Rounds, do_each
from bot.flow.versions import is_registered, register_baseline


class Baselines:
    """Looks once at each configuration that comes into force; any number of clocks may."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._done: Configuration | None = None

    def keep(self) -> None:
        """Register what policies name and nothing is known of."""
        configuration = self._rounds.configuration()
        if configuration is self._done:
            return
        now = self._rounds.now()
        with self._rounds.store.read() as tx:
            missing = [name for name, one in configuration.policies.items() if not is_registered(tx, one, now)]
        do_each(missing, lambda name: self._register(configuration, name))
        self._done = configuration

    def _register(self, configuration: Configuration, service: str) -> None:
        with self._rounds.at(service) as situation:
            release = situation.releases.get(service)
            register_baseline(situation.tx, configuration.policies[service], release, situation.now)
