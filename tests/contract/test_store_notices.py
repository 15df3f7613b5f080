"""What the store promises about notices and approvals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

from support.store_records import AT, approval, incident, notice, run

from bot.adapters.sql import SqlStore
from bot.domain.records import ApprovalStatus, Notice, NoticeStatus

MINUTE = timedelta(minutes=1)


def test_a_notice_comes_back_as_it_was_added(store: SqlStore) -> None:
    trouble, doing = incident(), run()
    one = notice(incident_id=trouble.id, run_id=doing.id, facts={"seconds": 1.5, "names": ["é"]}, medium="mail")
    with store.write() as tx:
        tx.add(one, doing, trouble, notice(id="ntc-0"))
    with store.read() as tx:
        assert tx.notice(one.id) == one
        assert tx.notices(incident_id=trouble.id) == [one]
        assert [row.id for row in tx.notices()] == ["ntc-0", one.id]
        assert len(tx.notices(limit=1)) == 1
        assert tx.notice("ntc-none") is None


def test_due_notices_are_those_whose_time_has_come(store: SqlStore) -> None:
    now = store.now()
    first = notice()
    retry = notice(due_at=AT + MINUTE).failed("no", retry_at=AT + 2 * MINUTE)
    with store.write() as tx:
        tx.add(
            retry,
            first,
            notice(due_at=now + MINUTE),
            notice().failed("no", retry_at=now + MINUTE),
            notice().failed("no", retry_at=None),
            notice().sent("s", "b", AT),
            notice(status=NoticeStatus.SUPERSEDED),
        )
    with store.read() as tx:
        assert tx.due_notices(limit=9) == [first.id, retry.id]
        assert tx.due_notices(limit=1) == [first.id]


def test_a_notice_that_is_due_now_can_be_taken_at_once(store: SqlStore) -> None:
    for _ in range(20):
        one = notice(due_at=store.now() + timedelta(milliseconds=5))  # a clock that runs a little ahead
        with store.write() as tx:
            tx.add(one)
        with store.write() as tx:
            assert tx.claim_notice(one.id, "worker", MINUTE) == one


def test_a_taken_notice_is_for_one_worker_until_its_time_is_over(store: SqlStore) -> None:
    one, other = notice(), notice()
    with store.write() as tx:
        tx.add(one, other)
    with store.write() as tx:
        assert tx.claim_notice(one.id, "a", MINUTE) == one
        assert tx.claim_notice(one.id, "b", MINUTE) is None
        assert tx.due_notices(limit=9) == [other.id]
        assert tx.claim_notice(other.id, "a", -MINUTE) == other
        assert tx.claim_notice(other.id, "b", MINUTE) == other
        assert tx.claim_notice("ntc-none", "b", MINUTE) is None


def test_a_sent_notice_is_not_due_and_a_failed_one_is_free_again(store: SqlStore) -> None:
    one, two = notice(), notice()
    with store.write() as tx:
        tx.add(one, two)
    with store.write() as tx:
        assert tx.claim_notice(one.id, "a", MINUTE)
        assert tx.claim_notice(two.id, "a", MINUTE)
        tx.save(one.sent("subject", "body", AT), two.failed("mail is away", retry_at=AT))
    with store.write() as tx:
        assert tx.notice(one.id) == one.sent("subject", "body", AT)
        assert tx.claim_notice(one.id, "a", MINUTE) is None
        assert tx.claim_notice(two.id, "b", MINUTE) == two.failed("mail is away", retry_at=AT)


def test_of_many_workers_one_gets_the_notice(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    one = notice()
    with store.write() as tx:
        tx.add(one)
    stores, start, got = [store, open_another()], Barrier(6), list[Notice]()

    def take(number: int) -> None:
        start.wait(10)
        with stores[number % 2].write() as tx:
            got.extend(filter(None, [tx.claim_notice(one.id, f"w{number}", MINUTE)]))

    threads = [Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got == [one]


def test_approvals_are_kept_oldest_first_and_changed_by_their_answer(store: SqlStore) -> None:
    doing = run()
    first = approval(doing, step_id="accept", requested_by="token-lead", then="escalate")
    second = approval(doing, asked_at=AT + MINUTE)
    with store.write() as tx:
        tx.add(second, first, doing)
    answered = first.answered(ApprovalStatus.APPROVED, "lead", AT + MINUTE)
    with store.write() as tx:
        tx.save(answered)
    with store.read() as tx:
        assert tx.approvals(doing.id) == [answered, second]
        assert tx.approvals("run-none") == []


def test_approvals_lapse_by_the_clock_of_the_database(store: SqlStore) -> None:
    doing = run()
    lapsed = approval(doing)
    with store.write() as tx:
        tx.add(
            doing,
            lapsed,
            approval(doing, expires_at=AT.replace(year=2999)),
            approval(doing).answered(ApprovalStatus.REJECTED, "lead", AT),
            approval(doing, status=ApprovalStatus.EXPIRED),
        )
    with store.read() as tx:
        assert tx.lapsed_approvals() == [lapsed]
    with store.write() as tx:
        tx.save(replace(lapsed, status=ApprovalStatus.EXPIRED))
        assert tx.lapsed_approvals() == []
