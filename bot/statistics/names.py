"""Names of slices and units as they are kept: short, and still different where they were different."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

LONGEST_NAME = 200
"""Characters of the name of a slice or unit; a longer one ends in a digest of the whole."""
DIGITS = 16


def short_names(names: Sequence[str]) -> Sequence[str]:
    """The names, longer ones cut to 200 characters: 183 of their own, a tilde, and 16 hexadecimal digits of SHA-256.

    Two long names that begin alike stay two, but for one chance in 2**64."""
    if max(map(len, filter(None, names)), default=0) <= LONGEST_NAME:
        return names
    return [_short(name) if name and len(name) > LONGEST_NAME else name for name in names]


def _short(name: str) -> str:
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
    return f"{name[: LONGEST_NAME - DIGITS - 1]}~{digest}"
