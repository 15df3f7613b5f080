"""What a target says of itself, read back on a schedule: a version that no release put there opens one incident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import Build, DrivenEngine, builder, fresh_name
from support.ledger import Ledger
from support.scripted_server import Answer, ScriptedServer, scripted_server
from support.written_config import policy, write_config

from bot.domain.errors import ConfigError
from bot.domain.incidents import IncidentStatus, Severity
from bot.domain.live import LastRead
from bot.domain.records import Notice
from bot.domain.walks import KnownVersion, LiveVersion
from bot.flow.live_views import ServiceLive, service_live

MINUTE = timedelta(minutes=1)


@pytest.fixture
def build(tmp_path: Path, ledger: Ledger) -> Iterator[Build]:
    with builder(tmp_path, ledger) as build:
        yield build


@pytest.fixture
def engine(build: Build) -> DrivenEngine:
    return build(secrets={"SERVING": "hush-hush-1", "ELSEWHERE": "http://elsewhere.example.com"})


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger) -> Iterator[DrivenEngine]:
    """The same on both databases."""
    with builder(tmp_path, ledger, request.param) as build:
        yield build()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def protect(engine: DrivenEngine, server: ScriptedServer, **more: Any) -> str:
    """A service whose version is read back each minute; 41 is its baseline unless said otherwise."""
    service = fresh_name()
    target = {"ledger": engine.ledger.url, "serving": server.url, "allow_hosts": ["127.0.0.1"]}
    read = {"url": "{{ target.serving }}/model", "version": "body.version", **more.pop("read", {})}
    values = {"release": None, "baseline": "41", "targets": {"production": target}, "live": {"production": read}}
    made = policy(service, engine.ledger.url, **{**values, **more})
    write_config(engine.config, [{key: one for key, one in made.items() if one is not None}], ())
    engine.app.configuration.reload()
    return service


def serves(server: ScriptedServer, version: Any) -> None:
    server.will(Answer(body={"version": version}))


def look(*engines: DrivenEngine, times: int = 1) -> None:
    """So many slots go by, each looked at by every clock."""
    for _ in range(times):
        for engine in engines:
            engine.app.sweep.look()
        engines[0].clock.turn(MINUTE)


def state(engine: DrivenEngine, service: str) -> ServiceLive:
    with engine.app.store.read() as tx:
        known = engine.app.configuration.current.policies[service]
        return service_live(tx, service, known, at=None, environment="production", now=engine.clock.now())


def rows(engine: DrivenEngine, service: str) -> list[tuple[str | None, str]]:
    """The history, oldest first."""
    return [(one["version"], one["how"]) for one in reversed(state(engine, service)["environments"][0]["history"])]


def last(engine: DrivenEngine, service: str) -> LastRead:
    with engine.app.store.read() as tx:
        found = tx.last_read(service, "production")
    assert found is not None
    return found


def events(engine: DrivenEngine) -> list[tuple[str, str]]:
    """What the front door took from the readers, oldest first: the version and whether it fires."""
    with engine.app.store.read() as tx:
        ids = [one.id for one in tx.events(limit=200) if one.source == "live"]
        bodies = [json.loads(event.body or b"{}") for one in reversed(ids) if (event := tx.event(one))]
    return [(one["version"], one["status"]) for one in bodies]


def told(engine: DrivenEngine) -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=1000) if one.name == "live_unreadable"]


def test_a_version_changed_by_hand_opens_one_incident_on_two_clocks_and_is_resolved_when_it_is_back(
    anywhere: DrivenEngine, server: ScriptedServer
) -> None:
    engine = anywhere
    service, twin = protect(engine, server), engine.twin()
    twin.app.configuration.reload()
    serves(server, "41")
    look(engine, twin, times=3)
    assert engine.incidents(service) == []
    serves(server, "44")
    look(engine, twin, times=5)
    incident = engine.incidents(service)[0]
    assert len(engine.incidents(service)) == 1
    assert incident.title == "Unreleased version 44 serves production"
    assert incident.severity is Severity.SEV_2
    assert incident.alert_count == 1
    assert engine.runs(service) == []
    line = next(text for text in engine.lines(incident.id) if text.startswith("Read back"))
    assert "44 serves production, seen first at " in line
    assert "Expected is 41: it is the registered baseline" in line
    assert engine.service(service)["live"] == {"version": "44", "reason": "no release put 44 there"}
    assert events(engine) == [("44", "firing")]
    serves(server, "41")
    look(engine, twin, times=3)
    assert events(engine) == [("44", "firing"), ("44", "resolved")]
    assert len(engine.incidents(service)) == 1
    assert engine.stored_incident(incident.id).status is IncidentStatus.OPEN
    assert engine.lines(incident.id)[-1] == ("Read back: 44 does not serve production any more, 41 does as expected")
    assert rows(engine, service) == [("41", "baseline"), ("44", "read"), ("41", "read")]
    assert state(engine, service)["environments"][0]["as_expected"] is True
    assert [action for action, _, _ in engine.audit() if action.startswith("live.")] == [
        "live.unreleased",
        "live.expected",
    ]


def test_clocks_that_read_at_the_same_moment_tell_once(anywhere: DrivenEngine, server: ScriptedServer) -> None:
    engine = anywhere
    service = protect(engine, server)
    clocks = [engine, engine.twin(), engine.twin()]
    for one in clocks[1:]:
        one.app.configuration.reload()
    serves(server, "44")
    for _ in range(4):
        at_once([one.app.sweep.look for one in clocks])
        engine.clock.turn(MINUTE)
    assert len(engine.incidents(service)) == 1
    assert events(engine) == [("44", "firing")]
    assert len([text for text in engine.lines(engine.incidents(service)[0].id) if text.startswith("Read back")]) == 1


def test_the_same_version_that_comes_a_second_time_is_told_a_second_time(
    engine: DrivenEngine, server: ScriptedServer
) -> None:
    service = protect(engine, server)
    for version in ("44", "41", "44", "45"):
        serves(server, version)
        look(engine)
    assert sorted(events(engine)) == sorted(
        [("44", "firing"), ("44", "resolved"), ("44", "firing"), ("44", "resolved"), ("45", "firing")]
    )
    assert len(engine.incidents(service)) == 1
    assert engine.incidents(service)[0].alert_count == 3


def test_what_the_front_door_could_not_take_is_handed_over_later(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server)
    serves(server, "44")
    look(engine)
    with engine.app.store.write() as tx:  # as if its process had ended before the front door was told of version 45
        seen = last(engine, service)
        body = {"service": service, "environment": "production", "version": "45", "status": "firing"}
        owed = {"lvr-1": {**body, "since": "2026-01-01T00:00:00Z", "expected": ["41"], "why": "so", "seen": "45"}}
        tx.save(LastRead(**{**vars(seen), "owed": owed}))
    look(engine)
    assert ("45", "firing") in events(engine)
    assert last(engine, service).owed == {}


def test_nothing_is_asked_where_no_read_is_written_down(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server, live=None)
    look(engine, times=3)
    assert server.received == []
    assert engine.incidents(service) == []


def test_a_slot_is_read_once_by_several_clocks(engine: DrivenEngine, server: ScriptedServer) -> None:
    protect(engine, server, read={"every": "5m"})
    twin = engine.twin()
    twin.app.configuration.reload()
    serves(server, "41")
    look(engine, twin, times=10)
    assert len(server.received) == 2


def test_what_cannot_be_read_is_unknown_told_once_and_opens_no_incident(
    engine: DrivenEngine, server: ScriptedServer
) -> None:
    service = protect(engine, server)
    serves(server, "41")
    look(engine, times=2)
    server.will(Answer(503, {"version": "44"}))
    look(engine, times=2)
    assert told(engine) == []
    assert engine.service(service)["live"]["version"] == "41"
    look(engine, times=6)
    assert [one.facts["problem"] for one in told(engine)] == ["it answered with status 503"]
    assert told(engine)[0].service == service
    assert engine.incidents(service) == []
    live = engine.service(service)["live"]
    assert live["version"] is None
    assert "it answered with status 503; 41 was the last that was known" in live["reason"]
    assert rows(engine, service) == [("41", "baseline"), (None, "read")]
    serves(server, "41")
    look(engine)
    assert engine.service(service)["live"]["version"] == "41"
    assert rows(engine, service)[-1] == ("41", "read")


def test_an_unreadable_target_does_not_end_what_is_unreleased(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server)
    serves(server, "44")
    look(engine)
    server.will(Answer(0))
    look(engine, times=4)
    assert events(engine) == [("44", "firing")]
    assert last(engine, service).unreleased == "44"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(body={"version": ""}), "not 1 to 200 characters"),
        (Answer(body={"version": "4 4"}), "not 1 to 200 characters"),
        (Answer(body={"version": "4\u202e4"}), "not 1 to 200 characters"),
        (Answer(body={"version": "x" * 201}), "not 1 to 200 characters"),
        (Answer(body={"version": ["44"]}), "a list or a map, not text"),
        (Answer(body={"version": True}), "a truth value, not text"),
        (Answer(body={"version": 4.5}), "a number with a fraction, not text"),
        (Answer(body={}), "holds no version"),
        (Answer(body='{"version": "44", "version": "41"}'), "holds no version"),
        (Answer(body='{"version": NaN}'), "holds no version"),
        (Answer(body="[" * 5000), "holds no version"),
        (Answer(body={"version": "44", "more": "x" * 300_000}), "holds no version"),
        (Answer(body={"version": "hush-hush-1"}), "holds a secret"),
        (Answer(404, "hush-hush-1"), "status 404"),
        (Answer(302, "", {"Location": "http://127.0.0.1:1/"}), "status 302"),
        (Answer(0), ""),
    ],
)
def test_a_hostile_answer_is_no_version(
    engine: DrivenEngine, server: ScriptedServer, answer: Answer, problem: str
) -> None:
    service = protect(engine, server, read={"headers": {"X-Key": "{{ secret('SERVING') }}"}})
    server.will(answer)
    look(engine, times=3)
    assert problem in last(engine, service).problem
    assert last(engine, service).problem
    assert "hush" not in last(engine, service).problem
    assert engine.incidents(service) == []
    assert server.received[0].headers["x-key"] == "hush-hush-1"


def test_a_whole_number_is_a_version(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server)
    serves(server, 41)
    look(engine)
    assert last(engine, service).version == "41"
    assert last(engine, service).problem == ""


def test_a_slow_target_ends_at_its_deadline_and_keeps_no_other_waiting(
    engine: DrivenEngine, server: ScriptedServer, ledger: Ledger
) -> None:
    slow = protect(engine, server, read={"url": "{{ target.ledger }}/slow", "every": "1s"})
    quick = protect(engine, server)
    serves(server, "44")
    ledger.control(fault={"mode": "hang", "times": -1, "path": "/slow", "seconds": 20})
    try:
        look(engine)
    finally:
        ledger.control(fault=None)
    assert len(engine.incidents(quick)) == 1
    assert last(engine, slow).problem


def test_a_host_that_is_not_allowed_is_not_called(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server, read={"url": "{{ secret('ELSEWHERE') }}/model"})
    look(engine)
    assert server.received == []
    assert "not an allowed host" in last(engine, service).problem


def test_a_secret_that_there_is_not_is_a_problem_in_words(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server, read={"headers": {"X-Key": "{{ secret('NOWHERE') }}"}})
    look(engine)
    assert "NOWHERE" in last(engine, service).problem


@pytest.mark.parametrize(
    ("live", "fault"),
    [
        ({"staging": {"url": "http://127.0.0.1/x"}}, "target 'staging'"),
        ({"production": {"url": "{{ target.nowhere }}/x"}}, "'nowhere'"),
        ({"production": {"url": "{{ release.candidate }}"}}, "'release'"),
        ({"production": {"url": "{{ target. }}"}}, "not an expression"),
        ({"production": {"url": "http://elsewhere.example.com/x"}}, "elsewhere.example.com"),
        ({"production": {"url": "ftp://127.0.0.1/x"}}, "cannot be used"),
        ({"production": {"url": "http://127.0.0.1/x", "headers": {"a": "{{ nothing }}"}}}, "'nothing'"),
    ],
)
def test_a_read_that_could_never_work_is_found_when_the_policy_is_checked(
    engine: DrivenEngine, server: ScriptedServer, live: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError) as found:
        protect(engine, server, live={name: {"version": "body.version", **one} for name, one in live.items()})
    assert fault in str(found.value)


def test_the_candidate_may_serve_while_its_release_has_no_stages(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server, release={"incumbent": "41", "candidate": "42"}, baseline=None)
    for version in ("41", "42", "41", "42"):
        serves(server, version)
        look(engine, times=2)
    assert engine.incidents(service) == []
    serves(server, "43")
    look(engine)
    assert [one.title for one in engine.incidents(service)] == ["Unreleased version 43 serves production"]
    assert rows(engine, service) == [("41", "baseline"), ("42", "read"), ("43", "read")]


def test_the_incumbent_is_expected_after_a_rollback_once_two_reads_have_gone_by(
    engine: DrivenEngine, server: ScriptedServer
) -> None:
    service = protect(engine, server, release={"incumbent": "41", "candidate": "42"}, baseline=None)
    serves(server, "42")
    look(engine)
    run = engine.alert(firing(service)).runs[0]
    engine.drive(run)
    assert rows(engine, service)[-1] == ("41", "rollback")
    look(engine, times=2)
    assert engine.incidents(service)[0].title != "Unreleased version 42 serves production"
    assert events(engine) == []
    look(engine)
    assert events(engine) == [("42", "firing")]
    shown = state(engine, service)["environments"][0]
    assert (shown["version"], shown["expected"], shown["as_expected"]) == ("42", ["41"], False)


def test_a_criterion_rolls_back_only_where_it_names_the_alert(engine: DrivenEngine, server: ScriptedServer) -> None:
    rule = {"playbook": "by_key", "authority": "automatic", "within": "5m"}
    always = {"name": "always", "when": 'severity == "SEV-2"', **rule}
    named = {"name": "by hand", "when": 'alert.labels.alertname == "UnreleasedVersion"', **rule}
    release = {"incumbent": "41", "candidate": "42"}
    careful = protect(engine, server, rollback=[always], release=release)
    strict = protect(engine, server, rollback=[always, named], release=release)
    serves(server, "44")
    look(engine)
    assert engine.runs(careful) == []
    assert len(engine.incidents(careful)) == 1
    assert [run.criterion for run in engine.runs(strict)] == ["by hand"]


def test_the_policy_says_how_bad_it_is(engine: DrivenEngine, server: ScriptedServer) -> None:
    worst = {"SEV-1": 'alert.labels.alertname == "UnreleasedVersion"'}
    service = protect(engine, server, severity=worst, environment='"staging"')
    serves(server, "44")
    look(engine)
    found = engine.incidents(service)[0]
    assert (found.severity, found.environment) == (Severity.SEV_1, "production")


def test_a_baseline_is_registered_once_whoever_looks_first(engine: DrivenEngine, server: ScriptedServer) -> None:
    service, twin = protect(engine, server, live=None), engine.twin()
    twin.app.configuration.reload()
    at_once([engine.app.sweep.wake, twin.app.sweep.wake])
    engine.app.configuration.reload()
    engine.app.sweep.wake()
    with engine.app.store.read() as tx:
        registered: list[KnownVersion] = list(tx.known_versions(service))
        live: list[LiveVersion] = list(tx.live_versions(service))
    assert [(one.version, str(one.standing), one.by) for one in registered] == [("41", "baseline", "andon")]
    assert [(one.version, one.how, one.environment) for one in live] == [("41", "baseline", "production")]


def test_what_was_live_is_answered_for_any_moment(engine: DrivenEngine, server: ScriptedServer) -> None:
    service = protect(engine, server)
    before = engine.clock.now() - MINUTE
    serves(server, "41")
    look(engine)
    during = engine.clock.now()
    engine.clock.turn(MINUTE)
    serves(server, "44")
    look(engine)
    known = engine.app.configuration.current.policies[service]

    def at(moment: Any) -> list[tuple[str | None, bool | None]]:
        with engine.app.store.read() as tx:
            view = service_live(tx, service, known, at=moment, environment=None, now=engine.clock.now())
        return [(one["version"], one["as_expected"]) for one in view["environments"]]

    assert at(before) == [(None, None)]
    assert at(during) == [("41", True)]
    assert at(engine.clock.now()) == [("44", False)]
    assert at(None) == [("44", False)]
