"""What the store promises about versions of policies and the alerts that they decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from support.crowds import at_once
from support.store_records import AT, decision, event, policy_version

from bot.adapters.sql import SqlStore
from bot.domain.decisions import Verdict
from bot.domain.errors import Conflict
from bot.domain.policy_versions import FileKind

HOUR = timedelta(hours=1)
TEXT = 'service: fraud-model\r\nsummary: "<!channel> 😀 \'; DROP TABLE policy_versions; -- {{ 7*7 }}"\r\n'
POLICY = (FileKind.POLICY, "fraud-model")


def test_a_version_comes_back_exactly_as_it_was_kept(store: SqlStore) -> None:
    one = policy_version(TEXT, diff="--- a\n+++ b\n+ß", previous="0" * 16, why="", reminded_at=AT)
    other = policy_version(
        "playbook: back\n", kind=FileKind.PLAYBOOK, name="back", commit=None, committed_at=None, author=None,
        reviewer=None, is_reviewed=False, dirty=True, why="it is in no commit",
    )  # fmt: skip
    with store.write() as tx:
        tx.add(one)
        tx.save(other)
    with store.read() as tx:
        assert tx.policy_versions(POLICY) == [one]
        assert tx.policy_version(one.digest) == one
        assert tx.policies_in_force() == [other, one]
        assert tx.policy_version("f" * 16) is None
        assert tx.policy_versions((FileKind.PLAYBOOK, "fraud-model")) == []
    assert one.is_whole


def test_one_version_of_a_file_is_in_force_whoever_writes_first(
    store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    stores = [store, open_another()]

    def put(number: int) -> str:
        version = policy_version(f"service: fraud-model # {number}\n")
        try:
            with stores[number % 2].write() as tx:
                tx.add(version)
        except Conflict:
            return "refused"
        return version.digest

    written = at_once([lambda number=number: put(number) for number in range(4)])  # type: ignore[misc]
    assert written.count("refused") == 3
    with store.read() as tx:
        assert [one.digest for one in tx.policies_in_force()] == [one for one in written if one != "refused"]


def test_a_version_ends_and_the_next_begins_in_one_commit(store: SqlStore) -> None:
    first = policy_version("service: fraud-model\n")
    second = policy_version("service: fraud-model # 2\n", in_force_since=AT + HOUR, previous=first.digest)
    with store.write() as tx:
        tx.save(first)
    ended = replace(first, ended_at=AT + HOUR)
    with store.write() as tx:
        tx.save(ended)
        tx.save(second)
    with store.read() as tx:
        assert tx.policy_versions(POLICY) == [second, ended]
        assert tx.policies_in_force() == [second]
    back = replace(first, in_force_since=AT + 2 * HOUR)
    with store.write() as tx:
        tx.save(replace(second, ended_at=AT + 2 * HOUR))
        tx.save(back)
    with store.read() as tx:
        assert [one.digest for one in tx.policy_versions(POLICY)] == [first.digest, second.digest]
        assert tx.policies_in_force() == [back]


def test_two_versions_in_force_of_one_file_are_refused(store: SqlStore) -> None:
    with store.write() as tx:
        tx.save(policy_version("service: fraud-model\n"))
    with pytest.raises(Conflict), store.write() as tx:
        tx.save(policy_version("service: fraud-model # 2\n"))


def test_decided_alerts_are_read_in_their_order_and_page_by_page(store: SqlStore) -> None:
    cause = event()
    made = [decision(cause, at=AT + number * HOUR, reason=str(number)) for number in range(5)]
    order = decision(cause, at=AT + 5 * HOUR, verdict=Verdict.ORDER, alert={})
    with store.write() as tx:
        tx.add(cause, *made, order)
    with store.read() as tx:
        first = tx.decided_alerts(since=AT + HOUR, limit=2)
        rest = tx.decided_alerts(since=AT + HOUR, after=first[-1][0], limit=10)
        assert [one for _, one in (*first, *rest)] == made[1:]
        assert tx.decided_alerts(since=AT + 6 * HOUR) == []
