"""The keeper of a lease over a real store: when it renews, and when it refuses that work goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.alert_bodies import firing
from support.engine import Engine, running_engine
from support.installation import until

from bot.domain.errors import LeaseLost
from bot.domain.runs import Lease
from bot.flow.lease import LeaseKeeper

TTL = timedelta(seconds=1.5)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("leases")) as engine:
        yield engine


def claimed(engine: Engine, service: str, owner: str = "worker-of-the-test") -> Lease:
    """The lease of a fresh run."""
    if service not in engine.app.configuration.current.policies:
        engine.protect(service)
        engine.alert(firing(service))
    with engine.app.store.write() as tx:
        [run] = tx.active_runs((service,)).values()
        lease = tx.claim(run, owner, TTL)
    assert lease is not None
    return lease


def ends_at(engine: Engine, lease: Lease) -> object:
    with engine.app.store.read() as tx:
        living = tx.lease(lease.run_id)
    return living and living.expires_at


def test_a_fresh_lease_is_renewed_before_it_ends_and_not_at_once(engine: Engine) -> None:
    lease = claimed(engine, "fresh")
    keeper = LeaseKeeper(engine.app.store, engine.app.clock, TTL, engine.app.log)
    keeper.hold(lease, engine.app.clock.monotonic())
    threading.Event().wait(0.2)
    assert ends_at(engine, lease) == lease.expires_at
    until("it is renewed", lambda: ends_at(engine, lease) not in (None, lease.expires_at), seconds=3)
    keeper.guard(lease)
    keeper.drop()
    until("it ends once nobody holds it", lambda: ends_at(engine, lease) is None, seconds=5)


def test_a_lease_that_was_dropped_or_is_anothers_is_refused(engine: Engine) -> None:
    lease = claimed(engine, "refused")
    keeper = LeaseKeeper(engine.app.store, engine.app.clock, TTL, engine.app.log)
    with pytest.raises(LeaseLost):
        keeper.guard(lease)
    keeper.hold(lease, engine.app.clock.monotonic())
    keeper.guard(lease)
    with engine.app.store.write() as tx:
        assert lease.run_id in tx.release_leases_of(lease.owner)
    other = claimed(engine, "refused", "another-worker")
    assert other.fence > lease.fence

    def is_refused() -> bool:
        try:
            keeper.guard(lease)
        except LeaseLost:
            return True
        return False

    until("the keeper finds out", is_refused, seconds=5)
    assert ends_at(engine, other) == other.expires_at


def test_work_that_comes_back_after_the_time_of_its_lease_is_refused_before_any_call(engine: Engine) -> None:
    lease = claimed(engine, "slept")
    keeper = LeaseKeeper(engine.app.store, engine.app.clock, TTL, engine.app.log)
    # As if the process had stood still since the claim: its clock went on, its keeper had no chance to renew.
    keeper.hold(lease, engine.app.clock.monotonic() - TTL.total_seconds())
    with pytest.raises(LeaseLost, match="not held any more"):
        keeper.guard(lease)
    keeper.drop()
