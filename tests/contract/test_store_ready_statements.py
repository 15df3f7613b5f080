"""A statement that is made ready answers as it did before: in a view, in a transaction, the first time and later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support import store_records as made

from bot.adapters.sql import SqlStore, SqlTransaction
from bot.domain.incidents import IncidentStatus
from bot.domain.releases import Automation
from bot.domain.runs import RunStatus

EVENT = made.event(dedup_key="known", body=b"\x00\xff raw")
OTHER = made.event(dedup_key="other")
RESOLVED = made.incident(status=IncidentStatus.RESOLVED, resolved_at=made.AT)
OPEN = made.incident(severity="SEV-2", environment="stäging")
RUN = made.run(incident_id=OPEN.id, status=RunStatus.WAITING, wake_at=made.AT, first_action_at=made.AT)
LOOKUPS: dict[str, Callable[[SqlTransaction], Any]] = {
    "event": lambda tx: tx.event(EVENT.id),
    "no event": lambda tx: tx.event("evt-none"),
    "events by key": lambda tx: tx.events_by_key("alertmanager", ["known", "other", "none"]),
    "one event by key": lambda tx: tx.events_by_key("alertmanager", ["other"]),
    "no key": lambda tx: tx.events_by_key("alertmanager", []),
    "alert states": lambda tx: tx.alert_states([("alertmanager", "a"), ("alertmanager", "ä"), ("grafana", "a")]),
    "service": lambda tx: tx.service("fraud-model"),
    "services": lambda tx: list(tx.services()),
    "automation": lambda tx: tx.automation(),
    "release": lambda tx: tx.latest_releases(["fraud-model", "nobody's"]),
    "incident": lambda tx: tx.incident(OPEN.id),
    "open incidents": lambda tx: tx.open_incidents(["fraud-model", "nobody's"]),
    "resolved": lambda tx: tx.latest_resolved(("fraud-model", "production")),
    "timeline": lambda tx: list(tx.timeline(OPEN.id)),
    "decisions": lambda tx: list(tx.decisions(event_id=EVENT.id)),
    "run": lambda tx: tx.run(RUN.id),
    "active runs": lambda tx: tx.active_runs(["fraud-model"]),
    "due runs": lambda tx: list(tx.due_runs(limit=5)),
    "next wake": lambda tx: tx.next_wake(),
    "last action": lambda tx: tx.last_automatic_action((RUN.service, RUN.environment)),
    "lease": lambda tx: tx.lease(RUN.id),
    "approvals": lambda tx: list(tx.approvals(RUN.id)),
    "notices": lambda tx: list(tx.notices(incident_id=OPEN.id)),
    "due notices": lambda tx: list(tx.due_notices(limit=5)),
}


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(EVENT, OTHER, made.release(), RESOLVED, OPEN, RUN)
        tx.add(made.decision(EVENT, incident_id=OPEN.id, run_id=RUN.id), made.timeline_entry(OPEN, "first"))
        tx.add(made.notice(incident_id=OPEN.id, run_id=RUN.id), made.approval(RUN))
        tx.save(made.alert_state(EVENT, "a"), made.alert_state(EVENT, "ä", count=3))
        tx.save(Automation(on=False, changed_by="ada", changed_at=made.AT, reason="a fire drill"))
        assert tx.claim(RUN, "worker-1", timedelta(minutes=5)) is not None
    return store


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_lookup_answers_the_same_wherever_and_however_often_it_is_made(filled: SqlStore, lookup: str) -> None:
    ask = LOOKUPS[lookup]
    with filled.read() as view:
        expected = ask(view)
    with filled.write() as tx:
        for _ in range(3):
            found = ask(tx)
            assert found == expected
            assert repr(found) == repr(expected)


def test_keys_may_be_one_or_many_each_time(filled: SqlStore) -> None:
    with filled.write() as tx:
        for count in (1, 3, 2, 1, 700, 2):
            keys = ["known", *(f"none-{number}" for number in range(count - 1))]
            assert list(tx.events_by_key("alertmanager", keys)) == ["known"]


def test_an_error_of_the_driver_is_said_in_the_words_of_the_house(filled: SqlStore) -> None:
    from bot.domain.errors import Conflict

    with pytest.raises(Conflict), filled.write() as tx:
        tx.add(made.event(dedup_key="known"))
    with filled.read() as tx:
        assert list(tx.events_by_key("alertmanager", ["known"])) == ["known"]
