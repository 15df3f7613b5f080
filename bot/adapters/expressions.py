"""Fills the templates in playbook values: expressions only, in a sandbox that reads facts and calls nothing.

The grammar is Jinja2's, cut down to a list of what is allowed: facts, literals, comparisons, arithmetic, `x if y
else z`, a few filters and tests, and `secret('NAME')`. There are no statements, loops, methods or attributes of
objects, so the usual ways out of a template sandbox cannot even be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.adapters.grammar import Part, Unfillable, parts, shown
from bot.domain.errors import StepFailed
from bot.ports import Secrets

MAX_OUTPUT = 64 * 1024
MAX_DEPTH = 40
HIDDEN = "***"

VARIABLES = ("service", "release", "target", "environment", "incident", "alert", "reason", "steps")
"""What a playbook's values may read, besides `secret(name)`."""


@dataclass(frozen=True)
class References:
    """What the templates in a value read."""

    variables: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    """Ids in `steps.<id>`."""
    secrets: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    """Keys in `target.<key>`."""

    def __or__(self, other: References) -> References:
        return References(
            self.variables | other.variables,
            self.steps | other.steps,
            self.secrets | other.secrets,
            self.targets | other.targets,
        )


def is_template(value: object) -> bool:
    """Whether this is text with at least one `{{`."""
    return isinstance(value, str) and "{{" in value


def references(value: Any) -> References:
    """What the templates anywhere in the value read; ValueError with one line where one cannot be understood."""
    found = References()
    for text in _texts(value):
        for part in _parts(text):
            if part.expression:
                found |= References(part.variables, part.steps, part.secrets, part.targets)
    return found


class SandboxedExpressions:
    """`bot.ports.Expressions` over these secrets. Templates are compiled once per process."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def fill(self, value: Any, facts: Mapping[str, Any], *, secrets: bool) -> Any:
        """The value with every template in it evaluated; keys of maps are never templates.

        Text that is one `{{ expression }}` and nothing else keeps the type of the expression's value; otherwise
        numbers and truth values are written as JSON writes them. Facts are data: a `{{` inside them stays as it is.
        StepFailed names the expression where a name is unknown, a value does not fit, or over 64 KiB come out.
        """
        secret = self._secrets.get if secrets else _hide
        return _Filling({**facts, "secret": secret}).value(value)

    def fill_marked(self, value: Any, facts: Mapping[str, Any], mark: Callable[[str], str]) -> Any:
        """The same, with `mark(NAME)` in the place of each secret."""
        return _Filling({**facts, "secret": mark}).value(value)

    def beginning(self, text: str, facts: Mapping[str, Any]) -> tuple[str, bool]:
        """As much of the text as these facts can fill, secrets hidden, and whether that is all of it."""
        filling = _Filling({**facts, "secret": _hide})
        done = ""
        for part in _parts(text):
            try:
                done += filling.text(part)
            except StepFailed:
                return done, False
        return done, True


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[Part, ...]:
    return parts(text)


def _texts(value: Any) -> Iterator[str]:
    if is_template(value) or (isinstance(value, str) and ("{%" in value or "{#" in value)):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _hide(_name: str) -> str:
    return HIDDEN


@dataclass
class _Filling:
    """One call of `fill`; counts what comes out."""

    names: Mapping[str, Any]
    size: int = field(default=0)

    def value(self, value: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise StepFailed("A value is nested too deeply to be filled")
        if isinstance(value, str):
            return self._filled(value)
        if isinstance(value, Mapping):
            return {key: self.value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, depth + 1) for item in value]
        return value

    def _filled(self, text: str) -> Any:
        if not any(mark in text for mark in ("{{", "{%", "{#")):
            return text
        try:
            found = _parts(text)
        except ValueError as error:
            raise StepFailed("A value cannot be filled", why=str(error)) from None
        if len(found) == 1 and found[0].expression:
            return self._evaluated(found[0])
        return "".join(self.text(part) for part in found)

    def text(self, part: Part) -> str:
        """The part as text; StepFailed where it has no obvious form as text."""
        if not part.expression:
            return part.text
        value = self._evaluated(part)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        if value is None:
            raise _failed(part, "it is null inside a text; add | default('…', true)")
        raise _failed(part, "it is a list or a map inside a text; add | tojson")

    def _evaluated(self, part: Part) -> Any:
        try:
            value = part.evaluate(self.names)
        except Unfillable as error:
            raise _failed(part, str(error)) from None
        self.size += _size(value)
        if self.size > MAX_OUTPUT:
            raise _failed(part, f"the filled values are larger than {MAX_OUTPUT // 1024} KiB")
        return value


def _failed(part: Part, why: str) -> StepFailed:
    return StepFailed(f"{shown(part.text)} cannot be filled", why=why)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(str(key)) + _size(item) for key, item in value.items())
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 8
