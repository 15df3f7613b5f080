"""What the store promises about events, decisions and remembered alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from support.store_records import AT, alert_state, decision, event, incident

from bot.adapters.sql import SqlStore
from bot.domain.decisions import Trace, Verdict
from bot.domain.errors import BadInput, Conflict
from bot.domain.events import AlertStatus, Disposition
from bot.domain.incidents import Severity


def test_an_event_comes_back_as_it_was_added(store: SqlStore) -> None:
    plain = event()
    full = event(
        problem="not understood",
        replay_of=plain.id,
        actor="token-lead",
        incident_ids=("inc-1", "inc-2"),
        run_ids=("run-1",),
        disposition=Disposition.DEAD_LETTER,
        body=bytes(range(256)),
    )
    with store.write() as tx:
        tx.add(plain, full)
    with store.read() as tx:
        assert tx.event(plain.id) == plain
        assert tx.event(full.id) == full
        assert tx.event("evt-none") is None


def test_reads_see_what_the_same_transaction_added(store: SqlStore) -> None:
    one = event()
    with store.write() as tx:
        tx.add(one)
        assert tx.event(one.id) == one


def test_nothing_is_kept_of_a_transaction_that_fails(store: SqlStore) -> None:
    one, two = event(), event()
    with pytest.raises(BadInput, match="changed my mind"), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.add(one)
        assert tx.event(one.id) == one
        tx.add(two)
        raise BadInput("changed my mind")
    with store.read() as tx:
        assert tx.events(limit=10) == []


def test_a_key_is_taken_once_per_source(store: SqlStore) -> None:
    first = event(dedup_key="delivery-1")
    with store.write() as tx:
        tx.add(first, event(source="grafana", dedup_key="delivery-1"))
    with pytest.raises(Conflict) as caught, store.write() as tx:
        tx.add(event(), event(dedup_key="delivery-1"), decision(first))
    assert caught.value.delay == timedelta(0)
    with store.read() as tx:
        assert len(tx.events(limit=10)) == 2


def test_events_are_found_by_many_keys_at_once(store: SqlStore) -> None:
    many = [event(dedup_key=f"key-{number}") for number in range(300)]
    other = event(source="grafana", dedup_key="key-1")
    with store.write() as tx:
        tx.add(*many, other)
    with store.read() as tx:
        found = tx.events_by_key("alertmanager", {f"key-{number}" for number in range(0, 400, 2)})
        assert found == {one.dedup_key: one for one in many[::2]}
        assert tx.events_by_key("alertmanager", ()) == {}


def test_more_keys_than_one_statement_takes_are_found_all(store: SqlStore) -> None:
    first, last = event(dedup_key="k0"), event(dedup_key="k39999")
    with store.write() as tx:
        tx.add(first, last)
        tx.save(alert_state(first, "k0"), alert_state(last, "k39999"))
    keys = [f"k{number}" for number in range(40_000)]
    with store.read() as tx:
        assert set(tx.events_by_key("alertmanager", keys)) == {"k0", "k39999"}
        assert len(tx.alert_states([("alertmanager", key) for key in keys])) == 2


def test_lists_are_newest_first_without_bodies_and_go_on_after_a_cursor(store: SqlStore) -> None:
    many = [event(id=f"evt-{number:03}") for number in range(10)]
    with store.write() as tx:
        tx.add(*many)
    with store.read() as tx:
        page = tx.events(limit=4)
        assert page == [replace(one, body=None) for one in many[:5:-1]]
        rest = tx.events(limit=100, before=page[-1].id)
    assert [one.id for one in rest] == [one.id for one in many[5::-1]]


def test_dead_letters_can_be_listed_alone(store: SqlStore) -> None:
    dead, fine = event(disposition=Disposition.DEAD_LETTER), event()
    with store.write() as tx:
        tx.add(dead, fine)
    with store.read() as tx:
        assert [one.id for one in tx.events(limit=9, disposition=Disposition.DEAD_LETTER)] == [dead.id]
        assert [one.id for one in tx.events(limit=9, disposition=Disposition.ACCEPTED)] == [fine.id]


def test_saving_an_event_from_a_list_keeps_its_body(store: SqlStore) -> None:
    one = event(disposition=Disposition.DEAD_LETTER, problem="not JSON")
    with store.write() as tx:
        tx.add(one)
    with store.write() as tx:
        listed = tx.events(limit=1)[0]
        tx.save(replace(listed, replayed_as="evt-2", run_ids=("run-1",)))
    with store.read() as tx:
        assert tx.event(one.id) == replace(one, replayed_as="evt-2", run_ids=("run-1",))


def test_alert_states_are_made_and_then_changed(store: SqlStore) -> None:
    one = event()
    state = alert_state(one, "fp-1", incident_ids=("inc-1",), run_ids=("run-1",))
    with store.write() as tx:
        tx.add(one)
        tx.save(state, alert_state(one, "fp-2", status=None, starts_at=None))
    later = replace(state, status=AlertStatus.RESOLVED, resolved_starts_at=AT, count=2)
    with store.write() as tx:
        tx.save(replace(state, count=7), later)
    with store.read() as tx:
        found = tx.alert_states([("alertmanager", "fp-1"), ("alertmanager", "fp-2"), ("alertmanager", "fp-3")])
    assert found["alertmanager", "fp-1"] == later
    assert found["alertmanager", "fp-2"].status is None
    assert len(found) == 2


def test_decisions_come_back_in_the_order_in_which_they_were_made(store: SqlStore) -> None:
    one, other, trouble = event(), event(), incident()
    made = [decision(one, id=f"dec-{9 - number}", reason=f"number {number}") for number in range(5)]
    full = decision(
        other,
        verdict=Verdict.RUN,
        service="fraud-model",
        environment="production",
        severity=Severity.SEV_2,
        criterion="prediction divergence",
        playbook="rollback_model",
        authority="automatic",
        policy_digest="abc",
        incident_id=trouble.id,
        trace=(Trace("a", "unknown", 'label "x" is absent'), Trace("b", "yes")),
    )
    with store.write() as tx:
        tx.add(*made, full, trouble, one, other)
    with store.read() as tx:
        assert tx.decisions(event_id=one.id) == made
        assert tx.decisions(incident_id=trouble.id) == [full]
        assert tx.decisions(incident_id=trouble.id, event_id=one.id) == []


def test_nul_and_lone_surrogates_never_reach_the_database(store: SqlStore) -> None:
    hostile = "a\x00b\ud800c😀\udfff"
    clean = "a\ufffdb\ufffdc😀\ufffd"
    one = event(dedup_key=hostile, problem=hostile, headers={hostile: hostile}, actor=hostile)
    with store.write() as tx:
        tx.add(one, decision(one, reason=hostile, alert={"labels": {hostile: [hostile, "\\u0000", "\\\x00"]}}))
        tx.save(alert_state(one, hostile))
    with store.read() as tx:
        found = tx.event(one.id)
        assert found == replace(one, dedup_key=clean, problem=clean, headers={clean: clean}, actor=clean)
        assert tx.decisions(event_id=one.id)[0].reason == clean
        assert tx.decisions(event_id=one.id)[0].alert == {"labels": {clean: [clean, "\\u0000", "\\\ufffd"]}}
        assert set(tx.events_by_key("alertmanager", [hostile])) == {hostile}
        assert tx.alert_states([("alertmanager", hostile)])["alertmanager", hostile].identity == hostile


def test_numbers_that_json_lacks_become_words(store: SqlStore) -> None:
    one = event()
    with store.write() as tx:
        tx.add(one, decision(one, alert={"nan": float("nan"), "inf": [float("-inf")], "fine": 1.5}))
    with store.read() as tx:
        assert tx.decisions(event_id=one.id)[0].alert == {"nan": "NaN", "inf": ["-Infinity"], "fine": 1.5}


def test_keys_of_any_length_are_told_apart(store: SqlStore) -> None:
    long = "é" * 200_000
    first, second = event(dedup_key=long + "1"), event(dedup_key=long + "2")
    with store.write() as tx:
        tx.add(first, second)
        tx.save(alert_state(first, long + "1"), alert_state(second, long + "2"))
    with store.read() as tx:
        found = tx.events_by_key("alertmanager", [long + "1", long + "2"])
        assert {key: one.id for key, one in found.items()} == {long + "1": first.id, long + "2": second.id}
        states = tx.alert_states([("alertmanager", long + "2")])
        assert states["alertmanager", long + "2"].event_id == second.id


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 11, 20, 13, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_moments_come_back_in_utc_to_the_microsecond(store: SqlStore, moment: datetime) -> None:
    one = event()
    with store.write() as tx:
        tx.add(one)
        tx.save(alert_state(one, "fp", starts_at=moment))
    with store.read() as tx:
        found = tx.alert_states([("alertmanager", "fp")])["alertmanager", "fp"].starts_at
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_a_moment_without_a_time_zone_is_a_mistake(store: SqlStore) -> None:
    with pytest.raises(Exception, match="without a time zone"), store.write() as tx:
        tx.add(event(accepted_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the mistake


def test_a_view_writes_nothing(store: SqlStore) -> None:
    with store.read() as tx:
        with pytest.raises(RuntimeError):
            tx.add(event())
        with pytest.raises(RuntimeError):
            tx.save(event())
        with pytest.raises(RuntimeError):
            tx.lock_services(["fraud-model"])
        with pytest.raises(RuntimeError):
            tx.spend_link("digest")


def test_a_view_stays_what_it_was_while_others_write(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    one = event()
    with store.read() as view:
        assert view.events(limit=5) == []
        with open_another().write() as tx:
            tx.add(one)
        assert view.events(limit=5) == []
    with store.read() as view:
        assert len(view.events(limit=5)) == 1


def test_names_of_columns_say_what_is_in_them(store: SqlStore) -> None:
    one = event(disposition=Disposition.DEAD_LETTER)
    with store.write() as tx:
        tx.add(one)
    with store.engine.begin() as connection:
        row = connection.execute(text("SELECT id, source, disposition FROM events")).one()
    assert tuple(row) == (one.id, "alertmanager", "dead_letter")
