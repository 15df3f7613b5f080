"""Anchors of the audit chain, kept outside the database: a chain alone does not show that its end was cut off."""

from __future__ import annotations

import os
from pathlib import Path

from bot.domain.audit_trail import Head, find_heads
from bot.domain.errors import BadInput

_NAME = "audit-heads"
_MOST_BYTES = 1_000_000
"""Of the end of the file: some 12,000 heads."""


def keep_head(folder: Path, head: Head) -> None:
    """Append one head, position and hash, and have it on disk before returning."""
    append_line(folder / _NAME, f"{head[0]} {head[1]}")


def append_line(path: Path, line: str) -> None:
    """Append a line, and have it on disk before returning. OSError where that cannot be done."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def read_heads(folder: Path) -> list[Head]:
    """The newest heads that were kept, oldest first; none where this process has no such file."""
    try:
        with (folder / _NAME).open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES)
            file.seek(start)
            if start:
                file.readline()  # most likely cut: the end of a position would be read as another one
            return find_heads(file.read().decode("ascii", "replace"))
    except OSError:
        return []


def heads_in(path: Path) -> list[Head]:
    """Every head in a file: of anchors, or of messages pasted into it. BadInput where there is none."""
    try:
        found = find_heads(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read", why=error.strerror or str(error)) from error
    if not found:
        raise BadInput(f"No head of the audit trail is in {path}", next="a head is written POSITION:HASH")
    return found
