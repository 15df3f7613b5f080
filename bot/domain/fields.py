"""Field types that policies, playbooks and orders share: names, durations, strict models."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictStr,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bot.domain.errors import BadInput
from bot.domain.times import format_duration, parse_duration

LONGEST = timedelta(days=3660)
"""The longest duration a file may name; ten years."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("a name starts with a letter or digit, then letters, digits, '.', '_' or '-', 64 at most")
    return value


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("a duration is written like 30s, 5m or 2h")  # noqa: TRY004 - pydantic reports ValueError only
    try:
        duration = parse_duration(value)
    except BadInput as error:
        raise ValueError(str(error)) from error
    if duration > LONGEST:
        raise ValueError(f"{value!r} is too long: {LONGEST.days}d at most")
    return duration


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("a duration above zero is needed here")
    return value


def _version(value: object) -> object:
    if not isinstance(value, str):
        # YAML reads 1.10 as the number 1.1: whoever reports this quotes what was written.
        raise PydanticCustomError("version", "a version is a string: write it in quotes")
    if not value or len(value) > 200 or any(character.isspace() for character in value):
        raise ValueError("a version has 1 to 200 characters and no spaces")
    return value


Name = Annotated[StrictStr, AfterValidator(_name)]
Digest = Annotated[StrictStr, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Version = Annotated[str, BeforeValidator(_version)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30s", "5m", "2h"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as they would be written in the file."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Part(BaseModel):
    """Strict and frozen; texts are kept as they were written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)
