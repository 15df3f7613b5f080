"""Finds the policies that an alert may be about without asking each one, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from bot.domain.decisions import alert_facts
from bot.domain.events import Alert
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
    """Policies by the labels that they need. Where a label is all that a condition is about, having it is the answer;
    every other condition that is left is judged."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by_label: dict[Pair, list[tuple[int, Policy]]] = {}
        self._always: list[tuple[int, Policy]] = []
        self._settled: set[int] = set()
        for number, policy in enumerate(policies):
            needed = needed_labels(policy.match.text)
            if needed is None:
                self._always.append((number, policy))
            elif _SOME_LABEL.fullmatch(policy.match.text):
                self._settled.add(number)
            for pair in needed or ():
                self._by_label.setdefault(pair, []).append((number, policy))

    def candidates(self, labels: Mapping[str, Any]) -> list[Policy]:
        """Every policy that these labels could match, and few others, in the order of the configuration."""
        return [policy for _, policy in self._found(labels)]

    def matching(self, alert: Alert) -> tuple[Policy, ...]:
        """The policies that an alert is about, in the order of the configuration."""
        found = self._found(alert.labels)
        if all(number in self._settled for number, _ in found):
            return tuple(policy for _, policy in found)
        facts = {"alert": alert_facts(alert)}
        return tuple(policy for number, policy in found if number in self._settled or policy.matches(facts))

    def _found(self, labels: Mapping[str, Any]) -> list[tuple[int, Policy]]:
        found = dict(self._always)
        for name, value in labels.items():
            if isinstance(value, str):
                found.update(self._by_label.get((_as_judged(name), _as_judged(value)), ()))
        return sorted(found.items(), key=itemgetter(0))


def _pair(match: re.Match[str]) -> Pair:
    name = match[1] or match[2] or match[3]
    return name, match[4] if match[4] is not None else match[5]


def _as_judged(text: str) -> str:
    """Text as conditions see it: what is no text in UTF-8 is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
