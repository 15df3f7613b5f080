"""The folder of runbooks: files appear whole or not at all, and only those that Andon wrote are ever removed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import ConfigError

MARK = "<!-- runbook by andon: it is written anew, changes by hand are lost -->"
"""The first line of each file here: what lacks it is somebody else's."""


def put_runbooks(folder: Path, texts: Mapping[str, str]) -> int:
    """Make the folder have exactly these texts besides what others keep there; how many files were written or removed.

    ConfigError where the folder cannot be written, and, once all others are, where a name is taken by somebody else."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stale = [one for one in folder.iterdir() if one.name not in texts and _is_ours(one)]
        taken = [name for name in texts if os.path.lexists(folder / name) and not _is_ours(folder / name)]
        changed = [name for name, text in texts.items() if name not in taken and _put(folder / name, f"{MARK}\n{text}")]
        for one in stale:
            one.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            f"The folder of runbooks {folder} cannot be written", why=why, next="set ANDON_RUNBOOKS"
        ) from error
    if taken:
        raise ConfigError(
            f"{', '.join(sorted(taken))} in the folder of runbooks {folder} is not written",
            why="a file of that name is there that Andon did not write",
            next="move it away, or set ANDON_RUNBOOKS",
        )
    return len(changed) + len(stale)


def _is_ours(path: Path) -> bool:
    if path.suffix not in (".md", ".html") or path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except FileNotFoundError:  # another clock removed it at this moment
        return False


def _put(path: Path, text: str) -> bool:
    """Whether it had to be written: beside, then moved into its place in one go."""
    raw = text.encode("utf-8", "replace")
    try:
        if path.read_bytes() == raw:
            return False
    except FileNotFoundError:
        pass
    # A name of its own: clocks in containers have the same process id, and the folder may be shared.
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with own.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return True
