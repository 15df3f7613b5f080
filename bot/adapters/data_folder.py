"""The data folder of the embedded default: its lock-free files, their modes, and the secrets made at first start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.domain.errors import ConfigError


def open_data_folder(folder: Path) -> Path:
    """Make the folder (mode 700) where it is missing; ConfigError where it cannot be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError(f"The data folder {folder} cannot be used", why=str(error), next="set ANDON_DATA") from error
    return folder


def kept_secret(path: Path, make: str) -> str:
    """The secret in this file; at the first start `make` with `{}` replaced by 256 random bits is written, mode 600."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    text = make.format(secrets.token_urlsafe(32))
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return text


def read_secret(path: Path) -> str | None:
    """The secret in this file, or None where there is no such file or it is not ours to read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
