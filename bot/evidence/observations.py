"""A batch of observations as it comes in: bytes of NDJSON, gzip or not, become columns; what is broken stays aside."""

from __future__ import annotations

import zlib

from bot.domain.errors import BadInput
from bot.evidence.observation_columns import Observations
from bot.evidence.observation_rows import chunks_of
from bot.evidence.set_aside import Reason

MOST_SENT = 5_000_000
"""Bytes of one batch on the wire."""
MOST_UNPACKED = 64 * 1024 * 1024
MOST_LINES = 1_000_000

_NOT_EVEN_LINES = frozenset(
    (Reason.NOT_JSON, Reason.NOT_AN_OBJECT, Reason.BROKEN_TEXT, Reason.TOO_DEEP, Reason.TOO_LONG)
)


def parse_observations(body: bytes, *, encoding: str = "", unit: str = "") -> Observations:
    """NDJSON → columns. `encoding` is "" or gzip; `unit` is the name of the field that says session, user or block.

    A line that breaks a rule is set aside and counted. BadInput for a body that is too large, cannot be unpacked, is
    empty, or of which no line is an object of JSON.
    """
    if len(body) > MOST_SENT:
        raise BadInput(
            f"The batch has {len(body):,} bytes", why=f"{MOST_SENT:,} are allowed", next="send it in smaller batches"
        )
    return parse_lines(unpacked(body, encoding), unit=unit)


def parse_lines(text: bytes, *, unit: str = "") -> Observations:
    """Unpacked NDJSON → columns; BadInput as for a batch, without the limit on bytes."""
    if text.count(b"\n") >= MOST_LINES:
        raise BadInput(
            "The batch has too many lines", why=f"{MOST_LINES:,} are allowed", next="send it in smaller batches"
        )
    found = Observations()
    for chunk in chunks_of(text.removeprefix(b"\xef\xbb\xbf"), found.aside):
        found.add(chunk, unit)
    if not found.keys and not found.aside.counts:
        raise BadInput("The batch is empty", next="send one JSON object on each line")
    if not found.keys and found.aside.counts.keys() <= _NOT_EVEN_LINES:
        raise BadInput(
            "The batch is not NDJSON", why="no line is an object of JSON", next="send one JSON object on each line"
        )
    return found


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its gzip; every member of it, and never more than 64 MiB. BadInput when that cannot be."""
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise BadInput("The batch has an encoding that is not known", next="send it with gzip, or with none")
    parts: list[bytes] = []
    left = MOST_UNPACKED
    while body:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(body, left + 1)
        except zlib.error as error:
            raise BadInput("The batch is not gzip", why="its bytes cannot be unpacked") from error
        left -= len(part)
        if left < 0:
            raise BadInput(
                "The batch is too large when unpacked", why="64 MiB are allowed", next="send it in smaller batches"
            )
        if not unpacker.eof:
            raise BadInput("The batch is not whole", why="its gzip ends too early", next="send it again")
        parts.append(part)
        body = unpacker.unused_data
    return b"".join(parts)
