"""What alerts lead to, whatever order they come in: the same number of runs, incidents and records."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.alert_bodies import BEGUN, firing, group, resolved
from support.engine import ACTORS, Engine, running_engine

from bot.domain.errors import BadInput, Refused
from bot.domain.events import Delivery, Disposition, Word


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("alerts")) as engine:
        yield engine


EARLIER, LATER = BEGUN - timedelta(hours=1), BEGUN + timedelta(hours=1)
SIX = (
    ("firing", BEGUN),
    ("firing", BEGUN),  # the same once more, as every sender repeats what still fires
    ("resolved", BEGUN),
    ("firing", EARLIER),  # from a replica that is late
    ("firing", LATER),
    ("resolved", LATER),
)
SERVICES, PLACES = 24, 30


def expected_runs(order: Sequence[tuple[str, datetime]]) -> int:
    """One where any firing alert arrives that is not older than what was resolved before it, else none."""
    resolved_until = None
    for status, began in order:
        if status == "resolved":
            resolved_until = max(began, resolved_until or began)
        elif resolved_until is None or began > resolved_until:
            return 1
    return 0


def test_a_repeated_alert_is_a_duplicate_that_names_the_first_ones_run(engine: Engine) -> None:
    engine.protect("repeated")
    first = engine.alert(firing("repeated"))
    again = engine.alert(firing("repeated"))
    assert (first.disposition, again.disposition) == (Disposition.ACCEPTED, Disposition.DUPLICATE)
    assert (again.incidents, again.runs) == (first.incidents, first.runs)
    engine.work()
    assert len(engine.ledger.effects("repeated")) == 1


def test_a_firing_alert_that_is_older_than_its_end_changes_nothing(engine: Engine) -> None:
    engine.protect("stale")
    assert engine.alert(resolved("stale")).runs == ()
    late = engine.alert(firing("stale"))
    assert late.disposition is Disposition.IGNORED
    assert (late.incidents, late.runs) == ((), ())


def test_a_resolved_alert_ends_neither_the_run_nor_the_incident(engine: Engine) -> None:
    engine.protect("ended-early")
    receipt = engine.alert(firing("ended-early"))
    engine.alert(resolved("ended-early"))
    assert engine.work_until(receipt.runs[0], "succeeded")
    assert engine.incident(receipt.incidents[0])["status"] == "monitoring"


def test_an_alert_of_a_place_where_a_run_is_under_way_joins_it(engine: Engine) -> None:
    engine.protect("joined")
    first = engine.alert(firing("joined"))
    second = engine.alert(firing("joined", fingerprint="another"))
    assert second.runs == first.runs
    assert second.incidents == first.incidents
    engine.work()
    assert len(engine.ledger.effects("joined")) == 1


def test_an_alert_after_a_recent_automatic_rollback_asks_a_person(engine: Engine) -> None:
    engine.protect("cooling")
    first = engine.alert(firing("cooling"))
    engine.work_until(first.runs[0], "succeeded")
    second = engine.alert(firing("cooling", began=LATER))
    run = engine.run(second.runs[0])
    assert (run["status"], run["waiting_for"], run["authority"]) == ("waiting", "approval", "rollback_authority")
    engine.work()
    assert len(engine.ledger.effects("cooling")) == 1


def test_an_alert_after_the_resolution_opens_a_new_incident_linked_to_the_old_one(engine: Engine) -> None:
    engine.protect("again")
    first = engine.alert(firing("again"))
    engine.work_until(first.runs[0], "succeeded")
    engine.order(Word.RESOLVE, first.incidents[0])
    second = engine.alert(firing("again", began=LATER))
    assert second.incidents != first.incidents
    assert engine.incident(second.incidents[0])["previous_id"] == first.incidents[0]


def test_an_incident_keeps_since_when_the_alerts_that_opened_it_have_fired(engine: Engine) -> None:
    for name in ("began", "began-late", "began-by-hand"):
        engine.protect(name)
    together = [
        resolved("began", "Old", began=EARLIER - timedelta(hours=5)),
        firing("began"),
        firing("began", "Latency", began=EARLIER),
        firing("began", "Unwatched", began=EARLIER - timedelta(minutes=1)),
    ]
    opened = engine.alert(*together).incidents[0]
    engine.alert(firing("began", "Later", began=EARLIER - timedelta(hours=2)))
    assert beginning(engine, opened) == (True, EARLIER - timedelta(minutes=1))

    halted = engine.order(Word.HALT, "began-by-hand").incidents[0]
    engine.alert(firing("began-by-hand"))
    assert beginning(engine, halted) == (False, None)

    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    assert beginning(engine, engine.alert(firing("began-late", began=ahead)).incidents[0]) == (True, ahead)


def beginning(engine: Engine, incident_id: str) -> tuple[bool, datetime | None]:
    """Whether an alert opened it, and the beginning that is kept."""
    with engine.app.store.read() as tx:
        found = tx.incident(incident_id)
    assert found is not None
    return found.by_alert, found.began_at


def test_an_alert_about_an_unknown_environment_opens_an_incident_and_runs_nothing(engine: Engine) -> None:
    engine.protect("elsewhere")
    receipt = engine.alert(firing("elsewhere", environment="moon"))
    assert receipt.disposition is Disposition.ACCEPTED
    assert receipt.runs == ()
    incident = engine.incident(receipt.incidents[0])
    assert incident["environment"] == "moon"
    assert "not one of the targets" in incident["decisions"][0]["reason"]


def test_a_policy_that_observes_records_what_it_would_have_done_and_touches_nothing(engine: Engine) -> None:
    engine.protect("observed", mode="observe")
    receipt = engine.alert(firing("observed"))
    engine.work()
    assert receipt.runs == ()
    assert engine.told(receipt.incidents[0]) == ["would_restore"]
    assert engine.incident(receipt.incidents[0])["decisions"][0]["verdict"] == "observe"
    assert engine.ledger.calls("observed") == []


def test_a_body_that_is_not_understood_is_kept_told_and_taken_after_a_fix(engine: Engine) -> None:
    engine.protect("mended")
    broken = b'{"version": "4", "alerts": "none"}'
    receipt = engine.deliver(broken)
    assert receipt.disposition is Disposition.DEAD_LETTER
    assert engine.deliver(broken).event_id == receipt.event_id
    with pytest.raises(BadInput, match="still not understood"):
        engine.app.intake.replay(receipt.event_id, ACTORS["ada"])

    # The source is mended: from now on it understands what it could not read before.
    sources = engine.app.sources
    understands = sources["alertmanager"]
    sources["alertmanager"] = Mended(understands, json.dumps(group(firing("mended"))).encode())
    try:
        replayed = engine.app.intake.replay(receipt.event_id, ACTORS["ada"])
        assert replayed.disposition is Disposition.ACCEPTED
        with pytest.raises(Refused, match="replayed already"):
            engine.app.intake.replay(receipt.event_id, ACTORS["ada"])
    finally:
        sources["alertmanager"] = understands
    engine.work_until(replayed.runs[0], "succeeded")
    assert len(engine.ledger.effects("mended")) == 1
    with engine.app.store.read() as tx:
        kept, taken = tx.event(receipt.event_id), tx.event(replayed.event_id)
    assert kept is not None
    assert taken is not None
    assert kept.replayed_as == taken.id
    assert taken.replay_of == kept.id


class Mended:
    """A source that reads the broken body as what its sender meant."""

    def __init__(self, source: Any, meant: bytes) -> None:
        self._source, self._meant = source, meant

    def parse(self, raw: bytes, headers: Any) -> Any:
        return self._source.parse(self._meant, headers)

    def delivery_id(self, raw: bytes, headers: Any) -> Any:
        return None


def test_fifty_threads_with_the_same_alert_make_one_run(engine: Engine) -> None:
    engine.protect("crowded")
    with ThreadPoolExecutor(50) as threads:
        receipts = list(threads.map(lambda _: engine.alert(firing("crowded")), range(50)))
    assert Counter(receipt.disposition for receipt in receipts) == {Disposition.ACCEPTED: 1, Disposition.DUPLICATE: 49}
    assert len({run for receipt in receipts for run in receipt.runs}) == 1


def test_every_event_has_a_decision_with_a_reason(engine: Engine) -> None:
    engine.protect("reasoned")
    for receipt in (engine.alert(firing("reasoned")), engine.alert(firing("nobody-protects-this"))):
        with engine.app.store.read() as tx:
            decisions = tx.decisions(event_id=receipt.event_id)
        assert [decision.reason != "" for decision in decisions] == [True]


def test_all_720_orders_of_six_alerts_lead_to_one_automatic_rollback_or_to_none(engine: Engine) -> None:
    orders = list(itertools.permutations(SIX))
    targets = {f"e{place}": {"ledger": engine.ledger.url, "allow_hosts": ["127.0.0.1"]} for place in range(PLACES)}
    for number in range(SERVICES):
        engine.protect(f"order-{number}", targets=targets)
    places = [(f"order-{index // PLACES}", f"e{index % PLACES}") for index in range(len(orders))]

    def delivery(index: int, position: int) -> Delivery:
        service, place = places[index]
        status, began = orders[index][position]
        make = firing if status == "firing" else resolved
        alert = make(service, began=began, environment=place, fingerprint=f"{service}-{place}")
        return Delivery("alertmanager", json.dumps(group(alert)).encode())

    for position in range(len(SIX)):
        for start in range(0, len(orders), PLACES):
            engine.app.intake.accept([delivery(index, position) for index in range(start, start + PLACES)])

    made: Counter[tuple[str, str]] = Counter()
    with engine.app.store.read() as tx:
        cursor = None
        while runs := tx.runs(limit=200, before=cursor):
            made.update((run.service, run.environment) for run in runs if run.service.startswith("order-"))
            cursor = runs[-1].id
        states = tx.alert_states([("alertmanager", f"{service}-{place}") for service, place in places])
    wanted = Counter({place: expected_runs(order) for place, order in zip(places, orders, strict=True)})
    assert made == +wanted
    assert {0, 1} == set(wanted.values())
    # Whatever came first, the same is known in the end.
    assert {(str(state.status), state.starts_at, state.resolved_starts_at) for state in states.values()} == {
        ("resolved", LATER, LATER)
    }
    assert len(states) == len(orders)


def test_who_hears_only_of_worse_incidents_hears_once_this_one_has_become_so(engine: Engine) -> None:
    engine.protect("worsening", audiences={"engineering": {}, "support": {"min_severity": "SEV-1"}})
    incident = engine.alert(firing("worsening", "Nothing", fingerprint="wa")).incidents[0]
    audiences = [one["audience"] for one in engine.incident(incident)["notices"]]
    assert audiences == ["engineering"]
    engine.alert(firing("worsening", "Nothing", fingerprint="wb", severity="critical"))
    engine.alert(firing("worsening", "Nothing", fingerprint="wc", severity="critical"))
    told = [(one["audience"], one["name"]) for one in engine.incident(incident)["notices"]]
    assert told == [("engineering", "incident_opened"), ("support", "incident_opened")]
