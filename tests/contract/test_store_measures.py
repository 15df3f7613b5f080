"""What the store promises about the measures of the process: each as it follows from what was written down."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from support.process_facts import Counted, counted
from support.process_history import SERVICES, History, made_up, records_of, walk_of
from support.store_records import AT, incident, new_id, timeline_entry

from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql.engines import readers_of
from bot.adapters.sql.shared_snapshot import shared_snapshot
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.measures import Measured, Scope
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.months import Month, Period

NOW = datetime(2026, 7, 14, 12, tzinfo=UTC)
WHOLE = Period(Month(2025, 12), Month(2026, 12))


def keep(store: SqlStore, history: History) -> None:
    walks = [walk for one in history.releases if (walk := walk_of(one))]
    for records in records_of(history):
        with store.write() as tx:
            tx.add(*records)
    assert walks


def plain(tallies: Any) -> Counted:
    """By everything that tells one from another."""
    return {(one.service, one.month, str(one.of), one.key): (one.count, sorted(one.micros)) for one in tallies}


def ask(store: SqlStore, period: Period = WHOLE, **narrowed: Any) -> Counted:
    with store.read() as tx:
        found = tx.tallies(Scope(period, narrowed.pop("now", NOW), **narrowed))
    assert len({(one.service, one.month, one.of, one.key) for one in found}) == len(found)
    return plain(found)


@pytest.mark.parametrize("turn", range(3))
def test_a_history_is_measured_as_its_facts_say(store: SqlStore, rng: random.Random, turn: int) -> None:
    history = made_up(rng)
    keep(store, history)
    asked: list[tuple[Period, dict[str, Any]]] = [
        (WHOLE, {}),
        (Period(Month(2026, 3), Month(2026, 5)), {}),
        (Period(Month(2026, 4), Month(2026, 4)), {"services": frozenset({"fraud", "nobody"})}),
        (WHOLE, {"environment": "staging"}),
        (WHOLE, {"environment": "eu", "services": frozenset({"churn"})}),
    ]
    for period, narrowed in asked:
        services = set(narrowed.get("services", SERVICES))
        expected = counted(
            history, period.start, period.end, services=services, environment=narrowed.get("environment"), now=NOW
        )
        found = ask(store, period, **narrowed)
        assert found == expected, (period, narrowed)
    assert {of for _, _, of, _ in ask(store)} >= {str(one) for one in Measured}


def reopened(at: datetime, gap: timedelta, count: int) -> list[Incident]:
    """Incidents of one place, each resolved after an hour and followed by the next after so long."""
    found: list[Incident] = []
    for number in range(count):
        opened = at + number * (HOUR + gap)
        previous = found[-1].id if found else None
        values = {"opened_at": opened, "resolved_at": opened + HOUR, "previous_id": previous}
        found.append(incident(status=IncidentStatus.RESOLVED, **values))
    return found


HOUR = timedelta(hours=1)
MICROS = 1_000_000


def test_a_reopened_incident_is_one_disruption_of_the_month_in_which_it_began(store: SqlStore) -> None:
    chain = reopened(datetime(2026, 5, 31, 12, tzinfo=UTC), 20 * HOUR, 3)
    with store.write() as tx:
        tx.add(*chain)
    took = (21 * 2 + 1) * 3600 * MICROS
    for period in (WHOLE, Period(Month(2026, 5), Month(2026, 5))):
        found = ask(store, period)
        assert found["fraud-model", "2026-05", "disruption", "other"] == (1, [took])
        assert found["fraud-model", "2026-05", "incident", ""] == (1, [])
        assert found["fraud-model", "2026-05", "reopened", "other"] == (2, [])
    june = ask(store, Period(Month(2026, 6), Month(2026, 6)))
    assert june == {("fraud-model", "2026-06", "incident", ""): (2, [])}


def test_a_disruption_that_is_open_again_is_not_over(store: SqlStore) -> None:
    first, second = reopened(AT, HOUR, 2)
    with store.write() as tx:
        tx.add(first, replace(second, status=IncidentStatus.OPEN, resolved_at=None))
    assert ask(store)["fraud-model", "2026-11", "disruption", "other"] == (1, [])


def test_what_is_edited_is_measured_as_it_stands_now_by_every_process(
    store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    trouble = incident()
    item = Minute(
        new_id("min"), trouble.id, "fraud-model", MinuteKind.ACTION_ITEM, MinuteStatus.OPEN, "mend it", "lena", AT,
        due_at=AT + HOUR,
    )  # fmt: skip
    later, other = AT + 2 * HOUR, open_another()

    def states() -> dict[str, int]:
        found = ask(other, now=later)
        return {key: count for (_, _, of, key), (count, _) in found.items() if of == "action_item"}

    with store.write() as tx:
        tx.add(trouble, item)
    assert states() == {"recorded": 1, "open": 1, "overdue": 1}
    for changed, expected in (
        (item.scheduled(AT + 3 * HOUR, "in three hours", later), {"recorded": 1, "open": 1}),
        (item.ended(MinuteStatus.DONE, later), {"recorded": 1, "done": 1}),
        (item.ended(MinuteStatus.WITHDRAWN, later), {}),
    ):
        with store.write() as tx:
            tx.save(changed)
        assert states() == expected


def test_months_are_those_of_utc_to_the_microsecond(store: SqlStore) -> None:
    border = datetime(2026, 3, 1, tzinfo=UTC)
    for number, at in enumerate((border - timedelta(microseconds=1), border)):
        with store.write() as tx:
            tx.add(incident(opened_at=at, environment=f"place-{number}"))
    assert [(month, count) for (_, month, of, _), (count, _) in sorted(ask(store).items()) if of == "incident"] == [
        ("2026-02", 1),
        ("2026-03", 1),
    ]
    march = ask(store, Period(Month(2026, 3), Month(2026, 3)))
    assert march["fraud-model", "2026-03", "incident", ""] == (1, [])
    assert {month for _, month, _, _ in march} == {"2026-03"}


def test_a_halt_that_found_one_is_not_how_long_the_halt_took(store: SqlStore) -> None:
    trouble = incident()
    with store.write() as tx:
        tx.add(trouble)
        tx.add(timeline_entry(trouble, "lena halts too", kind="halt", at=AT + HOUR, data={"joins": True}))
    assert not any(of == "halt" for _, _, of, _ in ask(store))
    with store.write() as tx:
        tx.add(timeline_entry(trouble, "halted", kind="halt", at=AT + timedelta(microseconds=1_234_567)))
    assert ask(store)["fraud-model", "2026-11", "halt", ""] == (1, [1_234_567])


def test_an_empty_record_has_no_tallies(store: SqlStore) -> None:
    with store.read() as tx:
        assert tx.tallies(Scope(WHOLE, NOW)) == []


def test_all_facts_are_those_of_a_view(store: SqlStore, rng: random.Random) -> None:
    keep(store, made_up(rng))
    scope = Scope(WHOLE, NOW)
    with store.read() as tx:
        assert plain(store.tallies(scope)) == plain(tx.tallies(scope))


def test_views_of_one_moment_do_not_see_what_is_committed_between_their_readings(store: SqlStore) -> None:
    counting = text("SELECT count(*) FROM incidents")
    with shared_snapshot(readers_of(store.engine)) as views:
        counts = [views[0].execute(counting).scalar_one()]
        with store.write() as tx:
            tx.add(incident())
        counts += [view.execute(counting).scalar_one() for view in views]
        with store.read() as tx:
            assert len(tx.incidents(limit=9)) == 1, "it is there for those who look now"
    assert counts == [0] * (len(views) + 1)


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("commits", "shared"), [(0, 2), (3, 2), (99, 1)])
def test_views_of_a_file_begin_again_where_others_commit_between_their_beginnings(
    store: SqlStore, commits: int, shared: int
) -> None:
    counting, begun = text("SELECT count(*) FROM incidents"), []

    def someone_else_commits(_connection: object) -> None:
        begun.append(1)
        if len(begun) % 2 == 0 and len(begun) <= 2 * commits:  # the first has begun, the second has not
            with store.write() as tx:
                tx.add(incident(service=f"model-{len(begun)}"))

    readers = readers_of(store.engine)
    event.listen(readers, "begin", someone_else_commits)
    with shared_snapshot(readers) as views:
        counts = [view.execute(counting).scalar_one() for view in views]
    assert len(views) == shared
    assert len(set(counts)) == 1
    assert (len(begun) > 2) == (commits > 0), "a commit in between was seen"


def test_many_who_measure_at_once_leave_connections_to_others_and_all_get_their_figures(
    store: SqlStore, address: str, rng: random.Random
) -> None:
    keep(store, made_up(rng))
    scope = Scope(WHOLE, NOW)
    small = open_store(address, pool_size=1)  # two connections at most
    try:
        with ThreadPoolExecutor(6) as crowd:
            found = [plain(one.result()) for one in [crowd.submit(small.tallies, scope) for _ in range(6)]]
    finally:
        small.close()
    assert found == [plain(store.tallies(scope))] * 6
