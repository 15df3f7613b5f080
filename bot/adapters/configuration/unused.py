"""Parts of a policy that are valid but that this version does not act on yet: one table, made to shrink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.adapters.configuration.reader import Document, Path_
from bot.adapters.configuration.sentences import dotted
from bot.domain.errors import Fault

NOT_YET: tuple[tuple[str, ...], ...] = (("fallbacks",),)
"""Keys from the root of a policy; `*` is every key or position, `key=value` only that value."""


def unused_parts(document: Document) -> list[Fault]:
    """A warning for each part of the policy that nothing acts on yet. Empty parts ask for nothing."""
    places = [place for pattern in NOT_YET for place in _places(document.value, pattern, ())]
    return [document.fault(place, f"{dotted(place)} is valid but nothing acts on it yet") for place in places]


def _places(value: Any, pattern: tuple[str, ...], path: Path_) -> Iterator[Path_]:
    if not pattern:
        if value not in (None, [], {}):
            yield path
        return
    key, _, wanted = pattern[0].partition("=")
    for name, item in _items(value):
        if key in ("*", name) and (not wanted or item == wanted):
            yield from _places(item, pattern[1:], (*path, name))


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
