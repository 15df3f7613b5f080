"""What the store promises about leases and fences, by its own clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Thread

import pytest
from support.store_records import AT, run

from bot.adapters.sql import SqlStore
from bot.domain.errors import LeaseLost
from bot.domain.runs import Lease, Run, RunEvent

MINUTE = timedelta(minutes=1)
PAST = timedelta(seconds=-5)


@pytest.fixture
def one(store: SqlStore) -> Run:
    """A queued run."""
    one = run()
    with store.write() as tx:
        tx.add(one)
    return one


def _claim(store: SqlStore, run: Run, owner: str, ttl: timedelta = MINUTE) -> Lease | None:
    with store.write() as tx:
        return tx.claim(run, owner, ttl)


def _held(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def test_the_clock_is_aware_and_runs(store: SqlStore) -> None:
    first, own = store.now(), datetime.now(UTC)
    assert first.tzinfo is UTC
    assert abs(first - own) < MINUTE
    assert store.now() >= first


def test_a_live_lease_keeps_others_out(store: SqlStore, one: Run) -> None:
    before = store.now()
    lease = _held(_claim(store, one, "a"))
    assert lease.run_id == one.id
    assert lease.owner == "a"
    assert before + MINUTE <= lease.expires_at <= store.now() + MINUTE
    assert _claim(store, one, "b") is None
    assert _claim(store, one, "a") is None
    with store.read() as tx:
        assert tx.lease(one.id) == lease
        assert tx.lease("run-none") is None


def test_an_ended_lease_is_taken_over_with_a_higher_fence(store: SqlStore, one: Run) -> None:
    stale = _held(_claim(store, one, "a", PAST))
    with store.read() as tx:
        assert tx.lease(one.id) is None
    fresh = _held(_claim(store, one, "b"))
    assert fresh.fence > stale.fence
    with store.read() as tx:
        tx.confirm(fresh, live=True)
        with pytest.raises(LeaseLost):
            tx.confirm(stale, live=False)


def test_an_ended_lease_that_nobody_took_still_confirms_what_was_done(store: SqlStore, one: Run) -> None:
    lease = _held(_claim(store, one, "a", PAST))
    with store.write() as tx:
        tx.confirm(lease, live=False)
        with pytest.raises(LeaseLost):
            tx.confirm(lease, live=True)


def test_a_lease_of_another_owner_or_fence_is_lost(store: SqlStore, one: Run) -> None:
    lease = _held(_claim(store, one, "a"))
    for wrong in (replace(lease, owner="b"), replace(lease, fence=lease.fence + 1), replace(lease, run_id="run-x")):
        with store.write() as tx:
            with pytest.raises(LeaseLost):
                tx.confirm(wrong, live=False)
            with pytest.raises(LeaseLost):
                tx.renew(wrong, MINUTE)
            tx.release_lease(wrong)
    with store.read() as tx:
        assert tx.lease(one.id) == lease


def test_a_renewed_lease_ends_later(store: SqlStore, one: Run) -> None:
    lease = _held(_claim(store, one, "a"))
    with store.write() as tx:
        renewed = tx.renew(lease, 5 * MINUTE)
    assert renewed.expires_at > lease.expires_at + 3 * MINUTE
    assert replace(renewed, expires_at=lease.expires_at) == lease
    with store.read() as tx:
        assert tx.lease(one.id) == renewed


def test_a_lease_that_ended_cannot_be_renewed(store: SqlStore, one: Run) -> None:
    lease = _held(_claim(store, one, "a", PAST))
    with pytest.raises(LeaseLost), store.write() as tx:
        tx.renew(lease, MINUTE)


def test_fences_never_decrease_whatever_becomes_of_leases_and_runs(store: SqlStore, one: Run) -> None:
    fences: list[int] = []
    current = one
    for number in range(4):
        lease = _held(_claim(store, current, "a"))
        fences.append(lease.fence)
        with store.write() as tx:
            tx.release_lease(lease)
            tx.save_run(current, current.moved(RunEvent.CANCEL, AT))
            current = run(id=f"run-{number}")
            tx.add(current)
    assert fences == sorted(set(fences))
    elsewhere = run(environment="staging")
    with store.write() as tx:
        tx.add(elsewhere)
        assert _held(tx.claim(elsewhere, "a", MINUTE)).fence == 1


def test_a_released_lease_is_free_at_once(store: SqlStore, one: Run) -> None:
    first = _held(_claim(store, one, "a"))
    with store.write() as tx:
        tx.release_lease(first)
    second = _held(_claim(store, one, "b"))
    with store.write() as tx:
        tx.release_lease(first)  # late, by the one who had it before
    with store.read() as tx:
        assert tx.lease(one.id) == second


def test_leases_of_a_dead_owner_end_together(store: SqlStore, one: Run) -> None:
    two, three = run(environment="b"), run(environment="c")
    with store.write() as tx:
        tx.add(two, three)
    for held, owner in ((one, "dead"), (two, "dead"), (three, "alive")):
        assert _claim(store, held, owner)
    with store.write() as tx:
        assert set(tx.release_leases_of("dead")) == {one.id, two.id}
        assert tx.release_leases_of("dead") == []
    with store.read() as tx:
        assert tx.lease(one.id) is None
        assert _held(tx.lease(three.id)).owner == "alive"


def test_of_many_that_claim_at_once_one_gets_the_lease(
    store: SqlStore, open_another: Callable[[], SqlStore], one: Run
) -> None:
    stores = [store, open_another(), open_another()]
    for ttl in (PAST, PAST, MINUTE):  # each round begins with a lease that is over, or none
        start, leases = Barrier(9), list[Lease | None]()

        def claim(number: int, ttl: timedelta = ttl, start: Barrier = start, got: list[Lease | None] = leases) -> None:
            start.wait(10)
            got.append(_claim(stores[number % 3], one, f"worker-{number}", ttl))

        threads = [Thread(target=claim, args=(number,)) for number in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        got = [lease for lease in leases if lease]
        assert len(leases) == 9
        assert len({lease.fence for lease in got}) == len(got)
        if ttl is MINUTE:
            assert len(got) == 1


def test_a_claim_waits_for_the_transaction_that_confirms(
    store: SqlStore, open_another: Callable[[], SqlStore], one: Run
) -> None:
    lease = _held(_claim(store, one, "a", PAST))
    other, begun, claimed = open_another(), Event(), list[Lease | None]()

    def claim() -> None:
        begun.set()
        claimed.append(_claim(other, one, "b"))

    thread = Thread(target=claim)
    with store.write() as tx:
        tx.confirm(lease, live=False)
        thread.start()
        assert begun.wait(10)
        thread.join(0.3)
        assert not claimed  # the intent of the one before is committed first
        tx.save_run(one, one.moved(RunEvent.CLAIM, AT))
    thread.join(20)
    assert _held(claimed[0]).fence > lease.fence
