"""The sweep rings before it keeps its books: a row that cannot be written about holds no run up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import store_records

from bot.adapters.identity import SystemClock
from bot.adapters.sql import open_store
from bot.flow.due import DueWork
from bot.flow.sweep import Sweep
from bot.ports import Bell


class Bells:
    """A queue that notes what was rung."""

    def __init__(self) -> None:
        self.rung: list[Bell] = []

    def ring(self, bells: Sequence[Bell]) -> bool:
        self.rung += bells
        return True

    def ping(self) -> bool:
        return True


class BrokenBooks:
    """Endings that cannot write about a late run."""

    def late(self, *_: Any) -> None:
        raise RuntimeError("this row cannot be written about")


def test_runs_are_rung_although_a_breach_cannot_be_recorded(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'andon.db'}")
    store.upgrade()
    past = datetime.now(UTC) - timedelta(minutes=10)
    late = store_records.run(accepted_at=past, deadline=past + timedelta(minutes=1))
    with store.write() as tx:
        tx.add(late)
    bells = Bells()
    books: Any = BrokenBooks()
    sweep = Sweep(
        store=store,
        queue=bells,
        due=DueWork(store, bells),
        clock=SystemClock(),
        endings=books,
        again=timedelta(seconds=5),
        keep_head=print,
    )
    try:
        with pytest.raises(RuntimeError, match="cannot be written about"):
            sweep.wake()
    finally:
        store.close()
    assert [bell.id for bell in bells.rung] == [late.id]
