"""Bundles: everything that is recorded of one incident or release, as files that anybody can check and read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FORMAT = 1
"""Of what stands in a bundle; it grows where a reader of the one before would be wrong."""
EXPORTED = "bundle.exported"
"""The audit row of an export. It is in no bundle: else each export would change the next one."""

FILES = "files"
"""The folder of files that are kept under the SHA-256 of their content."""
TAKEN_OUT = ".redacted"
"""How the name of such a file ends where a secret was taken out, so that its content has another digest."""


class BundleKind(StrEnum):
    """What a bundle is about."""

    INCIDENT = "incident"
    RELEASE = "release"


@dataclass(frozen=True)
class Label:
    """Which bundle it is."""

    kind: BundleKind
    id: str
    service: str

    @property
    def folder(self) -> str:
        """The one folder that the bundle unpacks to."""
        return f"andon-{self.kind}-{self.id}"

    @property
    def file(self) -> str:
        """What the file is called where nobody says otherwise."""
        return f"{self.folder}.zip"


@dataclass(frozen=True)
class Piece:
    """One file of the payload: its path below `data/`, and its bytes as they come."""

    path: str
    chunks: Iterable[bytes]


@dataclass(frozen=True)
class Draft:
    """A bundle that is not written yet. The pieces come in the order of their paths, and can be read once."""

    label: Label
    pieces: Iterable[Piece]


@dataclass(frozen=True)
class Batch:
    """One accepted batch of observations, without its content."""

    id: str
    received_at: datetime
    media: str
    encoding: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Seal:
    """The place of an audit row in the chain."""

    position: int
    hash: str
    previous: str
    row_digest: str | None = None
    """SHA-256 of the row; none where it was chained before digests were kept."""


@dataclass(frozen=True)
class AuditRow:
    """One row of the audit trail exactly as it is stored: a digest is made of these very words."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: str
    """JSON text."""
    seal: Seal | None
    """None: it is not chained yet."""
    erased: int = 0
    """How often something of it was erased since: then it is not what its digest was made of."""
