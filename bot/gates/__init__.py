"""The gates: one file per kind, each an executable check with one objective. Listing them imports none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points

from bot.domain.errors import ConfigError
from bot.gate_plugins import Gate, GateParams

GATES: Mapping[str, str] = {
    "canary": "bot.gates.canary:CanaryGate",
    "checklist": "bot.gates.checklist:Checklist",
    "command": "bot.gates.command:CommandGate",
    "documents": "bot.gates.documents:Documents",
    "drift": "bot.gates.drift:DriftGate",
    "drill": "bot.gates.drill:DrillGate",
    "expression": "bot.gates.expression:Expression",
    "fairness": "bot.gates.fairness:FairnessGate",
    "http": "bot.gates.http:HttpGate",
    "latency": "bot.gates.latency:Latency",
    "memory": "bot.gates.memory:Memory",
    "metric": "bot.gates.metric:Metric",
    "parity": "bot.gates.parity:Parity",
    "prometheus": "bot.gates.prometheus:PrometheusGate",
    "schema": "bot.gates.schema:SchemaGate",
    "synthetic": "bot.gates.synthetic:SyntheticGate",
    "way_back": "bot.gates.way_back:WayBack",
}

GROUP = "andon.gates"
"""The entry point group of gates that other packages bring."""


def load_gates() -> dict[str, Gate]:
    """The gates by name. ConfigError for a doubled name and for one that breaks while it loads."""
    return {name: _loaded(name, place) for name, place in list_gates().items()}


def list_gates() -> dict[str, str]:
    """`module:attribute` of every gate there is, by name, those of other packages included. Imports none."""
    places = dict(GATES)
    # One package seen twice (an editable install beside a wheel) is still one.
    for point in sorted(set(entry_points(group=GROUP)), key=lambda one: (one.name, one.value)):
        if point.name in places:
            raise ConfigError(
                f"Two gates are called {point.name!r}: {places[point.name]} and {point.value}",
                next="uninstall one of the packages, or rename its entry point",
            )
        places[point.name] = point.value
    return places


def _loaded(name: str, place: str) -> Gate:
    module, _, attribute = place.partition(":")
    try:
        gate: Gate = getattr(import_module(module), attribute)()
    except Exception as error:
        # Whatever a foreign package raises while it loads, the answer names the package.
        raise ConfigError(
            f"Gate {name!r} cannot be loaded from {place}", why=f"{type(error).__name__}: {error}"
        ) from error
    missing = [one for one in ("summary", "title", "collect", "judge") if not hasattr(gate, one)]
    params = getattr(gate, "Params", None)
    if missing or not (isinstance(params, type) and issubclass(params, GateParams)):
        raise ConfigError(f"Gate {name!r} from {place} is no gate", why=f"it lacks {', '.join([*missing, 'Params'])}")
    if getattr(gate, "name", None) != name:
        raise ConfigError(f"Gate {name!r} from {place} calls itself {getattr(gate, 'name', None)!r}")
    return gate
