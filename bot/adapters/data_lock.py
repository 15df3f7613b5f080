"""One `andon up` for each data folder: a lock that the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import ConfigError

NAME = "andon.lock"


@contextmanager
def locked(data: Path, *, address: str) -> Iterator[None]:
    """Hold the folder, made where missing; ConfigError that says who holds it, or why it cannot be written to."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(data / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"The data folder {data} cannot be used",
            why=error.strerror or type(error).__name__,
            next="name another one with ANDON_DATA",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _held(data, handle) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two holders lock two files of one name.
        os.close(handle)


def last_address(data: Path) -> str | None:
    """Where the `andon up` that holds this folder, or held it last, is reached; None where there was none."""
    try:
        address = json.loads((data / NAME).read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return address if isinstance(address, str) else None


def _held(data: Path, handle: int) -> ConfigError:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        who = f"process {int(holder['pid'])} serves it at {holder['address']!s}"
    except (ValueError, TypeError, KeyError):
        who = "another process holds it"
    return ConfigError(
        f"Andon already runs on {data}", why=who, next="stop that one first, or name another folder with ANDON_DATA"
    )
