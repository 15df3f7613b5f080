"""Takes secrets out of plain JSON before it is written: later, marks and escapes would stand inside of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[str], str]


def redacted(value: Any, redact: Redact) -> Any:
    """The same value with secrets hidden in every text, keys included; numbers stay numbers."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [redacted(one, redact) for one in value]
    if isinstance(value, Mapping):
        return {redact(name): redacted(one, redact) for name, one in value.items()}
    return value
