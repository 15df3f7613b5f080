"""The state of a join as bytes, to be kept between folds: a version, packed JSON, and the hashes as they are."""

from __future__ import annotations

import json
import struct
import zlib
from collections import OrderedDict
from dataclasses import asdict, fields

from bot.domain.errors import BadInput
from bot.evidence.half_pairs import Half
from bot.evidence.joining import Counts, Joiner, Windows
from bot.evidence.key_memory import KeyMemory
from bot.evidence.plain_arrays import from_little, to_little

_MAGIC = b"ANDJ"
_VERSION = 1
_HEAD = struct.Struct("<4sHIII")
_HALF = [one.name for one in fields(Half)]


def to_bytes(joiner: Joiner) -> bytes:
    """Everything but the windows, which the policy states, and the labels that the last fold found.

    Head (magic, version, and the lengths of the first three parts), then: packed JSON of clock, counts, what waits and
    the answers that are kept for labels; packed times and plain hashes of those; plain hashes of what is remembered.
    """
    kept = joiner.unlabelled.values()
    told = {
        "clock": joiner.clock,
        "counts": asdict(joiner.counts),
        "waiting": [[getattr(half, name) for name in _HALF] for half in joiner.waiting.values()],
        "incumbent": [one[0] for one in kept],
        "candidate": [one[1] for one in kept],
    }
    parts = [
        zlib.compress(json.dumps(told, separators=(",", ":"), allow_nan=False).encode(), level=1),
        zlib.compress(to_little("d", [one[2] for one in kept]), level=1),
        to_little("Q", joiner.unlabelled),
    ]
    return b"".join((_HEAD.pack(_MAGIC, _VERSION, *map(len, parts)), *parts, joiner.memory.to_bytes()))


def from_bytes(raw: bytes, windows: Windows | None = None) -> Joiner:
    """The join that goes on where `to_bytes` left it. BadInput for bytes of another making or another version."""
    joiner = Joiner(windows)
    try:
        packed, times, hashes, remembered = _parts(raw)
        told = json.loads(zlib.decompress(packed))
        joiner.clock = told["clock"]
        joiner.counts = Counts(**told["counts"])
        joiner.waiting = OrderedDict((one[0], Half(*one)) for one in told["waiting"])
        seen = from_little("d", zlib.decompress(times))
        kept = zip(told["incumbent"], told["candidate"], seen, strict=True)
        joiner.unlabelled = OrderedDict(zip(from_little("Q", hashes), kept, strict=True))
        joiner.memory = KeyMemory.from_bytes(remembered, joiner.windows.remembered)
    except (ValueError, TypeError, LookupError, struct.error, zlib.error) as error:
        raise BadInput(
            "The kept state of the canary's join cannot be read",
            why="it is damaged, or was written by another version",
            next="start the canary's comparison anew",
        ) from error
    return joiner


def _parts(raw: bytes) -> list[bytes]:
    magic, version, *lengths = _HEAD.unpack_from(raw)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("another version")
    parts, at = [], _HEAD.size
    for length in lengths:
        parts.append(raw[at : at + length])
        at += length
    return [*parts, raw[at:]]
