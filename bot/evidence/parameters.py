"""Types of parameters that several gates share: numbers that are finite, counts, and names of evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StrictInt, StrictStr

from bot.domain.errors import BadInput
from bot.domain.fields import Name
from bot.domain.times import parse_duration


def _milliseconds(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a time is a number of milliseconds, or text like 250ms")  # noqa: TRY004 - pydantic's way
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value).total_seconds() * 1000
    except BadInput as error:
        raise ValueError(str(error)) from error


Limit = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""Any finite number."""
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
NotNegative = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Milliseconds = Annotated[float, BeforeValidator(_milliseconds), Field(allow_inf_nan=False, gt=0)]
"""A number of milliseconds, or text such as `250ms` or `1.5s`."""
Count = Annotated[StrictInt, Field(ge=1, le=10**12)]
Label = Annotated[StrictStr, Field(min_length=1, max_length=200)]
"""Free text: the name of a metric, a column, a slice or a feature."""
EvidenceName = Name
