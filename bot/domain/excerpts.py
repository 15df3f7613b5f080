"""Foreign text as it may be shown: the beginning of it, on one line, without the secrets that were sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SECRET_NAME = re.compile(r"auth|token|secret|key|cookie|password|credential|signature", re.IGNORECASE)
_SHORTEST_SECRET = 6
"""Shorter values are words that stand in every answer."""
HIDDEN = "[hidden]"


def excerpt(text: str, most: int = 200) -> str:
    """The beginning of a text, on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: most * 4]).split())
    return line if len(line) <= most else f"{line[:most]}…"


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The values of headers whose names tell that they are secret, with and without their scheme (`Bearer …`)."""
    found: set[str] = set()
    for name, value in headers.items():
        if _SECRET_NAME.search(name):
            found |= {value.strip(), value.strip().partition(" ")[2].strip()}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets: a server may send back what it was sent."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    return text


def hidden_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    """The same for bytes."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            content = content.replace(secret.encode("utf-8", "replace"), HIDDEN.encode())
    return content


def hidden_json(value: Any, secrets: Sequence[str]) -> Any:
    """The same for every text in plain JSON values."""
    if not secrets:
        return value
    if isinstance(value, str):
        return hidden(value, secrets)
    if isinstance(value, list):
        return [hidden_json(one, secrets) for one in value]
    if isinstance(value, dict):
        return {hidden(key, secrets): hidden_json(one, secrets) for key, one in value.items()}
    return value
