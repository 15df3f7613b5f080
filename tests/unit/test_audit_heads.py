"""The file of heads in the data folder: only whole lines of it are anchors."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters import audit_heads
from bot.adapters.audit_heads import keep_head, read_heads

HASH = "c0de" * 16


@pytest.mark.parametrize("cut", range(1, 12))
def test_of_a_long_file_no_head_is_read_whose_line_was_cut(tmp_path: Path, cut: int) -> None:
    first, last = (987_654_321, HASH), (987_654_322, HASH)
    keep_head(tmp_path, first)
    lines = 1 + audit_heads._MOST_BYTES // 75
    with (tmp_path / "audit-heads").open("a", encoding="ascii") as file:
        file.writelines(f"{last[0]} {HASH}\n" for _ in range(lines))
    size = (tmp_path / "audit-heads").stat().st_size
    # Bytes of something else before them, so that the part that is read begins within a line.
    start = size - audit_heads._MOST_BYTES
    line = len(f"{last[0]} {HASH}\n")
    with (tmp_path / "audit-heads").open("ab") as file:
        file.write(b"\n" * ((cut - start) % line))
    assert set(read_heads(tmp_path)) <= {first, last}


def test_of_a_short_file_every_head_is_read(tmp_path: Path) -> None:
    heads = [(number, HASH) for number in (1, 22, 333)]
    for head in heads:
        keep_head(tmp_path, head)
    assert read_heads(tmp_path) == heads
