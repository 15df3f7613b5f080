"""Canaries in the store: batches in order and once, one fold at a time, and what is due to be folded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.sql import SqlStore
from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, CanaryVerdict, ObservationBatch
from bot.domain.errors import Conflict
from bot.domain.releases import Release, ReleaseStatus

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RELEASE = Release("rel-1", "fraud-model", "41", "42", NOW)


def batch(number: int, *, key: str = "", content: bytes = b"x" * 10) -> ObservationBatch:
    return ObservationBatch(f"obs-{number}", "rel-1", key or f"key-{number}", NOW, "text", "", f"sha-{number}", content)


@pytest.fixture
def opened(store: SqlStore) -> Canary:
    """A canary as it is stored."""
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(RELEASE)
    made = Canary("rel-1", "fraud-model", "canary", NOW, standing={"rule": {"tolerance": 0.02}})
    with store.write() as tx:
        assert tx.open_canary(made)
        assert not tx.open_canary(replace(made, phase="live"))
    return made


def test_a_batch_counts_once_and_is_found_by_its_key(store: SqlStore, opened: Canary) -> None:
    with store.write() as tx:
        assert tx.keep_batch(batch(1))
        assert not tx.keep_batch(batch(2, key="key-1"))
        assert tx.batch_with("rel-1", "key-1") == ("obs-1", "sha-1")
        assert tx.batch_with("rel-1", "key-2") is None
        assert tx.batch_with("rel-2", "key-1") is None


@pytest.mark.timeout(60)
def test_several_batches_of_the_largest_size_are_kept_in_one_commit(store: SqlStore, opened: Canary) -> None:
    content = bytes(range(256)) * 19_531
    with store.write() as tx:
        for number in range(3):
            assert tx.keep_batch(batch(number, content=content))
    with store.read() as tx:
        found = tx.unfolded_batches("rel-1", limit=9)
    assert [one.content == content for one in found] == [True, True, True]


@pytest.mark.timeout(60)
def test_a_fold_with_large_states_and_many_affected_predictions_is_saved(store: SqlStore, opened: Canary) -> None:
    large = bytes(range(256)) * 10_000
    with store.write() as tx:
        tx.fold_into(opened, replace(opened, comparison=large, joining=large, folded_at=NOW), [])
        tx.add(AffectedKeys("rel-1", NOW, 1, large))
    with store.read() as tx:
        found = tx.canary("rel-1")
        assert found is not None
        assert (found.comparison, found.joining) == (large, large)
        assert tx.affected_keys("rel-1")[0][1].content == large


def test_batches_come_in_the_order_of_arrival_as_many_as_fit(store: SqlStore, opened: Canary) -> None:
    with store.write() as tx:
        for number in (3, 1, 2):
            tx.keep_batch(batch(number))
    with store.read() as tx:
        assert [one.id for one in tx.unfolded_batches("rel-1", limit=9)] == ["obs-3", "obs-1", "obs-2"]
        assert [one.id for one in tx.unfolded_batches("rel-1", limit=9, most_bytes=25)] == ["obs-3", "obs-1"]
        assert [one.id for one in tx.unfolded_batches("rel-1", limit=9, most_bytes=1)] == ["obs-3"]
        assert tx.unfolded_batches("rel-2", limit=9, most_bytes=1) == []


def test_a_fold_that_saw_an_older_version_is_refused_and_marks_nothing(store: SqlStore, opened: Canary) -> None:
    with store.write() as tx:
        tx.keep_batch(batch(1))
    after = replace(opened, pairs=7, verdict=CanaryVerdict.EQUIVALENT, comparison=b"\x00c", joining=b"\x00j")
    with store.write() as tx:
        tx.fold_into(opened, replace(after, folded_at=NOW), [])
    with pytest.raises(Conflict), store.write() as tx:
        tx.fold_into(opened, replace(after, pairs=9, folded_at=NOW), ["obs-1"])
    with store.read() as tx:
        found, bare = tx.canary("rel-1"), tx.bare_canary("rel-1")
        assert tx.unfolded_releases() == ["rel-1"]
    assert found is not None
    assert bare is not None
    assert (found.version, found.pairs, found.comparison, found.joining) == (1, 7, b"\x00c", b"\x00j")
    assert bare == replace(found, comparison=b"", joining=b"")


@pytest.mark.parametrize(
    ("standing", "age", "status", "is_due"),
    [
        ({}, timedelta(days=1), ReleaseStatus.IN_FLIGHT, False),
        ({"waiting": 3}, timedelta(days=1), ReleaseStatus.IN_FLIGHT, True),
        ({"waiting": 3}, timedelta(0), ReleaseStatus.IN_FLIGHT, False),
        ({"owes": True}, timedelta(0), ReleaseStatus.HALTED, True),
        ({}, timedelta(0), ReleaseStatus.ROLLED_BACK, True),
        ({}, timedelta(0), ReleaseStatus.ENDORSED, True),
    ],
)
def test_a_canary_is_due_by_its_words_its_halves_and_its_end(
    store: SqlStore, opened: Canary, standing: dict[str, object], age: timedelta, status: ReleaseStatus, is_due: bool
) -> None:
    folded = replace(opened, standing=standing, folded_at=store.now() - age)
    with store.write() as tx:
        tx.fold_into(opened, folded, [])
        tx.save(replace(RELEASE, status=status))
    with store.read() as tx:
        assert tx.canaries_to_fold() == (["rel-1"] if is_due else [])
    with store.write() as tx:
        tx.fold_into(replace(folded, version=1), replace(folded, closed_at=NOW), [])
    with store.read() as tx:
        assert tx.canaries_to_fold() == []


def test_points_and_affected_predictions_come_oldest_first(store: SqlStore, opened: Canary) -> None:
    points = [CanaryPoint("rel-1", NOW, "canary", n, 0.1, None, None, CanaryVerdict.UNKNOWN) for n in (30, 60)]
    keys = [AffectedKeys("rel-1", NOW, n, bytes([n])) for n in (1, 2, 3)]
    with store.write() as tx:
        tx.add(*points, *keys)
    with store.read() as tx:
        assert tx.canary_points("rel-1") == points
        rows = tx.affected_keys("rel-1", limit=2)
        assert [one for _, one in rows] == keys[:2]
        assert [one for _, one in tx.affected_keys("rel-1", after=rows[-1][0])] == keys[2:]
