"""How lists of plug-ins are loaded: by name, out of `module:attribute`, those of other packages included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from bot.domain.errors import ConfigError

Plugin = TypeVar("Plugin")


@dataclass(frozen=True)
class PluginList:
    """One kind of plug-in: what the house lists, the entry point group of those that other packages bring, what each
    must have, and the root of its parameter model."""

    kind: str
    listed: Mapping[str, str]
    group: str
    needs: Sequence[str]
    params: type[BaseModel]

    def places(self) -> dict[str, str]:
        """`module:attribute` of every plug-in there is, by name. Imports none; ConfigError for a doubled name."""
        places = dict(self.listed)
        for point in self._foreign():
            if point.name in places:
                raise ConfigError(
                    f"Two {self.kind}s are called {point.name!r}: {places[point.name]} and {point.value}",
                    next="uninstall one of the packages, or rename its entry point",
                )
            places[point.name] = point.value
        return places

    def load(self, name: str, place: str) -> Any:
        """The plug-in of this name. ConfigError, naming the place, for one that breaks or is none."""
        module, _, attribute = place.partition(":")
        try:
            plugin = getattr(import_module(module), attribute)()
        except Exception as error:
            # Whatever a foreign package raises while it loads, the answer names the package.
            raise ConfigError(
                f"{self.kind.capitalize()} {name!r} cannot be loaded from {place}",
                why=f"{type(error).__name__}: {error}",
            ) from error
        missing = [one for one in self.needs if not hasattr(plugin, one)]
        params = getattr(plugin, "Params", None)
        if missing or not (isinstance(params, type) and issubclass(params, self.params)):
            raise ConfigError(
                f"{self.kind.capitalize()} {name!r} from {place} is no {self.kind}",
                why=f"it lacks {', '.join([*missing, 'Params'])}",
            )
        if getattr(plugin, "name", None) != name:
            called = getattr(plugin, "name", None)
            raise ConfigError(f"{self.kind.capitalize()} {name!r} from {place} calls itself {called!r}")
        return plugin

    def _foreign(self) -> list[EntryPoint]:
        # One package seen twice (an editable install beside a wheel) is still one.
        return sorted(set(entry_points(group=self.group)), key=lambda point: (point.name, point.value))


class Plugins(MutableMapping[str, Plugin], Generic[Plugin]):
    """Plug-ins by name, each imported when it is first asked for: a process holds those that its files use.

    ConfigError, then, for one that breaks or is none; at once for a doubled name. Others may be put in by hand."""

    def __init__(self, plugins: PluginList) -> None:
        self._list = plugins
        self._places = plugins.places()
        self._loaded: dict[str, Plugin] = {}

    def __getitem__(self, name: str) -> Plugin:
        if name not in self._loaded:
            # Two threads may both load it; all use the one that is kept.
            self._loaded.setdefault(name, self._list.load(name, self._places[name]))
        return self._loaded[name]

    def __setitem__(self, name: str, plugin: Plugin) -> None:
        self._loaded[name] = plugin

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter({**self._places, **self._loaded})

    def __len__(self) -> int:
        return len({**self._places, **self._loaded})
