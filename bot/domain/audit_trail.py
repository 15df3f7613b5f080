"""The ends of the audit trail: heads that are signed, kept elsewhere, and read back from wherever they were kept."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bot.domain.errors import BadInput
from bot.domain.records import AuditFault

START = "0" * 64
"""What the first row of the trail, and its first head, are chained to."""

Head = tuple[int, str]
"""A position of the chain and its hash."""

_LONGEST_TEXT = 64 * 1024 * 1024
_HEAD = re.compile(r"(?<![0-9A-Za-z])([0-9]{1,18})[: ]([0-9a-f]{64})(?![0-9A-Za-z])")


@dataclass(frozen=True)
class SignedHead:
    """Where the chain ended once, signed by a key that is not in the database. Each names the one before."""

    position: int
    hash: str
    at: str
    """ISO 8601, UTC, microseconds."""
    key_id: str
    previous: str
    """Digest of the head before; START for the first one."""
    signature: str = ""
    """Ed25519 over `content`, in hex."""

    @property
    def content(self) -> bytes:
        """What is signed."""
        parts = ("andon audit head", self.position, self.hash, self.at, self.key_id, self.previous)
        return "".join(f"{part}\n" for part in parts).encode("utf-8", "surrogatepass")

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all of it: the next head carries it, so that none can be changed or taken away."""
        return hashlib.sha256(self.content + self.signature.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def line(self) -> str:
        """One line for an anchor: position and hash first, as `read_heads` finds them, then all that was signed."""
        return (
            f"{self.position}:{self.hash} at {self.at} key {self.key_id} previous {self.previous} "
            f"signature {self.signature}"
        )


@dataclass(frozen=True)
class AuditReport:
    """What walking the trail has shown."""

    rows: int
    """Rows that are chained and were walked over."""
    heads: int
    head: SignedHead | None
    """The newest."""
    anchors: int
    """Heads from elsewhere that were held against the chain."""
    erased: int
    """Rows that were erased as the trail itself says."""
    fault: AuditFault | None = None


def parse_head(text: str) -> Head:
    """`POSITION:HASH`, as `andon audit head` prints it. BadInput where it is not."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text[:80]!r} is no head", next="write POSITION:HASH, as `andon audit head` prints it")
    return int(match[1]), match[2]


def find_heads(text: str) -> list[Head]:
    """Every head in a text: a file of anchors, or messages pasted out of a channel or a mailbox."""
    return [(int(match[1]), match[2]) for match in _HEAD.finditer(text[:_LONGEST_TEXT])]
