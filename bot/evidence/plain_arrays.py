"""Numbers as bytes and back: little-endian, 8 bytes each, the same on every machine."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from typing import Any


def to_little(code: str, numbers: Iterable[Any]) -> bytes:
    """Numbers of one type code of `array`, Q or d."""
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def from_little(code: str, raw: bytes) -> array[Any]:
    """What `to_little` gave; ValueError when the length cannot be right."""
    packed = array(code)
    packed.frombytes(raw)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed
