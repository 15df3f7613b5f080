"""What the store promises about signs of life, and about what happened within a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from support.crowds import at_once
from support.store_records import AT, approval, audit_entry, event, incident, new_id, release, run

from bot.adapters.sql import SqlStore
from bot.domain.drills import Drill
from bot.domain.gates import GateResult, GateVerdict
from bot.domain.pulses import Part, Pulse
from bot.domain.records import ApprovalStatus
from bot.domain.walks import ReleaseKind, Walk

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def found(store: SqlStore, part: str = Part.SWEEP) -> Pulse | None:
    with store.read() as tx:
        return tx.pulses().get(part)


def test_the_newest_sign_of_life_of_each_part_is_kept(store: SqlStore) -> None:
    with store.read() as tx:
        assert tx.pulses() == {}
    with store.write() as tx:
        tx.save(Pulse(Part.SWEEP, AT, "one:1"), Pulse(Part.OTHER, AT + MINUTE, "two:2", AT, "a problem", AT))
    with store.write() as tx:
        tx.save(Pulse(Part.SWEEP, AT + MINUTE, "three:3"))
    assert found(store) == Pulse(Part.SWEEP, AT + MINUTE, "three:3")
    assert found(store, Part.OTHER) == Pulse(Part.OTHER, AT + MINUTE, "two:2", AT, "a problem", AT)


def test_of_many_clocks_one_takes_the_turn_and_the_next_comes_when_it_is_over(
    open_another: Callable[[], SqlStore], store: SqlStore
) -> None:
    stores = [open_another() for _ in range(5)]

    def take(index: int, now: datetime) -> bool:
        with stores[index].write() as tx:
            return tx.claim_pulse(Part.HEARTBEAT, now, now + MINUTE, f"clock:{index}")

    for slot in range(3):
        now = AT + slot * MINUTE
        assert sum(at_once([partial(take, index, now) for index in range(5)])) == 1
    assert not take(0, AT + 2 * MINUTE + MINUTE / 2)
    assert found(store, Part.HEARTBEAT).at is None  # type: ignore[union-attr]


def test_a_turn_that_a_clock_from_the_future_took_holds_nobody_up(store: SqlStore) -> None:
    def take(now: datetime, by: str) -> bool:
        with store.write() as tx:
            return tx.claim_pulse(Part.HEARTBEAT, now, now + MINUTE, by)

    assert take(AT + 365 * DAY, "wrong")
    assert take(AT, "right")
    assert not take(AT + MINUTE / 2, "another")  # nobody's turn is taken away that ends when a turn may end
    assert take(AT + 5 * MINUTE, "a little ahead")
    assert not take(AT + MINUTE, "right")


def test_a_silence_is_told_by_one_and_anew_after_it_was_broken(
    open_another: Callable[[], SqlStore], store: SqlStore
) -> None:
    stores = [open_another() for _ in range(5)]

    def tell(index: int, before: datetime) -> bool:
        with stores[index].write() as tx:
            return tx.claim_silence(Part.WATCHDOG, before, AT + DAY)

    assert not tell(0, AT)
    with store.write() as tx:
        tx.save(Pulse(Part.WATCHDOG, AT))
    assert not tell(0, AT)
    assert sum(at_once([partial(tell, index, AT + MINUTE) for index in range(5)])) == 1
    assert found(store, Part.WATCHDOG) == Pulse(Part.WATCHDOG, AT, told_at=AT + DAY)
    with store.write() as tx:
        tx.save(Pulse(Part.WATCHDOG, AT + 2 * MINUTE))
    assert not tell(0, AT + MINUTE)
    assert tell(1, AT + 3 * MINUTE)


def test_the_audit_of_a_time_has_what_begins_so_and_nothing_at_its_end(store: SqlStore, rng: random.Random) -> None:
    actions = ["order.halt", "orderly.halt", "order_.halt", "refused.lift", "step.outcome", "policy.in_force"]
    rows = [
        audit_entry(number, action=rng.choice(actions), at=AT + rng.randrange(-3, 4) * MINUTE) for number in range(60)
    ]
    with store.write() as tx:
        tx.add(*rows)
    wanted = [
        one for one in rows if AT - MINUTE <= one.at < AT + MINUTE and one.action.startswith(("order.", "refused."))
    ]
    with store.read() as tx:
        entries = [one for _, one in tx.audit_between(AT - MINUTE, AT + MINUTE, ("order.", "refused."))]
        assert entries == wanted
        earlier = [one for one in rows if one.action == "order.halt" and one.at < AT]
        assert tx.newest_audit("order.halt", AT) == (earlier[-1] if earlier else None)
        assert tx.newest_audit("order.nothing", AT) is None


def test_approvals_of_a_time_were_asked_or_answered_in_it(store: SqlStore) -> None:
    trouble, cause = incident(), event()
    work = run(incident_id=trouble.id, event_id=cause.id)
    answered = {"status": ApprovalStatus.APPROVED, "answered_by": "olga", "answered_at": AT}
    before = approval(work, asked_at=AT - DAY, **{**answered, "answered_at": AT - MINUTE})
    late = approval(work, asked_at=AT - MINUTE, **answered)
    fresh = approval(work, asked_at=AT + MINUTE)
    after = approval(work, asked_at=AT + DAY)
    with store.write() as tx:
        tx.add(cause, trouble, work, before, late, fresh, after)
    with store.read() as tx:
        assert tx.approvals_between(AT, AT + DAY) == [
            (work.service, work.environment, late),
            (work.service, work.environment, fresh),
        ]


def test_drills_of_a_time_are_those_of_its_slots_wherever_they_were_moved(store: SqlStore) -> None:
    def drill(slot: datetime, due_at: datetime) -> Drill:
        made = new_id("drl")
        return Drill(made, made, "fraud-model", "staging", "back", "0", slot, due_at, 300.0)

    first, moved, other = drill(AT, AT), drill(AT + MINUTE, AT + 2 * DAY), drill(AT + DAY, AT)
    with store.write() as tx:
        tx.add(other, moved, first)
    with store.read() as tx:
        assert tx.drills_between(AT, AT + DAY) == [first, moved]


def test_verdicts_are_counted_by_gate_and_release(store: SqlStore) -> None:
    one, other = release(), release(service="ranker")

    def result(of: object, verdict: GateVerdict, minutes: int, name: str = "errors") -> GateResult:
        return GateResult(
            id=new_id("gat"), release_id=of.id, service=of.service, stage="canary", position=0,  # type: ignore[attr-defined]
            use="metric", name=name, params={}, verdict=verdict, why="", at=AT + minutes * MINUTE, code_version="1",
        )  # fmt: skip

    with store.write() as tx:
        tx.add(one, other)
        tx.add(
            result(one, GateVerdict.FAIL, 1), result(one, GateVerdict.FAIL, 3), result(one, GateVerdict.PASS, 4),
            result(one, GateVerdict.UNKNOWN, 2), result(other, GateVerdict.FAIL, 5, "latency"),
            result(one, GateVerdict.FAIL, -1), result(one, GateVerdict.FAIL, 60),
        )  # fmt: skip
    with store.read() as tx:
        found = tx.gate_tallies(AT, AT + 60 * MINUTE, (GateVerdict.FAIL, GateVerdict.UNKNOWN))
    shown = {(row.release_id, row.name, row.verdict): (row.count, row.first_at, row.last_at) for row in found}
    assert shown == {
        (one.id, "errors", GateVerdict.FAIL): (2, AT + MINUTE, AT + 3 * MINUTE),
        (one.id, "errors", GateVerdict.UNKNOWN): (1, AT + 2 * MINUTE, AT + 2 * MINUTE),
        (other.id, "latency", GateVerdict.FAIL): (1, AT + 5 * MINUTE, AT + 5 * MINUTE),
    }


def test_emergencies_of_a_time_are_those_that_were_started_in_it(store: SqlStore) -> None:
    urgent, usual, early = release(opened_at=AT), release(opened_at=AT), release(opened_at=AT - MINUTE)
    walks = [
        Walk(one.id, one.service, "olga", "d" * 16, "p" * 64, kind)
        for one, kind in (
            (urgent, ReleaseKind.EMERGENCY),
            (usual, ReleaseKind.STANDARD),
            (early, ReleaseKind.EMERGENCY),
        )
    ]
    walks[0] = replace(walks[0], second_person="otto", retrospective_due_at=AT + DAY)
    with store.write() as tx:
        tx.add(urgent, usual, early, *walks)
    with store.read() as tx:
        assert tx.emergencies_between(AT, AT + DAY) == [(urgent, walks[0])]
