"""State as bytes: a kind, a version and a compressed tree of JSON; nothing that could run when it is read."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAGIC = b"ANDS"
LARGEST = 64 * 2**20


def pack(kind: str, version: int, tree: dict[str, Any]) -> bytes:
    """`tree` (JSON values only) under a name and a version."""
    text = json.dumps({"kind": kind, "version": version, "state": tree}, separators=(",", ":"), allow_nan=False)
    return MAGIC + zlib.compress(text.encode(), 6)


def unpack(kind: str, version: int, data: bytes, older: tuple[int, ...] = ()) -> dict[str, Any]:
    """The tree that `pack` was given. BadInput where the bytes are no such state, of this version or an older one."""
    found = _tree(data)
    if found.get("kind") != kind or found.get("version") not in (version, *older):
        raise BadInput(
            f"The stored state is {found.get('kind')!r} version {found.get('version')!r}, not {kind!r} {version}",
            next="fold the kept batches again",
        )
    state = found.get("state")
    if not isinstance(state, dict):
        raise BadInput("The stored state holds nothing", next="fold the kept batches again")
    return state


def _tree(data: bytes) -> dict[str, Any]:
    reading = zlib.decompressobj()
    try:
        if data[:4] != MAGIC:
            raise ValueError("no such state")  # noqa: TRY301
        text = reading.decompress(data[4:], LARGEST)
        if not reading.eof:
            raise ValueError("cut short, or larger than a state can be")  # noqa: TRY301
        tree = json.loads(text)
    except (ValueError, zlib.error, RecursionError) as error:
        raise BadInput("The stored state cannot be read", why=str(error), next="fold the kept batches again") from error
    return tree if isinstance(tree, dict) else {}


def sparse(counts: Floats) -> list[list[int]]:
    """Whole numbers as [index, count] where there is one."""
    return [[int(index), int(counts[index])] for index in np.flatnonzero(counts)]


def dense(pairs: Any, length: int) -> Floats:
    """What `sparse` was given. BadInput for an index outside, or a count below 0."""
    counts: Floats = np.zeros(length)
    try:
        for index, count in pairs:
            if not (0 <= index < length and count >= 0):
                raise ValueError((index, count))  # noqa: TRY301
            counts[index] = int(count)
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise BadInput("The counts of a stored state make no sense", why=str(error)) from error
    return counts


def floats_out(values: Floats) -> str:
    """Floats as base64 of little-endian doubles, exactly."""
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()


def floats_in(text: str) -> Floats:
    """What `floats_out` was given. BadInput where it is no such text."""
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput("The numbers of a stored state cannot be read", why=str(error)) from error
