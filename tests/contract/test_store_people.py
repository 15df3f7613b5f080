"""What the store promises about facts, minutes with their history, meetings, and who is to hear next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from support.store_records import AT, incident, new_id

from bot.adapters.sql import SqlStore
from bot.domain.attachments import kept_file
from bot.domain.errors import Conflict
from bot.domain.incidents import Incident
from bot.domain.meetings import Meeting, MeetingStatus
from bot.domain.minutes import Minute, MinuteChange, MinuteKind, MinuteStatus
from bot.domain.report_facts import Fact

HOUR = timedelta(hours=1)
HOSTILE = "<!channel> \u202e 😀 '; DROP TABLE minutes; -- {{ 7*7 }}"


@pytest.fixture
def trouble(store: SqlStore) -> Incident:
    """An incident that everything here is about."""
    made = incident()
    with store.write() as tx:
        tx.add(made)
    return made


def minute(of: Incident, **changes: Any) -> Minute:
    values: dict[str, Any] = {
        "id": new_id("min"),
        "incident_id": of.id,
        "service": of.service,
        "kind": MinuteKind.ACTION_ITEM,
        "status": MinuteStatus.OPEN,
        "text": "Pin the feature",
        "by": "U0LEAD",
        "at": AT,
    }
    return Minute(**values | changes)


def meeting(of: Incident, **changes: Any) -> Meeting:
    values: dict[str, Any] = {
        "id": new_id("mtg"),
        "incident_id": of.id,
        "service": of.service,
        "uid": "mtg-1@andon.example.com",
        "status": MeetingStatus.PROPOSED,
        "starts_at": AT + HOUR,
        "ends_at": AT + 2 * HOUR,
        "called_by": "olga",
        "called_at": AT,
    }
    return Meeting(**values | changes)


def fact(of: Incident, field: str, value: Any, **changes: Any) -> Fact:
    values: dict[str, Any] = {
        "id": new_id("fct"),
        "incident_id": of.id,
        "field": field,
        "value": value,
        "source": "said",
        "at": AT,
    }
    return Fact(**values | changes)


def test_a_minute_comes_back_as_it_was_added_and_as_it_was_changed(store: SqlStore, trouble: Incident) -> None:
    held = meeting(trouble, status=MeetingStatus.STARTED, started_at=AT)
    one = minute(
        trouble,
        text=HOSTILE,
        owner="lead@example.com",
        due_at=AT + HOUR,
        due_text="in an hour",
        options=("41", "42"),
        reason="ß",
        evidence="https://example.com/?a=1&b=2",
        source={"medium": "slack", "line": 7, "quote": HOSTILE},
        source_key="slack:C0:1.2",
        meeting_id=held.id,
        remind_at=AT,
    )
    with store.write() as tx:
        tx.add(held, one)
    with store.read() as tx:
        assert tx.minute(one.id) == one
        assert tx.minute_from("slack:C0:1.2") == one
        assert tx.minute("min-none") is None
        assert tx.minute_from("slack:C0:9.9") is None
    done = one.ended(MinuteStatus.DONE, AT + HOUR, answer="done", answered_by="olga")
    with store.write() as tx:
        tx.save(done)
    with store.read() as tx:
        assert tx.minutes(trouble.id) == [done]
        assert tx.minutes("inc-none") == []


def test_minutes_are_listed_oldest_first_and_only_those_of_their_incident(store: SqlStore, trouble: Incident) -> None:
    other = incident(service="elsewhere")
    made = [minute(trouble, kind=kind) for kind in MinuteKind]
    with store.write() as tx:
        tx.add(other, *made, minute(other))
    with store.read() as tx:
        assert tx.minutes(trouble.id) == made


def test_one_message_gives_one_minute_whoever_writes_first(
    store: SqlStore, open_another: Callable[[], SqlStore], trouble: Incident
) -> None:
    stores, start = [store, open_another()], Barrier(6)
    kept, refused = list[str](), list[str]()

    def record(number: int) -> None:
        one = minute(trouble, source_key="slack:C0:1.2")
        start.wait(10)
        try:
            with stores[number % 2].write() as tx:
                tx.add(one)
            kept.append(one.id)
        except Conflict:
            refused.append(one.id)

    threads = [Thread(target=record, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(kept), len(refused)) == (1, 5)
    with store.read() as tx:
        assert [one.id for one in tx.minutes(trouble.id)] == kept


def test_any_number_of_minutes_came_from_nowhere_in_particular(store: SqlStore, trouble: Incident) -> None:
    with store.write() as tx:
        tx.add(minute(trouble), minute(trouble), minute(trouble))
    with store.read() as tx:
        assert len(tx.minutes(trouble.id)) == 3


def test_the_history_of_a_minute_is_kept_in_its_order(store: SqlStore, trouble: Incident) -> None:
    one = minute(trouble)
    changes = [
        MinuteChange(one.id, AT, "olga", what, {"text": HOSTILE, "n": number}, {"options": ["a"], "owner": None})
        for number, what in enumerate(("recorded", "amended", "amended", "withdrawn"))
    ]
    with store.write() as tx:
        tx.add(one, *changes[:2])
    with store.write() as tx:
        tx.add(*changes[2:])
    with store.read() as tx:
        assert tx.minute_changes(one.id) == changes
        assert tx.minute_changes("min-none") == []


def test_those_are_due_whose_reminder_has_come(store: SqlStore, trouble: Incident) -> None:
    now = store.now()
    late, due = minute(trouble, remind_at=now - HOUR), minute(trouble, remind_at=now - 2 * HOUR)
    later = minute(trouble, remind_at=now + HOUR)
    with store.write() as tx:
        tx.add(late, due, later, minute(trouble))
    with store.read() as tx:
        assert tx.due_minutes() == [due, late]
        assert tx.next_told() == due.remind_at
    with store.write() as tx:
        tx.save(replace(late, remind_at=None), replace(due, remind_at=None))
    with store.read() as tx:
        assert tx.due_minutes() == []
        assert tx.next_told() == later.remind_at


def test_an_incident_has_one_open_meeting(store: SqlStore, trouble: Incident) -> None:
    first = meeting(trouble, invitees=("U0LEAD", "boss@example.com"), link="https://meet.example.com/1")
    with store.write() as tx:
        tx.add(first)
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(meeting(trouble))
    with store.read() as tx:
        assert tx.open_meeting(trouble.id) == first
    over = first.started(AT + HOUR).ended(AT + 2 * HOUR)
    second = meeting(trouble)
    with store.write() as tx:
        tx.save(over)
        tx.add(second)
    with store.read() as tx:
        assert tx.meetings(trouble.id) == [over, second]
        assert tx.open_meeting(trouble.id) == second
        assert tx.open_meeting("inc-none") is None
    with store.write() as tx:
        tx.save(second.cancelled(AT))
    with store.read() as tx:
        assert tx.open_meeting(trouble.id) is None


def test_facts_are_kept_with_those_that_later_ones_replaced(store: SqlStore, trouble: Incident) -> None:
    said = [
        fact(trouble, "user_effect", HOSTILE),
        fact(trouble, "metric", {"name": "recall", "before": 0.93, "now": 0.41}, by="olga", revision=2),
        fact(trouble, "alternatives", [{"option": "wait", "why_not": "no"}]),
        fact(trouble, "user_effect", None, asked="U0LEAD"),
    ]
    with store.write() as tx:
        tx.add(*said)
    with store.read() as tx:
        assert tx.facts(trouble.id) == said
        assert tx.facts("inc-none") == []


def test_a_file_is_kept_once_under_its_digest(store: SqlStore) -> None:
    content = bytes(range(256)) * 40
    file = kept_file(content, datetime(2026, 11, 26, tzinfo=UTC))
    for _ in range(2):
        with store.write() as tx:
            tx.keep_file(file)
    with store.read() as tx:
        assert tx.kept_file(file.sha256) == file
        assert tx.keeps_file(file.sha256)
        assert tx.kept_file("0" * 64) is None
        assert not tx.keeps_file("0" * 64)
