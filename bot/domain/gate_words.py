"""Gates in words, for people who read what a release has to pass: what is measured, and what is demanded of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.stages import GateUse

_MOST_PARTS = 6
_LONGEST = 60
_OPEN = "{{"
"""An expression has no value yet, and may have a secret one later."""


def gate_words(use: GateUse) -> str:
    """`metric f1, at least 0.9, max drop 0.02`; in front of it the gate's own name, where the policy gives one."""
    said = ", ".join(list(_parts(use))[:_MOST_PARTS])
    whole = said if said.startswith(f"{use.use} ") else f"{use.use}: {said}" if said else use.use
    return f"{use.name} ({whole})" if use.name else whole


def checklist_items(use: GateUse) -> list[tuple[str, str]]:
    """Name and role of each item that this gate wants signed; none of any other kind of gate."""
    found = use.params.get("items") if use.use == "checklist" else None
    listed = found if isinstance(found, Sequence) and not isinstance(found, str) else ()
    named = [one for one in listed if isinstance(one, Mapping) and "name" in one]
    return [(str(one["name"]), str(one.get("role") or "")) for one in named]


def _parts(use: GateUse) -> Iterator[str]:
    items = checklist_items(use)
    if items:
        yield "signed: " + ", ".join(f"{name} by {role}" if role else name for name, role in items)
    # The order of a file is lost where a policy is pinned: what it looks at comes first, what it demands after.
    for key in sorted(use.params, key=lambda key: (key != use.use, not isinstance(use.params[key], str), key)):
        if shown := _shown(use.params[key]):
            yield f"{key.replace('_', ' ')} {shown}"


def _shown(value: Any) -> str:
    """Numbers, yes and no, and short words; queries, addresses and documents are read on the page."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and _OPEN not in value and "://" not in value:
        return value
    return ""
