"""What the store promises about the watch over a restored state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.store_records import AT, incident

from bot.adapters.sql import SqlStore
from bot.domain.watches import Watch, WatchState


def test_a_watch_comes_back_as_it_was_saved_last(store: SqlStore) -> None:
    trouble, other = incident(), incident(environment="staging")
    first = Watch(trouble.id, "fraud-model", "production", "run-1", AT, AT, AT, 600.0)
    figures = {"0": {"query": "q", "condition": "value < 1.0", "value": 0.1, "low": -0.5, "high": 1e-9, "samples": 3}}
    later = replace(
        first, run_id="run-2", looked_at=AT + timedelta(microseconds=1), alerts=2, state=WatchState.FAILING,
        held_seconds=0.123456789, good_at=AT, unknowns=4, problem="`q` is 2", told="failing", stable_at=AT,
        metrics=figures,
    )  # fmt: skip
    with store.write() as tx:
        tx.add(trouble, other)
        tx.save(first)
    with store.read() as tx:
        assert tx.watch(trouble.id) == first
    with store.write() as tx:
        tx.save(later)
    with store.read() as tx:
        assert tx.watch(trouble.id) == later
        assert tx.watch(other.id) is None
