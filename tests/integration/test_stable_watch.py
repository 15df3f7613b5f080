"""What a rollback restored is measured until it was good for its window: told once, and not endorsed before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import BEGUN, firing, resolved
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import Build, DrivenEngine, MovableClock, builder, fresh_name
from support.ledger import Ledger
from support.metrics_server import MetricsServer, metrics_server
from support.passing_time import LONG_AGO
from support.scripted_server import Answer

from bot.domain.events import Word
from bot.domain.incidents import IncidentStatus
from bot.domain.runs import RunStatus
from bot.domain.watches import Watch

EVERY = timedelta(seconds=15)
ERRORS, LATENCY = 'errors{job="fraud"}', "latency"


@pytest.fixture
def build(tmp_path: Path, ledger: Ledger) -> Iterator[Build]:
    with builder(tmp_path, ledger) as build:
        yield build


@pytest.fixture
def engine(build: Build, server: MetricsServer) -> DrivenEngine:
    engine = build(secrets={"METRICS": "hush-hush-1"}, clock=MovableClock(-LONG_AGO))
    server.now = engine.clock.now
    return engine


@pytest.fixture(params=KINDS)
def anywhere(
    request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger, server: MetricsServer
) -> Iterator[DrivenEngine]:
    """The same on both databases."""
    with builder(tmp_path, ledger, request.param) as build:
        engine = build(clock=MovableClock(-LONG_AGO))
        server.now = engine.clock.now
        yield engine


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    with metrics_server() as server:
        server.values = {ERRORS: 0.002, LATENCY: 80}
        yield server


def metric(query: str = ERRORS, condition: str = "value < 0.01", **more: Any) -> dict[str, Any]:
    return {"prometheus": "{{ target.metrics }}", "query": query, "condition": condition, **more}


def restored(engine: DrivenEngine, server: MetricsServer, stable: Any, **more: Any) -> str:
    """The incident of a service that was just rolled back, under this rule."""
    service = fresh_name()
    target = {"ledger": engine.ledger.url, "metrics": server.url, "allow_hosts": ["127.0.0.1"]}
    values = {"stable": stable, "targets": {"production": target}, **more}
    engine.protect(service, **{key: one for key, one in values.items() if one is not None})
    receipt = engine.alert(firing(service))
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    assert engine.stored_incident(receipt.incidents[0]).status is IncidentStatus.MONITORING
    return receipt.incidents[0]


def look(*engines: DrivenEngine, times: int = 1, pause: timedelta = EVERY) -> None:
    """So many looks, each by every clock."""
    for _ in range(times):
        for engine in engines:
            engine.app.sweep.look()
        engines[0].clock.turn(pause)


def watch(engine: DrivenEngine, incident_id: str) -> Watch:
    with engine.app.store.read() as tx:
        found = tx.watch(incident_id)
    assert found is not None
    return found


def refused(engine: DrivenEngine, incident_id: str) -> str:
    """Why it cannot be endorsed now."""
    receipt = engine.order(Word.ENDORSE, incident_id)
    assert receipt.refused
    return receipt.message


def lines(engine: DrivenEngine, incident_id: str) -> list[str]:
    """What the watch wrote on the timeline."""
    return [one["text"] for one in engine.incident(incident_id)["timeline"] if one["kind"] == "watch"]


RULE = {"window": "2m", "metrics": [metric(), metric(LATENCY, "value < 100.0")], "endorse": "endorser"}


def test_two_clocks_watch_it_for_its_window_and_ask_once_for_an_endorsement(
    anywhere: DrivenEngine, server: MetricsServer
) -> None:
    engine = anywhere
    incident_id = restored(engine, server, RULE)
    twin = engine.twin()
    twin.app.configuration.reload()
    assert "its window of 2m has not begun; endorse it in 2m" in refused(engine, incident_id)
    look(engine, twin, times=5)
    said = refused(engine, incident_id)
    assert "it was seen to be good for 1m" in said  # and a second, where the machine is slow
    assert "of 2m; endorse it in" in said
    assert engine.notices(incident_id, "endorsement_wanted") == []
    look(engine, twin, times=8)
    assert len(server.received) == 2 * 13
    assert lines(engine, incident_id) == [
        "What was restored is watched for 2m",
        f"Stable for 2m: `{ERRORS}` 0.002 to 0.002; `{LATENCY}` 80 to 80",
    ]
    (asked,) = engine.notices(incident_id, "endorsement_wanted")
    assert asked.audience == "person:olga"
    assert [one["action"] for one in asked.facts["buttons"]] == ["endorse"]
    assert [(one["value"], one["samples"]) for one in asked.facts["watched"]] == [(0.002, 9), (80.0, 9)]
    assert engine.notices(incident_id, "not_stable") == []
    engine.work()
    (asked,) = engine.notices(incident_id, "endorsement_wanted")
    assert "has been good for 2m" in asked.body
    assert "value < 0.01 holds, last value 0.002, from 0.002 to 0.002 in 9 samples" in asked.body
    assert not engine.order(Word.ENDORSE, incident_id).refused
    assert engine.stored_incident(incident_id).status is IncidentStatus.STABLE
    look(engine, twin, times=2)
    assert len(server.received) == 2 * 13
    assert [one for one, _, _ in engine.audit() if one.startswith("watch.")] == ["watch.begun", "watch.stable"]


def test_what_breaks_is_told_at_once_and_the_window_begins_again(anywhere: DrivenEngine, server: MetricsServer) -> None:
    engine = anywhere
    incident_id = restored(engine, server, RULE)
    engine.order(Word.TAKE, incident_id, by="otto")
    twin = engine.twin()
    twin.app.configuration.reload()
    look(engine, twin, times=6)
    server.values[ERRORS] = 0.3
    look(engine, twin, times=3)
    told = engine.notices(incident_id, "not_stable")
    assert [one.audience for one in told] == ["engineering", "person:otto"]
    broken = f"`{ERRORS}` is 0.3, so `value < 0.01` does not hold"
    assert {one.facts["problem"] for one in told} == {broken}
    assert f"{broken}; 2m of 2m are left once it holds; mend it" in refused(engine, incident_id)
    assert lines(engine, incident_id)[1:] == [f"Not stable: {broken}"]
    server.values[ERRORS] = 0.001
    look(engine, twin, times=8)
    assert lines(engine, incident_id)[2:] == ["What was restored: it holds again, and the window begins again"]
    assert watch(engine, incident_id).stable_at is None
    look(engine, twin, times=1)
    assert watch(engine, incident_id).stable_at is not None
    assert len(engine.notices(incident_id, "not_stable")) == 2
    assert len(engine.notices(incident_id, "endorsement_wanted")) == 1
    engine.work()
    assert "does not hold, last value 0.3" in engine.notices(incident_id, "not_stable")[0].body


def test_what_breaks_after_the_window_takes_the_endorsement_back_until_it_held_again(
    engine: DrivenEngine, server: MetricsServer
) -> None:
    incident_id = restored(engine, server, RULE)
    look(engine, times=10)
    assert watch(engine, incident_id).stable_at is not None
    server.values[ERRORS] = 0.3
    look(engine)
    assert "does not hold" in refused(engine, incident_id)
    server.values[ERRORS] = 0.002
    look(engine, times=9)
    assert len(engine.notices(incident_id, "endorsement_wanted")) == 2
    assert not engine.order(Word.ENDORSE, incident_id).refused


def test_no_data_pauses_the_window_and_is_told_after_three_looks(anywhere: DrivenEngine, server: MetricsServer) -> None:
    engine = anywhere
    incident_id = restored(engine, server, RULE)
    look(engine, times=5)
    del server.values[ERRORS]
    look(engine, times=2)
    assert engine.notices(incident_id, "not_stable") == []
    missing = f"`{ERRORS}` is not known: no data: the query gives nothing"
    told = refused(engine, incident_id)
    # The host's clock goes on beside the one that is turned: a slow machine has lost a second of the minute by now.
    assert any(f"{missing}; {left} of 2m are left" in told for left in ("1m", "59s", "58s")), told
    look(engine, times=40)
    (told,) = engine.notices(incident_id, "not_stable")
    assert (told.audience, told.facts["watch"], told.facts["problem"]) == ("engineering", "unknown", missing)
    assert watch(engine, incident_id).held_seconds == pytest.approx(60, abs=1)
    assert engine.notices(incident_id, "endorsement_wanted") == []
    server.values[ERRORS] = 0.002
    look(engine, times=4)
    assert watch(engine, incident_id).stable_at is None
    look(engine, times=2)
    assert lines(engine, incident_id)[1:3] == [
        f"Not known whether it is stable: {missing}",
        "What was restored: it is measured again, and the window goes on",
    ]
    assert not engine.order(Word.ENDORSE, incident_id).refused


def test_data_that_goes_away_after_the_window_refuses_the_endorsement_too(
    engine: DrivenEngine, server: MetricsServer
) -> None:
    incident_id = restored(engine, server, RULE)
    look(engine, times=10)
    server.values.clear()
    look(engine)
    assert "the query gives nothing" in refused(engine, incident_id)
    server.values = {ERRORS: 0.002, LATENCY: 80}
    look(engine)
    engine.clock.turn(timedelta(minutes=10))
    assert "nobody has looked since" in refused(engine, incident_id)
    look(engine)
    assert not engine.order(Word.ENDORSE, incident_id).refused
    assert len(engine.notices(incident_id, "endorsement_wanted")) == 1


HOSTILE = {
    "an error": lambda server: Answer(body={"status": "error", "error": "bad query"}),
    "a fault": lambda server: Answer(500, {"status": "success"}),
    "a redirect": lambda server: Answer(302, "", {"Location": server.url}),
    "no answer": lambda server: Answer(0),
    "NaN": lambda server: Answer(body=server.said("NaN")),
    "infinity": lambda server: Answer(body=server.said("-Inf")),
    "two series": lambda server: Answer(body=server.said(0.001, 0.002)),
    "an old answer": lambda server: Answer(body=server.said(0.001, age=300.0)),
    "an answer of tomorrow": lambda server: Answer(body=server.said(0.001, age=-86_400.0)),
    "a warning": lambda server: Answer(body=server.said(0.001, warnings=["partial"])),
    "no JSON": lambda server: Answer(body="0.001"),
    "a list": lambda server: Answer(body=[0.001]),
    "a number that is none": lambda server: Answer(body=server.said("0.0_01")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_is_no_fresh_number_is_unknown(name: str, engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, {"window": "0s", "metrics": [metric()]})
    server.instead = HOSTILE[name](server)
    look(engine)
    found = watch(engine, incident_id)
    assert (found.state, found.unknowns, found.stable_at) == ("unknown", 1, None)
    assert "no data" in found.problem
    assert refused(engine, incident_id)


def test_a_condition_that_cannot_be_judged_is_unknown(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, {"window": "0s", "metrics": [metric(condition="1.0 / value")]})
    look(engine)
    assert watch(engine, incident_id).state == "unknown"
    assert refused(engine, incident_id)


def test_alerts_of_note_begin_the_window_again_and_others_do_not(anywhere: DrivenEngine, server: MetricsServer) -> None:
    engine = anywhere
    incident_id = restored(engine, server, RULE)
    service = engine.stored_incident(incident_id).service
    look(engine, times=6)
    engine.alert(firing(service, "Mild"))
    engine.alert(resolved(service, began=BEGUN))
    look(engine)
    assert watch(engine, incident_id).state == "holding"
    engine.alert(firing(service, "Loud", severity="critical"))
    assert "an alert of note fired" in refused(engine, incident_id)
    look(engine)
    found = watch(engine, incident_id)
    assert (found.state, found.held_seconds) == ("failing", 0.0)
    assert len(engine.notices(incident_id, "not_stable")) == 1
    engine.alert(firing(service, "Loud", severity="critical"))
    look(engine, times=3)
    assert watch(engine, incident_id).held_seconds == pytest.approx(30, abs=1)
    engine.alert(firing(service, began=BEGUN + timedelta(hours=1)))
    look(engine)
    assert watch(engine, incident_id).state == "failing"


def test_an_alert_between_the_rollback_and_the_first_look_counts(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE)
    engine.alert(firing(engine.stored_incident(incident_id).service, "Loud", severity="critical"))
    look(engine)
    assert watch(engine, incident_id).state == "failing"


def test_without_metrics_time_alone_counts_and_that_is_said(anywhere: DrivenEngine, server: MetricsServer) -> None:
    engine = anywhere
    incident_id = restored(engine, server, {"window": "2m"})
    look(engine, times=8)
    assert "of 2m; endorse it in" in refused(engine, incident_id)
    look(engine, times=2)
    assert server.received == []
    assert "time alone counts" in lines(engine, incident_id)[-1]
    assert engine.incident(incident_id)["watch"]["metrics"] == []
    assert not engine.order(Word.ENDORSE, incident_id).refused


@pytest.mark.parametrize("stable", [None, {"endorse": "endorser"}, {"window": "0s"}])
def test_a_policy_that_asks_for_no_window_is_endorsed_at_once(
    stable: Any, engine: DrivenEngine, server: MetricsServer
) -> None:
    incident_id = restored(engine, server, stable)
    look(engine, times=2)
    assert engine.incident(incident_id)["watch"] is None
    assert lines(engine, incident_id) == []
    assert not engine.order(Word.ENDORSE, incident_id).refused


def test_who_may_not_endorse_is_told_so_and_not_of_the_window(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE)
    assert "is not a member of endorser" in engine.order(Word.ENDORSE, incident_id, by="nina").message


def test_clocks_that_look_at_the_same_moment_measure_and_tell_once(
    anywhere: DrivenEngine, server: MetricsServer
) -> None:
    engine = anywhere
    incident_id = restored(engine, server, {"window": "30s", "metrics": [metric()]})
    clocks = [engine, engine.twin(), engine.twin()]
    for one in clocks[1:]:
        one.app.configuration.reload()
    for value in (0.002, 0.9, 0.9, 0.002, 0.002, 0.002, 0.002):
        server.values[ERRORS] = value
        at_once([one.app.sweep.look for one in clocks])
        engine.clock.turn(EVERY)
    assert len(server.received) == 7
    assert len(engine.notices(incident_id, "not_stable")) == 1
    assert len(engine.notices(incident_id, "endorsement_wanted")) == 1
    assert [text.split(":")[0] for text in lines(engine, incident_id)] == [
        "What was restored is watched for 30s",
        "Not stable",
        "What was restored",
        "Stable for 30s",
    ]


def test_another_process_goes_on_and_a_time_without_any_does_not_count(
    engine: DrivenEngine, server: MetricsServer
) -> None:
    incident_id = restored(engine, server, RULE)
    look(engine, times=4)
    heir = engine.twin()
    heir.app.configuration.reload()
    look(heir, times=1)
    heir.clock.turn(timedelta(hours=3))
    look(heir, times=1)
    assert watch(heir, incident_id).held_seconds == pytest.approx(90, abs=1)
    assert watch(heir, incident_id).stable_at is None
    look(heir, times=2)
    assert watch(heir, incident_id).stable_at is not None


def test_a_halt_suspends_the_watch_and_a_lift_goes_on_with_it(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE)
    service = engine.stored_incident(incident_id).service
    look(engine, times=3)
    engine.order(Word.HALT, service)
    look(engine, times=20)
    assert len(server.received) == 2 * 3
    engine.order(Word.LIFT, service, by="ada")
    look(engine, times=1)
    assert watch(engine, incident_id).held_seconds == pytest.approx(60, abs=1)
    look(engine, times=4)
    assert not engine.order(Word.ENDORSE, incident_id).refused


def test_another_rollback_begins_the_watch_anew(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE, cooldown="0s")
    service = engine.stored_incident(incident_id).service
    look(engine, times=10)
    (run_id,) = engine.order(Word.ROLLBACK, service, by="nina").runs
    assert not engine.order(Word.APPROVE, run_id).refused
    assert engine.incident(incident_id)["watch"] is None
    assert engine.drive(run_id).status is RunStatus.SUCCEEDED
    assert "its window of 2m has not begun" in refused(engine, incident_id)
    look(engine, times=8)
    assert watch(engine, incident_id).run_id == run_id
    assert refused(engine, incident_id)
    look(engine)
    assert not engine.order(Word.ENDORSE, incident_id).refused


def test_a_drill_is_not_watched(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE)
    with engine.app.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET drill = 1")
    look(engine, times=3)
    assert server.received == []
    assert engine.incident(incident_id)["watch"] is None


def test_the_incident_shows_the_window_and_what_was_measured(engine: DrivenEngine, server: MetricsServer) -> None:
    incident_id = restored(engine, server, RULE)
    look(engine, times=3)
    shown = engine.incident(incident_id)["watch"]
    assert (shown["state"], shown["window_seconds"], shown["problem"]) == ("holding", 120.0, "")
    assert shown["held_seconds"] == pytest.approx(30, abs=1)
    assert shown["since"] < shown["looked_at"] < shown["until"]
    assert [(one["query"], one["value"], one["state"]) for one in shown["metrics"]] == [
        (ERRORS, 0.002, "holding"),
        (LATENCY, 80.0, "holding"),
    ]
    server.values[LATENCY] = 400
    look(engine)
    shown = engine.incident(incident_id)["watch"]
    assert (shown["state"], shown["until"]) == ("failing", None)
    assert [one["state"] for one in shown["metrics"]] == ["holding", "failing"]


def test_a_secret_is_sent_and_never_said(engine: DrivenEngine, server: MetricsServer) -> None:
    headers = {"Authorization": "Bearer {{ secret('METRICS') }}"}
    incident_id = restored(engine, server, {"window": "1m", "metrics": [metric(headers=headers)]})
    server.instead = Answer(401, "no such token: hush-hush-1")
    look(engine, times=3)
    assert {one.headers["authorization"] for one in server.received} == {"Bearer hush-hush-1"}
    assert "status 401" in watch(engine, incident_id).problem
    assert "hush-hush" not in str(engine.incident(incident_id))


def test_a_host_that_the_target_does_not_allow_is_not_asked(engine: DrivenEngine, server: MetricsServer) -> None:
    target = {"ledger": engine.ledger.url, "metrics": "http://elsewhere.example", "allow_hosts": ["127.0.0.1"]}
    incident_id = restored(engine, server, RULE, targets={"production": target})
    look(engine)
    assert "elsewhere.example" in watch(engine, incident_id).problem
    assert watch(engine, incident_id).state == "unknown"
