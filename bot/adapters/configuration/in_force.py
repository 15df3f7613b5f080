"""The configuration in force, and how another one comes into force: as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.configuration import Configuration


class ConfigurationHolder:
    """The configuration in force. A set that does not validate never comes into force; the old one stays."""

    def __init__(self, load: Callable[[], Configuration]) -> None:
        self._load = load
        self.current = load()

    def reload(self) -> Configuration:
        """Read the files again; raises ConfigError with every fault and keeps what is in force."""
        self.current = self._load()
        return self.current
