"""What every source's payload model is made of: strict fields for text, times, links and labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from bot.domain.errors import BadInput
from bot.domain.strict_json import parse_json
from bot.domain.times import parse_time

MAX_KEY = 512
"""Characters of a key that is stored as it is; SQL indexes cannot hold a hostile one of 200 KB."""


class Payload(BaseModel):
    """Root of every source's models: no value is coerced to another type, keys that are not known are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], raw: bytes) -> Model:
    """The body as this model; BadInput names the first field that does not fit."""
    return fit(model, parse_json(raw))


def fit(model: type[Model], value: object) -> Model:
    """Parsed JSON as this model; BadInput names the first field that does not fit, never what it held."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadInput("The body is not what this source sends", why=f"{place}: {first['msg']}") from error


def stated(text: str | None) -> str | None:
    """The text, or None where there is nothing in it."""
    return text if text is not None and text.strip() else None


def first_stated(*texts: str | None) -> str | None:
    """The first text with something in it."""
    return next((text for text in texts if stated(text)), None)


def key_text(text: str | None) -> str | None:
    """A sender's own key; one that is longer than any index takes is replaced by its digest."""
    if text is None or len(text) <= MAX_KEY:
        return stated(text)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def moment(value: object) -> datetime | None:
    """A time as aware UTC; None for null, "", the zero time of Go and .NET, and whatever cannot be read.

    Lenient on purpose: an alert whose start is garbled is still an alert.
    """
    if not isinstance(value, str):
        return None
    try:
        read_time = parse_time(value)
    except BadInput:
        return None
    return read_time if read_time.year >= 1970 else None


def as_text(value: object) -> str:
    """A label's value as text: JSON's own words for truth values, compact JSON for what has parts."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _texts(value: object) -> object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    return {key: as_text(one) for key, one in value.items() if one is not None}


def link(*candidates: str | None) -> str | None:
    """The first address that is safe to show as a link: http or https, a host, no credentials, no blanks."""
    return next((one for one in candidates if one and _is_web(one)), None)


def _is_web(text: str) -> bool:
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


Text = Annotated[str | None, AfterValidator(stated)]
"""Text, or None for null and for blank text."""

Key = Annotated[str | None, AfterValidator(key_text)]
"""A sender's own key: as `Text`, bounded."""

Moment = Annotated[datetime | None, BeforeValidator(moment)]
"""A time as aware UTC, or None where none can be read (see `moment`)."""

Texts = Annotated[Mapping[str, str], BeforeValidator(_texts)]
"""Labels or annotations: null means none, values become text, entries that are null are left out."""
