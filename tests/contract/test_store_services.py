"""What the store promises about services, the switch for everything, releases, incidents and access."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event, Thread

import pytest
from support.store_records import AT, event, incident, release, timeline_entry

from bot.adapters.sql import SqlStore
from bot.domain.access import Access, AccessKind
from bot.domain.errors import Conflict
from bot.domain.events import Role
from bot.domain.incidents import IncidentStatus, Severity
from bot.domain.releases import Automation, ReleaseStatus, Service


def test_services_are_made_where_new_and_keep_what_is_saved(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.lock_services([]) == {}
        assert tx.lock_services(["b", "a", "a"]) == {"a": Service("a"), "b": Service("b")}
        tx.save(Service("b").halted("token-lead", "it lies", AT))
    with store.write() as tx:
        assert tx.lock_services(["b"])["b"].halt_reason == "it lies"
        tx.save(Service("c", hands_off_until=AT, hands_off_by="x", hands_off_reason="y", release_id="rel-1"))
    with store.read() as tx:
        assert [one.name for one in tx.services()] == ["a", "b", "c"]
        assert tx.service("b") == Service("b").halted("token-lead", "it lies", AT)
        assert tx.service("none") is None


def test_a_locked_service_waits_for_the_first_transaction(
    store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    other, has_begun, seen = open_another(), Event(), list[Service]()

    def second() -> None:
        has_begun.set()
        with other.write() as tx:
            seen.append(tx.lock_services(["fraud-model"])["fraud-model"])

    thread = Thread(target=second)
    with store.write() as tx:
        service = tx.lock_services(["fraud-model"])["fraud-model"]
        thread.start()
        assert has_begun.wait(10)
        thread.join(0.3)  # as long as this transaction lasts the other one must not come through
        assert not seen
        tx.save(service.halted("first", "reason", AT))
    thread.join(20)
    assert [one.halted_by for one in seen] == ["first"]


def test_transactions_that_want_the_same_services_in_different_orders_never_block_each_other(
    store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    stores, start = [store, open_another()], Barrier(4)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        start.wait(10)
        try:
            for turn in range(15):
                names = [f"s{turn}-{one}" for one in range(6)]
                with stores[number % 2].write() as tx:
                    tx.lock_services(names if number < 2 else names[::-1])
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    with store.read() as tx:
        assert len(tx.services()) == 90


def test_automation_is_on_until_somebody_turns_it_off(store: SqlStore) -> None:
    off = Automation(on=False, changed_by="token-lead", changed_at=AT, reason="freeze")
    with store.write() as tx:
        assert tx.automation() == Automation()
        tx.save(off)
    with store.write() as tx:
        assert tx.automation() == off
        tx.save(Automation())
    with store.read() as tx:
        assert tx.automation() == Automation()


def test_the_newest_release_of_each_service_counts_whatever_its_status(store: SqlStore) -> None:
    old = release(opened_at=AT - timedelta(days=1))
    new = release(candidate="43").rolled_back(AT)
    other = release(service="ranking")
    with store.write() as tx:
        tx.add(new, old, other)
    with store.write() as tx:
        assert tx.latest_releases(["fraud-model", "ranking", "none"]) == {"fraud-model": new, "ranking": other}
        assert tx.latest_releases([]) == {}
        tx.save(replace(other, status=ReleaseStatus.HALTED), release(id="rel-zz", service="third"))
    with store.read() as tx:
        assert tx.release(other.id) == replace(other, status=ReleaseStatus.HALTED)
        assert tx.latest_releases(["third"])["third"].id == "rel-zz"
        assert tx.release("rel-none") is None


def test_a_place_has_one_open_incident(store: SqlStore) -> None:
    first = incident()
    with store.write() as tx:
        tx.add(first, incident(environment="staging"), incident(service="ranking"))
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(incident())
    closed = replace(first, status=IncidentStatus.RESOLVED, resolved_at=AT, revision=2)
    second = incident(previous_id=first.id)
    with store.write() as tx:
        tx.save(closed)
        tx.add(second)
    with store.read() as tx:
        found = tx.open_incidents(["fraud-model"])
        assert {place: one.id for place, one in found.items()}["fraud-model", "production"] == second.id
        assert len(found) == 2
        assert tx.incident(first.id) == closed
        assert tx.latest_resolved(("fraud-model", "production")) == closed
        assert tx.latest_resolved(("fraud-model", "staging")) is None


def test_the_latest_resolved_incident_is_the_one_that_ended_last(store: SqlStore) -> None:
    ended = [
        incident(status=IncidentStatus.RESOLVED, resolved_at=AT + timedelta(minutes=minutes)) for minutes in (1, 5, 3)
    ]
    with store.write() as tx:
        tx.add(*ended)
    with store.read() as tx:
        assert tx.latest_resolved(("fraud-model", "production")) == ended[1]


def test_an_environment_may_be_hostile_and_long(store: SqlStore) -> None:
    names = ["x" * 100_000 + "1", "x" * 100_000 + "2", "a/b", "\x00"]
    with store.write() as tx:
        tx.add(*(incident(environment=name) for name in names))
    with store.read() as tx:
        found = tx.open_incidents(["fraud-model"])
    assert {environment for _, environment in found} == {*names[:3], "\ufffd"}
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(incident(environment=names[0]))


def test_incidents_are_listed_newest_first_by_service_and_status(store: SqlStore) -> None:
    many = [incident(id=f"inc-{number}", environment=f"e{number}") for number in range(6)]
    done = incident(id="inc-9", status=IncidentStatus.RESOLVED, resolved_at=AT, service="ranking")
    with store.write() as tx:
        tx.add(*many, done)
    with store.read() as tx:
        assert tx.incidents(limit=3) == [done, many[5], many[4]]
        assert tx.incidents(limit=2, before="inc-4") == [many[3], many[2]]
        assert tx.incidents(limit=9, service="ranking") == [done]
        assert tx.incidents(limit=9, status=IncidentStatus.OPEN) == many[::-1]
        assert tx.incident("inc-none") is None


def test_an_incident_is_saved_with_all_its_fields(store: SqlStore) -> None:
    one, cause = incident(), event()
    with store.write() as tx:
        tx.add(cause, one)
    changed = replace(
        one.with_alert(Severity.SEV_1, AT), release_id="rel-1", event_id=cause.id, title="ü\u2028", previous_id="inc-0"
    )
    with store.write() as tx:
        tx.save(changed)
    with store.read() as tx:
        assert tx.incident(one.id) == changed


def test_lines_of_one_moment_keep_the_order_in_which_they_were_written(store: SqlStore) -> None:
    one = incident()
    lines = [timeline_entry(one, f"line {number}", id=f"tml-{9 - number}") for number in range(5)]
    early = timeline_entry(one, "early", at=AT - timedelta(seconds=1), actor="x", run_id="run-1", link="https://x")
    with store.write() as tx:
        tx.add(one, *lines)
    with store.write() as tx:
        tx.add(early)
    with store.read() as tx:
        assert tx.timeline(one.id) == [early, *lines]
        assert tx.timeline("inc-none") == []


def _access(kind: AccessKind, digest: str, store: SqlStore, seconds: int) -> Access:
    return Access(digest, kind, "token-lead", Role.ADMIN, "csrf", store.now() + timedelta(seconds=seconds))


def test_a_session_holds_until_its_end_or_until_it_is_ended(store: SqlStore) -> None:
    session = _access(AccessKind.SESSION, "live", store, 600)
    with store.write() as tx:
        tx.add(session, _access(AccessKind.SESSION, "over", store, -1), _access(AccessKind.LINK, "l", store, 9))
    with store.write() as tx:
        assert tx.access("live") == session
        assert tx.access("over") is None
        assert tx.access("l") is None
        tx.end_access("live")
    with store.read() as tx:
        assert tx.access("live") is None


def test_a_link_is_spent_once_by_one_of_many(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    link = _access(AccessKind.LINK, "link", store, 600)
    with store.write() as tx:
        tx.add(link, _access(AccessKind.LINK, "late", store, -1), _access(AccessKind.SESSION, "s", store, 9))
    stores, start, won = [store, open_another()], Barrier(6), list[Access]()

    def spend(number: int) -> None:
        start.wait(10)
        with stores[number % 2].write() as tx:
            won.extend(filter(None, [tx.spend_link("link")]))

    threads = [Thread(target=spend, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert won == [link]
    with store.write() as tx:
        assert tx.spend_link("late") is None
        assert tx.spend_link("s") is None
