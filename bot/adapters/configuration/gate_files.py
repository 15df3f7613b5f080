"""Which reviewed files a gate names, by the markers of its parameter model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.adapters.configuration.shapes import marked
from bot.domain.stages import GateUse
from bot.gate_plugins import FileField, Gate


def files_of(use: GateUse, gates: Mapping[str, Gate]) -> Sequence[tuple[str, str]]:
    """(folder, name) of each; none of a gate that is not known."""
    gate = gates.get(use.use)
    found = marked(gate.Params, use.params) if gate else ()
    return [
        (marker.folder, value)
        for marker, _, value in found
        if isinstance(marker, FileField) and isinstance(value, str) and value
    ]
