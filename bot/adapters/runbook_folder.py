"""The folder of runbooks: files appear whole or not at all, and only those that Andon wrote are ever removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import ConfigError

MARK = "<!-- runbook by andon: it is written anew, changes by hand are lost -->"
"""The first line of each file here: what lacks it is somebody else's."""


def put_runbooks(folder: Path, texts: Mapping[str, str]) -> int:
    """Make the folder have exactly these texts besides what others keep there; how many files were written or removed.

    ConfigError where the folder cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stale = [one for one in folder.iterdir() if one.name not in texts and _is_ours(one)]
        changed = [name for name, text in texts.items() if _put(folder / name, f"{MARK}\n{text}")]
        for one in stale:
            one.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            f"The folder of runbooks {folder} cannot be written", why=why, next="set ANDON_RUNBOOKS"
        ) from error
    return len(changed) + len(stale)


def _is_ours(path: Path) -> bool:
    if path.suffix not in (".md", ".html") or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _put(path: Path, text: str) -> bool:
    """Whether it had to be written: beside, then moved into its place in one go."""
    raw = text.encode("utf-8", "replace")
    try:
        if path.read_bytes() == raw:
            return False
    except FileNotFoundError:
        pass
    own = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with own.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return True
