"""The folder of runbooks: whole files, those of Andon alone, whatever else is there and whoever writes at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from support.crowds import at_once

from bot.adapters.runbook_folder import MARK, put_runbooks
from bot.domain.errors import ConfigError


def test_the_folder_has_the_runbooks_in_force_and_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    assert put_runbooks(folder, {"a.md": "one", "b.md": "two"}) == 2
    assert put_runbooks(folder, {"a.md": "one", "b.md": "two"}) == 0
    (folder / "notes.md").write_text("mine")
    (folder / "link.md").symlink_to(tmp_path / "elsewhere")
    before = (folder / "a.md").stat().st_mtime_ns
    assert put_runbooks(folder, {"a.md": "one", "c.md": "three"}) == 2
    assert sorted(one.name for one in folder.iterdir()) == ["a.md", "c.md", "link.md", "notes.md"]
    assert (folder / "a.md").stat().st_mtime_ns == before
    assert (folder / "c.md").read_text() == f"{MARK}\nthree"
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="ANDON_RUNBOOKS"):
        put_runbooks(tmp_path / "file", {"a.md": "one"})


def test_a_file_of_somebody_else_is_never_written_over_and_keeps_no_other_runbook_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    put_runbooks(folder, {"a.md": "one"})
    (folder / "b.md").write_text("mine")
    (folder / "c.md").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"b\.md, c\.md .*\n*.*Andon did not write"):
        put_runbooks(folder, {"a.md": "two", "b.md": "two", "c.md": "two"})
    assert (folder / "a.md").read_text() == f"{MARK}\ntwo"
    assert (folder / "b.md").read_text() == "mine"
    assert (folder / "c.md").is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_clocks_that_write_one_folder_at_once_leave_whole_files_and_none_in_between(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    written = [{f"{name}.md": f"{number}" * 200_000 for name in "abcd"} for number in range(6)]
    whole = {f"{MARK}\n{texts['a.md']}" for texts in written}

    def write(texts: dict[str, str]) -> None:
        for _ in range(5):
            put_runbooks(folder, texts)
            assert all((folder / name).read_text() in whole for name in texts)

    at_once([partial(write, texts) for texts in written])
    assert sorted(one.name for one in folder.iterdir()) == ["a.md", "b.md", "c.md", "d.md"]
