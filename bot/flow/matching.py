"""Finds the policies that an alert may be about without asking each one, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.policies import Policy

_LABEL = r"""alert\.labels(?:\.(\w+)|\[(?:"([\w.:/-]+)"|'([\w.:/-]+)')\])\s*==\s*(?:"([^"\\\r\n]*)"|'([^'\\\r\n]*)')"""
_ONE_LABEL = re.compile(_LABEL)
_SOME_LABEL = re.compile(rf"\s*{_LABEL}(?:\s*\|\|\s*{_LABEL})*\s*")
_FIRST_OF_ALL = re.compile(rf"\s*{_LABEL}\s*&&(?P<rest>.*)", re.DOTALL)

Pair = tuple[str, str]


def needed_labels(text: str) -> frozenset[Pair] | None:
    """Labels of which an alert must carry at least one for this condition to hold; None where that cannot be told.

    Only what is certain by its shape is told: `label == "text"`, several of these joined by `||`, or one of them
    followed by `&&` and words without `||` and `?`, which bind more loosely than `&&`."""
    if _SOME_LABEL.fullmatch(text):
        return frozenset(map(_pair, _ONE_LABEL.finditer(text)))
    first = _FIRST_OF_ALL.fullmatch(text)
    if first is None or "||" in first["rest"] or "?" in first["rest"]:
        return None
    return frozenset({_pair(first)})


class PolicyIndex:
    """Policies by the labels that they need. The condition itself is still judged for each one that is left."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by_label: dict[Pair, list[tuple[int, Policy]]] = {}
        self._always: list[tuple[int, Policy]] = []
        for entry in enumerate(policies):
            needed = needed_labels(entry[1].match.text)
            if needed is None:
                self._always.append(entry)
            for pair in needed or ():
                self._by_label.setdefault(pair, []).append(entry)

    def candidates(self, labels: Mapping[str, Any]) -> list[Policy]:
        """Every policy that these labels could match, and few others, in the order of the configuration."""
        found = dict(self._always)
        for name, value in labels.items():
            if isinstance(value, str):
                found.update(self._by_label.get((_as_judged(name), _as_judged(value)), ()))
        return [found[number] for number in sorted(found)]


def _pair(match: re.Match[str]) -> Pair:
    name = match[1] or match[2] or match[3]
    return name, match[4] if match[4] is not None else match[5]


def _as_judged(text: str) -> str:
    """Text as conditions see it: what is no text in UTF-8 is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
