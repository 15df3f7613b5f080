"""Anchors of the audit chain, kept outside the database: a chain alone does not show that its end was cut off."""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "audit-heads"
_MOST = 10_000


def keep_head(folder: Path, head: tuple[int, str]) -> None:
    """Append one head, position and hash, and have it on disk before returning."""
    descriptor = os.open(folder / _NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{head[0]} {head[1]}\n".encode())
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def read_heads(folder: Path) -> list[tuple[int, str]]:
    """The newest heads that were kept, oldest first; none where this process has no such file."""
    try:
        lines = (folder / _NAME).read_text(encoding="ascii").splitlines()[-_MOST:]
    except OSError:
        return []
    pairs = [line.split(" ", 1) for line in lines if " " in line]
    return [(int(position), digest) for position, digest in pairs if position.isdigit()]
