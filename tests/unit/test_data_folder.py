"""The data folder: whole and the same for any number of processes that start at once."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from bot.adapters.data_folder import kept_secret, open_data_folder
from bot.adapters.signing import open_signing_key
from bot.domain.errors import ConfigError

AT_ONCE, TIMES = 8, 40
Found = TypeVar("Found")


def at_once(call: Callable[[], Found]) -> list[Found]:
    """What each of several threads that begin together found."""
    barrier = Barrier(AT_ONCE)

    def begin(_: int) -> Found:
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


def test_any_number_open_the_folder_at_once(tmp_path: Path) -> None:
    for number in range(TIMES):
        folder = tmp_path / str(number) / "var"
        assert at_once(partial(open_data_folder, folder)) == [folder] * AT_ONCE
        assert not list(folder.iterdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_all_read_the_one_secret_that_was_kept_first(tmp_path: Path) -> None:
    for number in range(TIMES):
        path = tmp_path / f"token-{number}"
        found = at_once(partial(kept_secret, path, "owner:admin:{}"))
        assert set(found) == {path.read_text("utf-8").strip()}
        assert len(found[0]) > len("owner:admin:") + 40
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == TIMES, "something else was left lying there"


def test_all_sign_with_the_one_key_that_was_kept_first(tmp_path: Path) -> None:
    ids = {key.id for key in at_once(lambda: open_signing_key(tmp_path, None))}
    assert ids == {open_signing_key(tmp_path, None).id}
    assert [one.name for one in tmp_path.iterdir()] == ["signing-key"]


def test_an_empty_secret_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n", "utf-8")
    with pytest.raises(ConfigError, match="empty"):
        kept_secret(tmp_path / "token", "{}")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="file/var cannot be used"):
        open_data_folder(tmp_path / "file" / "var")


def test_a_secret_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing/token cannot be made"):
        kept_secret(tmp_path / "missing" / "token", "{}")
