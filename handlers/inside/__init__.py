"""Sources of the house itself: their events come from its own workers, and no address takes them."""

from __future__ import annotations

SOURCES = ("handlers.inside.canary:Canary",)
