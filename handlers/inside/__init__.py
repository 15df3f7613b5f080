"""Sources of the house itself: their events come from its own workers, and no address takes them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import cast

from bot.plugins import AlertSource
from handlers.alerts import load_sources

SOURCES = ("handlers.inside.canary:Canary",)


def with_inside(sources: Mapping[str, AlertSource]) -> Mapping[str, AlertSource]:
    """These sources, as they are at each look, and the house's own."""
    return ChainMap(cast("dict[str, AlertSource]", sources), load_sources(SOURCES))
