"""Kinds of evidence, how large it may be, and unpacking that a bomb cannot blow up."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.errors import BadInput

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_AT_ONCE = 1 << 16
_MOST_MEMBERS = 1000
_TYPES = {
    "application/json": "json",
    "application/schema+json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
_ENDINGS = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}


class Kind(StrEnum):
    """What the bytes are, once unpacked."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Limits:
    """How much one piece of evidence may hold; beyond any of these it is BadInput."""

    unpacked_bytes: int = 256 * 2**20
    rows: int = 5_000_000
    columns: int = 200
    cells: int = 20_000_000
    """Rows times columns: a file may be small and yet spread out to more than fits."""
    json_bytes: int = 16 * 2**20
    """One JSON value, unpacked: as Python values it takes up to 30 times as much."""
    line: int = 2**20
    """One line of NDJSON, or all lines of one row of CSV."""
    text: int = 10_000
    """Characters of one text."""
    watch: Callable[[], None] | None = None
    """Called again and again while rows are read; what it raises ends the reading."""


LIMITS = Limits()


def kind_of(*, name: str = "", content_type: str = "", raw: bytes = b"") -> Kind:
    """The kind by its first bytes (Parquet), its media type, or the end of its file name, `.gz` aside.

    BadInput where none of them tells.
    """
    if raw.startswith(_PARQUET):
        return Kind.PARQUET
    known = _TYPES.get(content_type.partition(";")[0].strip().lower())
    if known is None:
        bare = name.lower().removesuffix(".gz")
        known = next((kind for ending, kind in _ENDINGS.items() if bare.endswith(ending)), None)
    if known is None:
        raise BadInput(
            "The kind of this evidence is not known",
            why="neither its media type nor its name tells",
            next="name it .json, .ndjson, .csv or .parquet, each also with .gz, or send the media type",
        )
    return Kind(known)


def media_of(kind: Kind) -> str:
    """The media type of a kind."""
    return next(media for media, one in _TYPES.items() if one == kind)


def unpacked(raw: bytes, limits: Limits = LIMITS) -> bytes:
    """The bytes out of gzip (one member or several), or as they are where they are not packed.

    BadInput for more than the limit (found while unpacking, never after), damage, and anything behind the end.
    """
    if not raw:
        raise BadInput("The evidence is empty")
    if not raw.startswith(_GZIP):
        _refuse_large(len(raw), limits)
        return raw
    try:
        return b"".join(_members(raw, limits))
    except zlib.error as error:
        raise BadInput("The packed evidence is damaged", next="pack it again with gzip") from error


def _members(raw: bytes, limits: Limits) -> Iterator[bytes]:
    """The unpacked parts of each member in turn. Input goes in by small pieces: what is left of one is copied."""
    size, place = 0, 0
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if place >= len(raw):
                raise BadInput("The packed evidence ends too early", next="send the whole file again")
            rest = raw[place : place + _AT_ONCE]
            place += len(rest)
            while rest and not member.eof:
                part = member.decompress(rest, _AT_ONCE)
                size += len(part)
                _refuse_large(size, limits)
                yield part
                rest = member.unconsumed_tail
        place -= len(member.unused_data)
        if place >= len(raw):
            return
    raise BadInput("The packed evidence has too many parts", why=f"{_MOST_MEMBERS} are allowed", next="pack it at once")


def unpacked_json(raw: bytes, limits: Limits = LIMITS) -> bytes:
    """As `unpacked`, for one JSON value: its limit is lower."""
    return unpacked(raw, replace(limits, unpacked_bytes=min(limits.json_bytes, limits.unpacked_bytes)))


def _refuse_large(size: int, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise BadInput(
            "The evidence is too large",
            why=f"{limits.unpacked_bytes // 2**20 or limits.unpacked_bytes} "
            f"{'MiB' if limits.unpacked_bytes >= 2**20 else 'bytes'} are allowed once unpacked",
            next="send a sample, rows as NDJSON or Parquet instead of JSON, or figures instead of rows",
        )
