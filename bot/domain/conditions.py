"""Conditions as the domain sees them: already compiled, three-valued, never raising."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema


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


@dataclass(frozen=True)
class Compiled:
    """Marks a field as a condition over these variables, `Annotated[Condition, Compiled("alert")]`: text in YAML,
    a `Condition` in Python, text again in JSON.

    Validation needs `context={"compile": Compile}`; without it the field refuses, so nothing runs unchecked.
    """

    variables: frozenset[str]

    def __init__(self, *variables: str) -> None:
        object.__setattr__(self, "variables", frozenset(variables))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        as_text = core_schema.plain_serializer_function_ser_schema(lambda condition: condition.text)
        return core_schema.with_info_plain_validator_function(self._build, serialization=as_text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"}

    def _build(self, value: object, info: ValidationInfo) -> Condition:
        if not isinstance(value, str):
            raise ValueError("a condition is text: put it in quotes")  # noqa: TRY004 - pydantic reports ValueError only
        compile_: Compile | None = (info.context or {}).get("compile")
        if compile_ is None:
            raise ValueError("conditions need a compiler in the validation context")
        return compile_(value, self.variables)
