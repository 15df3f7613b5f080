"""Opens the configuration of a process: as it is, or in strict mode only what was reviewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bot.adapters.configuration.in_force import ConfigurationHolder
from bot.adapters.configuration.provenance import Origins, Stated
from bot.adapters.configuration.strict import Load, Reviewed
from bot.domain.configuration import Configuration
from bot.domain.policy_versions import PolicyVersion


class Settings(Protocol):
    """What is set about policies."""

    @property
    def config(self) -> Path: ...
    @property
    def strict(self) -> bool: ...
    @property
    def policy_commit(self) -> str | None: ...
    @property
    def policy_author(self) -> str | None: ...
    @property
    def policy_reviewer(self) -> str | None: ...


class Records(Protocol):
    """The part of a transaction that is read."""

    def policies_in_force(self) -> Sequence[PolicyVersion]: ...


class Store(Protocol):
    """The part of the store that is read."""

    def read(self) -> AbstractContextManager[Records]: ...


def origins_of(settings: Settings) -> Origins:
    """Where the files of the folder come from."""
    stated = Stated(settings.policy_commit, settings.policy_author, settings.policy_reviewer)
    return Origins(settings.config, stated)


def open_configuration(
    settings: Settings, load: Load, store: Store, keep: Callable[[Configuration], object]
) -> ConfigurationHolder:
    """The holder of what is in force; `keep` is told of each set that comes into force."""
    if not settings.strict:
        return ConfigurationHolder(lambda: load({}), keep=keep)

    def recorded() -> Sequence[PolicyVersion]:
        with store.read() as tx:
            return tx.policies_in_force()

    reviewed = Reviewed(settings.config, load, origins_of(settings), recorded)
    return ConfigurationHolder(reviewed.again, first=reviewed.first, keep=keep)
