"""The gates: one file per kind, each an executable check with one objective. Listing them imports none of them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.gate_plugins import Gate, GateParams
from bot.plugin_lists import PluginList, Plugins

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
_LIST = PluginList("gate", GATES, GROUP, ("summary", "title", "collect", "judge"), GateParams)


def open_gates() -> Mapping[str, Gate]:
    """The gates by name, each imported when it is first asked for. ConfigError for a doubled name, and then for one
    that breaks."""
    return Plugins(_LIST)


def load_gates() -> dict[str, Gate]:
    """The gates by name. ConfigError for a doubled name and for one that breaks while it loads."""
    return {name: _LIST.load(name, place) for name, place in list_gates().items()}


def list_gates() -> dict[str, str]:
    """`module:attribute` of every gate there is, by name, those of other packages included. Imports none."""
    return _LIST.places()
