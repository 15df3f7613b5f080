"""Keeps the runbooks in a folder: written when they change, removed with their service, looked at all day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError
from bot.domain.policies import Policy
from bot.domain.pulses import Part, Pulse
from bot.domain.releases import Release
from bot.ports import Clock, Log, Store

EVERY = timedelta(minutes=15)
"""A sheet with yesterday's versions is worse than none, so a day is too long."""

Write = Callable[[Policy, Configuration, Release | None], Mapping[str, str]]
"""The texts of one service by file name."""
Put = Callable[[Mapping[str, str]], int]
"""Makes the folder have exactly these; how many changed. ConfigError where it cannot be written."""


class RunbookKeeping:
    """A look of the clock, of each for itself: several may have the same folder, and write the same."""

    def __init__(
        self, *, store: Store, clock: Clock, owner: str, configuration: Callable[[], Configuration], write: Write,
        put: Put, log: Log,
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._owner = owner
        self._configuration = configuration
        self._write = write
        self._put = put
        self._log = log
        self._looked: tuple[str, datetime] | None = None

    def look(self) -> None:
        """Bring the folder up to date where the configuration changed or a while went by. TryLater without SQL."""
        now, configuration = self._clock.now(), self._configuration()
        if (
            self._looked
            and self._looked[0] == configuration.digest
            and self._looked[1] <= now < self._looked[1] + EVERY
        ):
            return
        policies = configuration.policies
        with self._store.read() as tx:
            releases = tx.latest_releases(sorted(policies))
            before = tx.pulses().get(Part.RUNBOOKS)
        problem = self._bring_up(configuration, releases)
        kept = before or Pulse(Part.RUNBOOKS, None)
        with self._store.write() as tx:
            tx.save(replace(kept, at=kept.at if problem else now, by=self._owner, problem=problem))
        self._looked = configuration.digest, now

    def _bring_up(self, configuration: Configuration, releases: Mapping[str, Release]) -> str:
        texts: dict[str, str] = {}
        for name, policy in sorted(configuration.policies.items()):
            texts |= self._write(policy, configuration, releases.get(name))
        try:
            changed = self._put(texts)
        except AndonError as error:
            self._log("runbooks not written", problem=str(error))
            return str(error)
        if changed:
            self._log("runbooks written", changed=changed)
        return ""
