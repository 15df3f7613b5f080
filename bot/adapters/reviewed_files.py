"""Reviewed files of the configuration that gates read or run: by folder and name, nothing outside, nothing huge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bot.domain.errors import Refused

FOLDERS = ("scripts", "suites", "references", "evidence")
MOST_BYTES = 64 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class ConfigurationFiles:
    """`bot.ports.ReviewedFiles` over configuration folders; an earlier one wins."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    def read(self, folder: str, name: str) -> bytes:
        """The content of `folder/name`. Refused where there is no such file, or its name is none."""
        if folder not in FOLDERS or not _NAME.fullmatch(name):
            raise Refused(f"{folder}/{name} is no name of a reviewed file", next=f"folders are {', '.join(FOLDERS)}")
        for root in self._roots:
            path = root / folder / name
            # A link may lead anywhere, and what it leads to was not reviewed.
            if path.is_file() and path.resolve().is_relative_to((root / folder).resolve()):
                if path.stat().st_size > MOST_BYTES:
                    raise Refused(f"{folder}/{name} is larger than {MOST_BYTES // 1024**2} MiB")
                return path.read_bytes()
        raise Refused(f"There is no {folder}/{name} in the configuration", next="add the file, and have it reviewed")
