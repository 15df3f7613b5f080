"""Alert sources, one file each; a source that is not named in `SOURCES` does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from bot.domain.errors import ConfigError
from bot.plugins import AlertSource

SOURCES = (
    "handlers.alerts.alertmanager:Alertmanager",
    "handlers.alerts.canary:Canary",
    "handlers.alerts.cloudevents:CloudEvents",
    "handlers.alerts.drill:Drill",
    "handlers.alerts.generic:Generic",
    "handlers.alerts.grafana:Grafana",
    "handlers.alerts.live:Live",
)


def load_sources(places: Sequence[str] = SOURCES) -> dict[str, AlertSource]:
    """Every source by its name, in the order of the list; ConfigError where two have one name."""
    sources: dict[str, AlertSource] = {}
    for place in places:
        module, _, attribute = place.partition(":")
        source: AlertSource = getattr(import_module(module), attribute)()
        if source.name in sources:
            raise ConfigError(f"Two alert sources are called {source.name}", why=f"{place} is the second")
        sources[source.name] = source
    return sources
