"""The words of `andon` for drills, on a real database; whoever carries drills out is played by the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from support.cli import TOKENS, Andon, andon_by
from support.driven_engine import fresh_name
from support.engine import Engine, running_engine
from support.installation import until

from bot.domain.drills import Drill, DrillEvent, DrillState

INJECT = {
    "id": "break",
    "use": "http_request",
    "with": {"method": "POST", "url": "{{ target.ledger }}/break/{{ service }}"},
    "undo": {"use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/mend/{{ service }}"}},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


def rehearsing(engine: Engine, **more: Any) -> str:
    service = fresh_name("cli-drill")
    targets = {
        "production": {"ledger": "http://production.invalid", "allow_hosts": ["production.invalid"]},
        "staging": {"ledger": engine.ledger.url, "allow_hosts": [engine.ledger.host]},
    }
    rule = {"playbook": "by_key", "environment": "staging", "objective": "2m", "inject": [INJECT], **more}
    engine.protect(service, targets=targets, drills=[rule])
    return service


def stored(engine: Engine, drill_id: str) -> Drill:
    with engine.app.store.read() as tx:
        found = tx.drill(drill_id)
    assert found is not None
    return found


def drill_of(engine: Engine, service: str) -> Drill | None:
    with engine.app.store.read() as tx:
        return next(iter(tx.drills(limit=1, service=service)), None)


def carried_out(engine: Engine, service: str, *, verified: float, end: DrillEvent) -> Thread:
    """A worker that takes the drill of this service once there is one, and ends it."""

    def work() -> None:
        drill = until("a drill is there", lambda: drill_of(engine, service))
        now = datetime.now(UTC)
        started = drill.moved(DrillEvent.START, now)
        moments = {
            "injected_at": now,
            "detected_at": now + timedelta(seconds=1),
            "first_action_at": now + timedelta(seconds=2),
            "restored_at": now + timedelta(seconds=3),
            "verified_at": now + timedelta(seconds=verified),
            "human": False,
        }
        cleaning = replace(started.moved(DrillEvent.CLEAN, now), **moments)
        with engine.app.store.write() as tx:
            tx.save(
                cleaning.moved(end, now + timedelta(seconds=verified + 1), why="" if end is DrillEvent.PASS else "late")
            )

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_drill_is_followed_to_its_end_and_its_measured_recovery_is_told(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine)
    worker = carried_out(engine, service, verified=42.5, end=DrillEvent.PASS)
    said = andon("drill", service, "--environment", "staging", by="olga")
    worker.join(10)
    assert (said.code, said.err) == (0, "")
    assert f"by_key is rehearsed for {service} in staging now" in said.out
    assert "PASSED: restored and verified in 42.50 s (objective 2m), nobody was needed" in said.out
    assert "verified          39.50 s after restored" in said.out


def test_a_drill_that_does_not_pass_exits_1_and_says_why(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine)
    worker = carried_out(engine, service, verified=150, end=DrillEvent.FAIL)
    said = andon("drill", service, "--json", by="olga")
    worker.join(10)
    assert said.code == 1
    assert (said.json["state"], said.json["why"], said.json["seconds_to_restore"]) == ("failed", "late", 150.0)


def test_without_workers_it_says_what_is_needed_and_starts_nothing(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine)
    said = andon("drill", service, "--worker-within", "400ms", by="olga")
    assert said.code == 1
    assert "no worker has taken drill" in said.err
    assert "start `andon up`" in said.err
    found = drill_of(engine, service)
    assert found is not None
    assert found.state is DrillState.PLANNED


def test_it_may_be_left_alone_and_looked_at_later(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine)
    said = andon("drill", service, "--no-wait", "--json", by="olga")
    (drill_id,) = said.json["records"]
    assert said.code == 0
    listed = andon("drills", "list", "--service", service)
    assert f"{drill_id}  " in listed.out
    assert "planned    by_key for" in listed.out
    shown = andon("drills", "show", drill_id).out
    assert "failure: break (http_request)" in shown
    assert "asked for by olga" in shown
    assert andon("drills", "show", drill_id, "--json").json["objective_seconds"] == 120.0
    assert andon("drills", "list", "--service", service, "--state", "passed", "--json").json["items"] == []


def test_a_dry_run_prints_every_call_in_its_order_and_touches_nothing(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine, alert={"alertname": "Divergence"})
    before = len(engine.ledger.calls())
    said = andon("drill", service, "--dry-run", by=None)
    assert said.code == 0
    found = [said.out.index(part) for part in ("/break/", '"alertname": "Divergence"', "/effects/", "/mend/")]
    assert found == sorted(found)
    assert "Andon-Drill: true" in said.out
    assert drill_of(engine, service) is None
    assert len(engine.ledger.calls()) == before
    parts = andon("drill", service, "--dry-run", "--json").json["parts"]
    assert [len(one["steps"]) for one in parts] == [1, 1, 2, 1]
    assert andon("drill", service, "--dry-run", "--environment", "production").is_problem("it is production")
    assert andon("drill", service, "--dry-run", "--surprise").is_problem("A surprise is not told beforehand")


def test_planned_drills_are_moved_hurried_and_skipped(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine, cron="0 3 1 * *", remind=["1h"])
    engine.app.sweep.wake()
    found = drill_of(engine, service)
    assert found is not None
    moved = andon("drills", "move", found.id, "--to", "in 3 h", by="olga")
    assert (moved.code, moved.err) == (0, "")
    assert stored(engine, found.id).due_at != found.due_at
    assert andon("drills", "move", found.id, "--to", "yesterday", by="olga").is_problem("yesterday")
    assert andon("drills", "skip", found.id, "--reason", "no", by=None).is_problem("it needs the role operator")
    assert "starts now" in andon("drills", "run", found.id, by="olga").out
    assert "is skipped" in andon("drills", "skip", found.id, "--reason", "staging is rebuilt", by="olga").out
    assert stored(engine, found.id).why == "staging is rebuilt"
    assert andon("drills", "run", found.id, by="olga").is_problem("cannot start any more")
    assert andon("drills", "show", found.id).out.count("staging is rebuilt") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("drills", "show", "drl-none"), "No drill 'drl-none'"),
        (("drills", "skip", "drl-none", "--reason", "x"), "`andon drills list` shows what there is"),
        (("drills", "list", "--state", "odd"), "they are planned, injecting"),
        (("drill", "nobody-knows-it"), "nobody-knows-it"),
    ],
)
def test_what_makes_no_sense_is_answered_in_a_line(andon: Andon, given: tuple[str, ...], says: str) -> None:
    assert andon(*given).is_problem(says)


def test_a_drill_takes_the_role(engine: Engine, andon: Andon) -> None:
    service = rehearsing(engine)
    assert andon("drill", service, by=None).is_problem("it needs the role operator")
    assert andon("drill", service, "--surprise", by="olga").is_problem("has no game days")
    assert andon("drill", service, "--environment", "production", by="olga").is_problem("never touches it")
