"""Records as lines of JSON for a bundle: every field in its plain form, without any secret, always the same bytes."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from pydantic import BaseModel

REDACTED = "redacted"
"""Stands in a record from which something was taken out."""
_LINES = 200
"""How many go into one chunk."""


def plain(value: Any) -> Any:
    """A record in JSON's own values. Moments keep their microseconds, so that what is read again is equal."""
    if value is None or isinstance(value, str | bool | int | float):
        return _scalar(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return _other(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, StrEnum) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _other(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} has no plain form")


@dataclass(frozen=True)
class Lines:
    """Turns records into bytes. `redact` takes secrets out of any text."""

    redact: Callable[[str], str]

    def line(self, record: Any, **more: Any) -> bytes:
        """One record as one line of JSON."""
        value = plain(record) | plain(more)
        text = _dumped(value)
        # Without an escape in it the line holds every text as it is: looking through it once is enough.
        if "\\" in text or self.redact(text) != text:
            text = _dumped(self._clean(value))
        return text.encode("utf-8", "replace") + b"\n"

    def each(self, records: Iterable[Any]) -> Iterator[bytes]:
        """Many records, in chunks of lines."""
        found = iter(records)
        while part := [plain(one) for one in islice(found, _LINES)]:
            # Nearly always there is no secret in any of them, and looking once is much quicker than line by line.
            texts = [_dumped(one) for one in part]
            hidden = (text for one, line in zip(part, texts, strict=True) if "\\" in line for text in _texts(one))
            all_of_it = "\0".join((*texts, *hidden))
            if self.redact(all_of_it) == all_of_it:
                yield "".join(f"{line}\n" for line in texts).encode("utf-8", "replace")
            else:
                yield b"".join(self.line(one) for one in part)

    def _clean(self, value: dict[str, Any]) -> dict[str, Any]:
        """Without secrets, and marked where there was one."""
        found = "\0".join(_texts(value))
        if self.redact(found) == found:
            return value
        return {**self._cleaned(value), REDACTED: True}

    def content(self, raw: bytes) -> tuple[bytes, bool]:
        """A file without secrets, and whether it had one. Bytes that are no text go through as they are."""
        text = raw.decode("utf-8", "surrogateescape")
        cleaned = self.redact(text)
        return (raw, False) if cleaned == text else (cleaned.encode("utf-8", "surrogateescape"), True)

    def body(self, raw: bytes | None) -> dict[str, Any]:
        """The body of a request: as text where it is text, else in base64."""
        if raw is None:
            return {"body": None, "body_as": "none"}
        cleaned, had = self.content(raw)
        mark = {REDACTED: True} if had else {}
        try:
            return {"body": cleaned.decode("utf-8"), "body_as": "text", **mark}
        except UnicodeDecodeError:
            return {"body": base64.b64encode(cleaned).decode("ascii"), "body_as": "base64", **mark}

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(key): self._cleaned(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._cleaned(one) for one in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if self.redact(str(value)) == str(value) else self.redact(str(value))
        return value


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in it, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, int | float):
        yield str(value)
