"""What bundles are read from, on both databases: every record about one subject, once, oldest first."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from support.store_records import AT, audit_entry, decision, event, incident, release, run, timeline_entry

from bot.adapters.sql import SqlStore
from bot.domain.canaries import Canary, ObservationBatch
from bot.domain.decisions import Decision
from bot.domain.incidents import Incident
from bot.domain.records import TimelineEntry
from bot.domain.threads import Thread


def test_records_of_a_subject_come_page_by_page_each_once_in_their_order(store: SqlStore) -> None:
    mine, other = incident(), incident(environment="staging")
    lines = [timeline_entry(mine, f"line {number}") for number in range(2_345)]
    with store.write() as tx:
        tx.add(mine, other, *lines, timeline_entry(other, "not mine"))
    with store.read() as tx:
        assert list(tx.all_of(TimelineEntry, "incident_id", mine.id)) == lines
        assert list(tx.all_of(TimelineEntry, "incident_id", "inc-nobody")) == []


def test_records_without_a_number_come_in_the_order_of_their_keys(store: SqlStore) -> None:
    found = incident()
    threads = [
        Thread(found.id, medium, address, "1.2")
        for medium, address in (("slack", "C2"), ("mail", "a@b"), ("slack", "C1"))
    ]
    with store.write() as tx:
        tx.add(found)
    with store.write() as tx:
        tx.save(*threads)
    with store.read() as tx:
        assert [one.address for one in tx.all_of(Thread, "incident_id", found.id)] == ["a@b", "C1", "C2"]


def test_incidents_decisions_and_runs_are_found_by_what_they_are_about(store: SqlStore) -> None:
    came, about = event(), release()
    one, other = incident(release_id=about.id, environment="a"), incident(environment="b")
    runs = [run(incident_id=one.id, environment="a", release_id=about.id), run(incident_id=other.id, environment="b")]
    answers = [decision(came, incident_id=one.id), decision(came, incident_id=other.id)]
    with store.write() as tx:
        tx.lock_services([about.service])
        tx.add(about, came, one, other, *runs, *answers)
    with store.read() as tx:
        assert [found.id for found in tx.all_of(Incident, "release_id", about.id)] == [one.id]
        assert list(tx.all_of(Decision, "incident_id", other.id)) == answers[1:]
        assert tx.run_ids_of("release_id", about.id) == [runs[0].id]
        assert tx.run_ids_of("incident_id", other.id) == [runs[1].id]
        assert list(tx.events_with_bodies([came.id, "evt-nobody"])) == [came]


def test_the_last_automatic_action_before_a_moment_is_no_drill_and_no_promotion(store: SqlStore) -> None:
    place, hour = ("fraud-model", "production"), timedelta(hours=1)

    def acted(hours: int, **more: object) -> None:
        made = run(criterion="divergence", first_action_at=AT + hours * hour, finished_at=AT, **more)
        ended = {"status": "succeeded"}
        with store.write() as tx:
            tx.add(made)
        with store.engine.begin() as connection:
            connection.execute(text("UPDATE runs SET status = :status WHERE id = :id"), {**ended, "id": made.id})

    acted(1)
    acted(3)
    acted(2, drill=True)
    acted(2, environment="staging")
    with store.read() as tx:
        assert tx.acted_before(place, AT + 2.5 * hour) == AT + hour
        assert tx.acted_before(place, AT + 9 * hour) == AT + 3 * hour
        assert tx.acted_before(place, AT) is None


def test_batches_of_observations_come_without_their_contents(store: SqlStore) -> None:
    about = release()
    with store.write() as tx:
        tx.lock_services([about.service])
        tx.add(about)
    with store.write() as tx:
        tx.open_canary(Canary(about.id, about.service, "canary", AT))
        for number in range(3):
            tx.keep_batch(
                ObservationBatch(f"obs-{number}", about.id, f"k{number}", AT, "text", "", "sha", b"x" * number)
            )
    with store.read() as tx:
        assert [(one.id, one.size) for one in tx.observed(about.id)] == [("obs-0", 0), ("obs-1", 1), ("obs-2", 2)]


def test_rows_of_the_trail_about_many_subjects_come_in_their_order_with_their_seals(store: SqlStore) -> None:
    subjects = [f"run:{number}" for number in range(6_000)]
    with store.write() as tx:
        tx.add(*(audit_entry(number, subject=f"run:{number % 6_500}") for number in range(7_000)))
    with store.read() as tx:
        unsealed = list(tx.audit_about(subjects[:2]))
    assert [(row.subject, row.seal) for row in unsealed] == [
        ("run:0", None),
        ("run:1", None),
        ("run:0", None),
        ("run:1", None),
    ]
    store.seal()
    with store.read() as tx:
        rows = list(tx.audit_about([*subjects, "run:0"]))
        entries = tx.audit_entries(limit=10_000)
    wanted = [number for number, entry in entries if entry.subject in set(subjects)]
    assert [row.number for row in rows] == wanted
    assert all(row.seal is not None and row.seal.position == row.number for row in rows)
