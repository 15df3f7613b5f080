"""The configuration in force, and how another one comes into force: as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.configuration import Configuration


class ConfigurationHolder:
    """The configuration in force. A set that does not validate never comes into force; the old one stays."""

    def __init__(
        self,
        load: Callable[[], Configuration],
        *,
        first: Callable[[], Configuration] | None = None,
        keep: Callable[[Configuration], object] = lambda _: None,
    ) -> None:
        """`load` reads the files; `first` does so at the start, where that differs. `keep` is told what is in force;
        it never raises."""
        self._load = load
        self._keep = keep
        self.current = (first or load)()

    def reload(self) -> Configuration:
        """Read the files again; raises ConfigError with every fault and keeps what is in force."""
        self.current = self._load()
        self._keep(self.current)
        return self.current

    def keep(self) -> None:
        """A process begins to work with what was loaded: have it kept."""
        self._keep(self.current)
