"""Conditions as the domain sees them: already compiled, three-valued, never raising."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema


class Truth(StrEnum):
    """What a condition says of some facts. Unknown never fires a rollback and never passes a gate."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A truth with the reason for it when it is unknown, for the record."""

    truth: Truth
    why: str = ""

    def __bool__(self) -> bool:
        return self.truth is Truth.YES


class Condition(Protocol):
    """A compiled expression. `text` is what was written; both methods are pure and never raise."""

    @property
    def text(self) -> str: ...

    def judge(self, facts: Mapping[str, Any]) -> Finding:
        """Yes, no, or unknown with the reason (absent label, wrong type, not a truth value)."""
        ...

    def value(self, facts: Mapping[str, Any]) -> Any:
        """The value of the expression, or None where it cannot be evaluated."""
        ...


Compile = Callable[[str, frozenset[str]], Condition]
"""Turns text into a condition over the named variables; raises ValueError with one line when it cannot."""


def compiled(*variables: str) -> Any:
    """A pydantic field type: text in YAML, a `Condition` over `variables` in Python, text again in JSON.

    Validation needs `context={"compile": Compile}`; without it the field refuses, so nothing runs unchecked.
    """

    def build(value: object, info: ValidationInfo) -> Condition:
        if not isinstance(value, str):
            raise ValueError("a condition is text: put it in quotes")
        compile_: Compile | None = (info.context or {}).get("compile")
        if compile_ is None:
            raise ValueError("conditions need a compiler in the validation context")
        return compile_(value, frozenset(variables))

    return Annotated[
        Any,
        BeforeValidator(build),
        PlainSerializer(lambda condition: condition.text, return_type=str),
        WithJsonSchema({"type": "string"}),
    ]
