"""The data folder of the embedded default: its lock-free files, their modes, and the secrets made at first start."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from bot.domain.errors import ConfigError


def open_data_folder(folder: Path) -> Path:
    """Make the folder (mode 700) where it is missing; ConfigError where it cannot be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A file that only this process knows: any number of them look at once.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"The data folder {folder} cannot be used", why=str(error), next="set ANDON_DATA") from error
    return folder


def kept_secret(path: Path, make: str) -> str:
    """The secret in this file; at the first start `make` with `{}` replaced by 256 random bits is written, mode 600.

    ConfigError where the file is there and holds nothing: an empty secret would let anybody in."""
    if not path.exists():
        keep_first(path, make.format(secrets.token_urlsafe(32)).encode() + b"\n")
    found = path.read_text(encoding="utf-8").strip()
    if not found:
        raise ConfigError(f"The secret in {path} cannot be used", why="the file is empty", next="delete the file")
    return found


def keep_first(path: Path, content: bytes) -> None:
    """Make the file with this content, mode 600, whole and on the disk, unless there is one by then.

    Written beside and linked into place: whoever reads it, of however many that make one at once, reads the first.
    ConfigError where it cannot be made."""
    try:
        descriptor, own = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(own, path)
        finally:
            Path(own).unlink()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be made", why=str(error), next="set ANDON_DATA to a folder on a disk that has hard links"
        ) from error


def read_secret(path: Path) -> str | None:
    """The secret in this file, or None where there is no such file or it is not ours to read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
