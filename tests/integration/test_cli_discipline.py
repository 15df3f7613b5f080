"""`andon discipline` on a real database: what it says, and the exit code that a pipeline goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.cli import TOKENS, Andon, andon_by
from support.drill_records import drill, ended_run
from support.engine import Engine, running_engine

from bot.domain.drills import DrillState

DAY = timedelta(days=1)
WEEKLY = {"playbook": "by_key", "environment": "staging", "cron": "0 10 * * 2"}


@pytest.fixture
def engine(tmp_path: Any) -> Iterator[Engine]:
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


def practise(engine: Engine, service: str, **more: Any) -> None:
    production = {"ledger": "http://production.invalid", "allow_hosts": ["production.invalid"]}
    staging = {"ledger": engine.ledger.url, "allow_hosts": [engine.ledger.host]}
    engine.protect(service, drills=[WEEKLY], targets={"production": production, "staging": staging}, **more)


def add(engine: Engine, *records: Any) -> None:
    with engine.app.store.write() as tx:
        tx.add(*records)


def ended(engine: Engine, service: str, days_ago: float, **changes: Any) -> Any:
    return drill(engine.app.clock.now() - days_ago * DAY, service=service, playbook="by_key", **changes)


def test_every_service_has_its_line_and_the_exit_code_is_of_those_with_a_schedule(andon: Andon, engine: Engine) -> None:
    practise(engine, "scores", assumed_restore="5m")
    now = engine.app.clock.now()
    add(engine, ended(engine, "scores", 4, seconds=192.0, human=True), ended(engine, "scores", 11, seconds=60.0))
    add(engine, ended_run(now - 30 * DAY, seconds=41.0, service="scores"))
    add(engine, drill(None, state=DrillState.PLANNED, service="scores", playbook="by_key", due_at=now + 3 * DAY))
    said = andon("discipline")
    assert (said.code, said.err) == (0, "")
    (line,) = [one for one in said.out.splitlines() if one.startswith("●")]
    for part in ("scores", "proven", "5m", "3m12s / 1m / 3m12s (2)", "41s / 41s / 41s (1)", "4 days ago, drill", "yes"):
        assert part in line
    assert "▁▂▅" in line
    (other,) = [one for one in said.out.splitlines() if "unrelated" in one and one.startswith("○")]
    assert "never proven" in other
    assert "scores: assumed 5m, measured 3m12s" in said.out
    assert "1 of 1 services with a schedule are proven and in time." in said.out


@pytest.mark.parametrize(
    ("changes", "verdict", "mending"),
    [
        ({"days_ago": 4, "seconds": 400.0}, "too slow", None),
        ({"days_ago": 4, "state": DrillState.FAILED, "verified_at": None, "why": "it \x1b[31mdied"}, "failed", "died"),
        ({"days_ago": 30}, "overdue", "last passed 30 days ago"),
    ],
)
def test_what_is_not_proven_in_time_is_exit_1_and_said(
    andon: Andon, engine: Engine, changes: dict[str, Any], verdict: str, mending: str | None
) -> None:
    practise(engine, "scores")
    add(engine, ended(engine, "scores", changes.pop("days_ago"), **changes))
    said = andon("discipline", "scores")
    assert said.code == 1
    assert f"\n{verdict}: " in said.out
    assert "\x1b" not in said.out
    assert ("To be mended" in said.out) is (mending is not None)
    assert mending is None or mending in said.out
    assert "next not planned" in said.out
    assert andon("discipline").code == 1


def test_one_service_is_judged_by_itself_and_json_says_the_same(andon: Andon, engine: Engine) -> None:
    practise(engine, "scores")
    engine.protect("plain")
    add(engine, ended(engine, "scores", 30))
    add(engine, ended_run(engine.app.clock.now() - DAY, seconds=41.0, service="plain"))
    assert andon("discipline", "plain").code == 0
    view = andon("discipline", "scores", "--days", "10", "--json")
    assert (view.code, view.json["days"], view.json["in_order"]) == (1, 10, False)
    assert [(one["service"], one["verdict"]) for one in view.json["services"]] == [("scores", "overdue")]
    assert view.json["services"][0]["drills"]["measured"] == 0
    assert andon("discipline", "unrelated").code == 1, "what was never proven is no pass"


def test_where_nothing_is_scheduled_that_is_said(andon: Andon) -> None:
    said = andon("discipline")
    assert said.code == 0
    assert "no policy has a schedule of drills" in said.err


def test_a_service_that_nobody_knows_and_days_that_are_too_many_are_refused(andon: Andon) -> None:
    assert andon("discipline", "nobody").is_problem("nobody")
    assert andon("discipline", "--days", "99999").is_problem("3650")
    assert andon("discipline", "--days", "0").code == 2
