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

_MAGIC = b"ANDJ"
_VERSION = 1
_HEAD = struct.Struct("<4sHI")
_HALF = [one.name for one in fields(Half)]


def to_bytes(joiner: Joiner) -> bytes:
    """Everything but the windows, which the policy states, and the labels that the last fold found."""
    told = {
        "clock": joiner.clock,
        "counts": asdict(joiner.counts),
        "waiting": [[getattr(half, name) for name in _HALF] for half in joiner.waiting.values()],
        "unlabelled": [[hashed, *kept] for hashed, kept in joiner.unlabelled.items()],
    }
    packed = zlib.compress(json.dumps(told, separators=(",", ":"), allow_nan=False).encode(), level=1)
    return _HEAD.pack(_MAGIC, _VERSION, len(packed)) + packed + joiner.memory.to_bytes()


def from_bytes(raw: bytes, windows: Windows | None = None) -> Joiner:
    """The join that goes on where `to_bytes` left it. BadInput for bytes of another making or another version."""
    joiner = Joiner(windows)
    try:
        length = _packed_length(raw)
        told = json.loads(zlib.decompress(raw[_HEAD.size : _HEAD.size + length]))
        joiner.clock = told["clock"]
        joiner.counts = Counts(**told["counts"])
        joiner.waiting = OrderedDict((one[0], Half(*one)) for one in told["waiting"])
        joiner.unlabelled = OrderedDict((one[0], (one[1], one[2], one[3])) for one in told["unlabelled"])
        joiner.memory = KeyMemory.from_bytes(raw[_HEAD.size + length :], joiner.windows.remembered)
    except (ValueError, TypeError, LookupError, struct.error, zlib.error) as error:
        raise BadInput(
            "The kept state of the canary's join cannot be read",
            why="it is damaged, or was written by another version",
            next="start the canary's comparison anew",
        ) from error
    return joiner


def _packed_length(raw: bytes) -> int:
    magic, version, length = _HEAD.unpack_from(raw)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("another version")
    return int(length)
