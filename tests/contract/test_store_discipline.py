"""What the store promises about how restorations went, and about who was reminded to practise them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from support.drill_records import drill, ended_run, playbook_of_kind
from support.store_records import AT, approval, incident, notice

from bot.adapters.sql import SqlStore
from bot.domain.discipline import Attempt, DrillReminder, How, Practice, Result
from bot.domain.drills import DrillState
from bot.domain.records import ApprovalStatus
from bot.domain.runs import RunStatus

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE = AT - 90 * DAY


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


def test_drills_that_ended_are_told_with_what_was_measured_oldest_first(store: SqlStore) -> None:
    passed = drill(AT, seconds=192.5, human=True)
    unmeasured = drill(AT - HOUR, state=DrillState.ABORTED, injected_at=None, verified_at=None, why="its worker died")
    asked = drill(AT - 2 * HOUR, schedule="", injected_at=None, detected_at=AT - 3 * HOUR, verified_at=AT - 2 * HOUR)
    missed = drill(AT + HOUR, state=DrillState.MISSED, injected_at=None, verified_at=None, service="ranker")
    others = [
        drill(AT, state=DrillState.SKIPPED),
        drill(AT, state=DrillState.WITHDRAWN),
        drill(None, state=DrillState.PLANNED),
        drill(None, state=DrillState.RESTORING),
    ]
    with store.write() as tx:
        tx.add(passed, unmeasured, asked, missed, *others)
    with store.read() as tx:
        found = tx.attempts(since=SINCE)
        assert ids(found) == [asked.id, unmeasured.id, passed.id, missed.id]
        assert ids(tx.attempts(since=SINCE, service="ranker")) == [missed.id]
    first, second, third, _ = found
    assert (first.asked, first.seconds, first.result) == (True, 3600.0, Result.RESTORED)
    assert (second.result, second.seconds, second.why) == (Result.ABORTED, None, "its worker died")
    assert third == Attempt(
        How.DRILL, passed.id, "fraud-model", "staging", "rollback_model", AT, Result.RESTORED, 192.5, 300.0, human=True
    )


def test_a_missed_drill_that_does_not_say_when_it_ended_counts_from_when_it_was_to_begin(store: SqlStore) -> None:
    missed = drill(None, state=DrillState.MISSED, slot=AT, due_at=AT + HOUR)
    with store.write() as tx:
        tx.add(missed, drill(AT - HOUR))
    with store.read() as tx:
        assert [one.at for one in tx.attempts(since=SINCE)] == [AT - HOUR, AT + HOUR]


def test_real_rollbacks_are_those_that_ended_and_were_neither_drills_nor_of_another_kind(store: SqlStore) -> None:
    good, bad = ended_run(AT, seconds=61.25), ended_run(AT + HOUR, status=RunStatus.FAILED, error="refused")
    others = [
        ended_run(AT, drill=True),
        ended_run(AT, playbook=playbook_of_kind("promote")),
        ended_run(AT, playbook=playbook_of_kind("other")),
        ended_run(AT, status=RunStatus.CANCELLED),
        ended_run(AT, status=RunStatus.SUPERSEDED),
        ended_run(None, status=RunStatus.NEEDS_HUMAN),
    ]
    with store.write() as tx:
        tx.add(good, bad, *others)
    with store.read() as tx:
        restored, failed = tx.attempts(since=SINCE, service="fraud-model")
        assert tx.attempts(since=SINCE, service="ranker") == []
    assert restored == Attempt(
        How.ROLLBACK, good.id, "fraud-model", "production", "rollback_model", AT, Result.RESTORED, 61.25, 300.0
    )
    assert (failed.id, failed.result, failed.seconds, failed.why) == (bad.id, Result.FAILED, None, "refused")


def test_a_plan_with_hostile_text_in_it_is_read_like_any_other(store: SqlStore) -> None:
    hostile = playbook_of_kind("rollback", summary='\\u0000 "kind":"promote" \u2028 \x07 \\ \' "', name="by_hand")
    one = ended_run(AT, playbook=hostile)
    with store.write() as tx:
        tx.add(one)
    with store.read() as tx:
        assert ids(tx.attempts(since=SINCE)) == [one.id]


def test_of_what_is_older_only_the_last_of_each_playbook_and_outcome_is_told(store: SqlStore) -> None:
    old = [drill(SINCE - n * DAY) for n in range(1, 4)]
    failed = [drill(SINCE - n * DAY, state=DrillState.FAILED) for n in range(5, 7)]
    elsewhere = drill(SINCE - 40 * DAY, environment="sandbox")
    runs = [ended_run(SINCE - n * DAY) for n in range(1, 3)]
    at_the_edge = drill(SINCE)
    with store.write() as tx:
        tx.add(*old, *failed, elsewhere, *runs)
    with store.read() as tx:
        assert set(ids(tx.attempts(since=SINCE))) == {old[0].id, failed[0].id, elsewhere.id, runs[0].id}
    with store.write() as tx:
        tx.add(at_the_edge)
    with store.read() as tx:
        found = set(ids(tx.attempts(since=SINCE)))
    assert at_the_edge.id in found
    assert old[0].id not in found


def test_what_is_practised_has_its_first_slot_and_its_next_drill(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(
            drill(AT, slot=AT - 7 * DAY),
            drill(AT, slot=AT, state=DrillState.MISSED),
            drill(None, slot=AT + 14 * DAY, due_at=AT + 14 * DAY, state=DrillState.PLANNED),
            drill(None, slot=AT + 7 * DAY, due_at=AT + 7 * DAY + HOUR, state=DrillState.PLANNED),
            drill(AT, slot=AT - 30 * DAY, state=DrillState.SKIPPED),
            drill(AT, slot=AT - 40 * DAY, schedule=""),
            drill(AT, slot=AT, schedule="", playbook="by_hand"),
        )
    with store.read() as tx:
        by_playbook = {one.playbook: one for one in tx.practices("fraud-model")}
        assert len(tx.practices()) == 2
        assert tx.practices("ranker") == []
    assert by_playbook == {
        "rollback_model": Practice(
            "fraud-model", "staging", "rollback_model", AT - 7 * DAY, AT + 7 * DAY + HOUR
        ),
        "by_hand": Practice("fraud-model", "staging", "by_hand", None, None),
    }  # fmt: skip


def test_a_run_needed_a_person_who_asked_approved_answered_or_helped(store: SqlStore) -> None:
    trouble = incident()
    asked, approved, answered, helped, alone, by_itself = (ended_run(AT, incident_id=trouble.id) for _ in range(6))
    asked, approved = replace(asked, requested_by="olga"), replace(approved, approved_by="otto")
    said = approval(answered).answered(ApprovalStatus.APPROVED, "olga", AT)
    withdrawn = approval(by_itself).answered(ApprovalStatus.WITHDRAWN, "andon", AT)
    with store.write() as tx:
        tx.add(trouble, asked, approved, answered, helped, alone, by_itself)
        tx.add(said, withdrawn)
        tx.add(notice(name="needs_human", incident_id=trouble.id, run_id=helped.id))
        tx.add(notice(name="restored", incident_id=trouble.id, run_id=alone.id))
    everybody = ids([asked, approved, answered, helped, alone, by_itself])
    with store.read() as tx:
        assert tx.helped(everybody) == set(everybody[:4])
        assert tx.helped([]) == frozenset()


def test_a_reminder_comes_back_as_it_was_saved_last(store: SqlStore) -> None:
    first = DrillReminder("fraud-model", "staging", "rollback_model", "overdue:never", AT)
    later = replace(first, trouble="failed:drl-1", told_at=AT + timedelta(microseconds=1))
    other = replace(first, service="ranker")
    with store.write() as tx:
        tx.save(first, other)
    with store.write() as tx:
        tx.save(later)
    with store.read() as tx:
        assert tx.drill_reminders("fraud-model") == [later]
        assert set(tx.drill_reminders()) == {later, other}


def test_fifty_services_with_ten_thousand_drills_and_runs_are_read_in_one_go(
    store: SqlStore, rng: Random, record_property: Callable[[str, object], None]
) -> None:
    made = [_some(rng, f"service-{number % 50}") for number in range(10_000)]
    for start in range(0, len(made), 1_000):
        with store.write() as tx:
            tx.add(*made[start : start + 1_000])
    begun = time.perf_counter()
    with store.read() as tx:
        found, practices = tx.attempts(since=SINCE), tx.practices()
    seconds = time.perf_counter() - begun
    record_property("seconds", round(seconds, 3))
    print(f"{len(found)} attempts of 50 services out of 10,000 records: {seconds:.3f} s")
    # Half of them are drills, and all lie within the ninety days.
    assert len(found) == 10_000
    assert len(practices) == 50


def _some(rng: Random, service: str) -> Any:
    at, seconds = AT - rng.random() * 80 * DAY, rng.uniform(20, 400)
    if rng.random() < 0.5:
        return drill(at, service=service, seconds=seconds)
    return ended_run(at, service=service, seconds=seconds)
