"""Pauses, observing, and files that change: what led to nothing is decided again when it may, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.alert_bodies import BEGUN, firing, resolved
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.written_config import acting, playbook

from bot.domain.errors import ConfigError
from bot.domain.events import Disposition, Word
from bot.domain.runs import RunStatus


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("switches")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build()


@pytest.fixture
def engine(house: DrivenEngine) -> Iterator[DrivenEngine]:
    house.clock.offset = timedelta(0)
    yield house
    house.order(Word.AUTOMATION, "", by="ada", on=True)


ANOTHER = {"name": "another", "when": 'alert.labels.alertname == "Another"', "playbook": "by_key"}


def test_an_alert_that_no_policy_is_about_is_ignored_with_its_reason(engine: DrivenEngine) -> None:
    receipt = engine.alert(firing("nobody-protects-this"))
    assert receipt.disposition is Disposition.IGNORED
    [decision] = engine.decisions(receipt)
    assert (decision.verdict, decision.reason) == ("ignore", "no policy matches it")


@pytest.mark.parametrize(
    ("alert", "reason"),
    [
        ({"title": "Nothing in particular"}, "no rollback criterion holds"),
        ({"title": "Silence", "status": "no_data"}, "no data is neither health nor its absence"),
        ({"title": "Seen", "status": "acknowledged"}, "the alert says acknowledged"),
        ({"title": "Over", "status": "resolved"}, "resolved at its source"),
        ({"title": "Elsewhere", "labels": {"environment": "moon"}}, "is not one of the targets"),
    ],
)
def test_an_alert_that_leads_to_nothing_is_noted_with_its_reason(
    engine: DrivenEngine, alert: dict[str, object], reason: str
) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.generic(service=service, **alert)
    [decision] = engine.decisions(receipt)
    assert (receipt.disposition, decision.verdict, receipt.runs) == (Disposition.ACCEPTED, "note", ())
    assert reason in decision.reason
    assert len(receipt.incidents) == (1 if alert.get("status") is None else 0)


def test_a_condition_that_cannot_be_evaluated_fires_nothing_and_is_shown(engine: DrivenEngine) -> None:
    service = fresh_name()
    broken = {"name": "ratio", "when": "double(alert.labels.ratio) > 0.1", "playbook": "by_key"}
    engine.protect(service, rollback=[broken])
    [decision] = engine.decisions(engine.alert(firing(service, ratio="much")))
    assert decision.verdict == "note"
    assert "ratio could not be evaluated" in decision.reason
    assert [one.truth for one in decision.trace] == ["unknown"]


def test_hands_off_ends_by_itself(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "2h"})
    held = engine.alert(firing(service))
    assert engine.verdicts(held) == ["held"]
    assert engine.told(held.incidents[0]) == ["held"]
    assert engine.alert(firing(service)).disposition is Disposition.DUPLICATE
    engine.clock.turn(timedelta(hours=1, minutes=59))
    assert engine.alert(firing(service)).disposition is Disposition.DUPLICATE
    engine.clock.turn(timedelta(minutes=2))
    run = engine.alert(firing(service))
    assert engine.verdicts(run) == ["run"]
    assert run.incidents == held.incidents
    assert engine.drive(run.runs[0]).status is RunStatus.SUCCEEDED
    assert (engine.alert(firing(service)).runs, len(engine.ledger.effects(service))) == (run.runs, 1)


def test_automation_off_holds_every_service_and_stops_no_run_that_began(engine: DrivenEngine) -> None:
    one, other = fresh_name(), fresh_name()
    engine.protect(one)
    engine.protect(other)
    begun = engine.alert(firing(one))
    engine.order(Word.AUTOMATION, "", by="ada", on=False)
    assert engine.verdicts(engine.alert(firing(other))) == ["held"]
    assert engine.drive(begun.runs[0]).status is RunStatus.SUCCEEDED
    asked = engine.order(Word.ROLLBACK, other, by="otto")
    assert not engine.order(Word.APPROVE, asked.runs[0], by="olga").refused
    assert engine.drive(asked.runs[0]).status is RunStatus.SUCCEEDED


def test_an_alert_that_ended_while_automation_was_off_starts_nothing_later(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.order(Word.AUTOMATION, "", by="ada", on=False)
    engine.alert(firing(service))
    engine.alert(resolved(service))
    engine.order(Word.AUTOMATION, "", by="ada", on=True)
    assert engine.alert(firing(service)).disposition is Disposition.IGNORED
    assert engine.runs(service) == []


def test_observing_touches_nothing_until_the_policy_acts(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, mode="observe")
    seen = engine.alert(firing(service))
    assert engine.verdicts(seen) == ["observe"]
    assert engine.told(seen.incidents[0]) == ["would_restore"]
    [notice] = engine.notices(seen.incidents[0], "would_restore")
    engine.app.notices.send(notice.id)
    with engine.app.store.read() as tx:
        sent = tx.notice(notice.id)
    assert sent is not None
    assert "would have" in sent.body
    assert (engine.runs(service), engine.ledger.calls(service)) == ([], [])
    assert engine.service(service)["release"]["status"] == "in_flight"
    engine.protect(service, mode="act")
    again = engine.alert(firing(service))
    assert (engine.verdicts(again), again.incidents) == (["run"], seen.incidents)


def test_a_policy_that_is_written_after_its_alert_is_asked_when_the_alert_repeats(engine: DrivenEngine) -> None:
    service = fresh_name()
    assert engine.alert(firing(service)).disposition is Disposition.IGNORED
    engine.protect(service)
    again = engine.alert(firing(service))
    assert (again.disposition, engine.verdicts(again)) == (Disposition.ACCEPTED, ["run"])


def test_a_criterion_that_is_written_after_its_alert_is_asked_when_the_alert_repeats(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    noted = engine.alert(firing(service, "Another"))
    assert engine.verdicts(noted) == ["note"]
    assert engine.alert(firing(service, "Another")).disposition is Disposition.DUPLICATE
    engine.protect(service, rollback=[ANOTHER])
    again = engine.alert(firing(service, "Another"))
    assert (engine.verdicts(again), again.incidents) == (["run"], noted.incidents)
    third = engine.alert(firing(service, "Another"))
    assert (third.disposition, third.runs) == (Disposition.DUPLICATE, again.runs)


def test_files_that_are_at_fault_leave_the_old_set_in_force(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    file = engine.config / "policies" / f"{service}.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("playbook: by_key", "playbook: by_magic"), encoding="utf-8")
    try:
        with pytest.raises(ConfigError, match="by_magic"):
            engine.app.configuration.reload()
        receipt = engine.alert(firing(service))
        assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    finally:
        file.write_text(text, encoding="utf-8")


def test_a_run_keeps_its_playbook_and_its_target_when_the_files_change_under_it(engine: DrivenEngine) -> None:
    service = fresh_name()
    before = playbook("kept", {"id": "wait", "use": "pause", "with": {"for": "5m"}}, acting("repeat"))
    engine.protect(service, before, playbook="kept")
    receipt = engine.alert(firing(service))
    engine.app.runner.advance(receipt.runs[0])
    assert engine.found(receipt.runs[0]).status is RunStatus.WAITING
    nobody = {"production": {"ledger": "http://127.0.0.1:9", "allow_hosts": ["127.0.0.1"]}}
    after = playbook("kept", acting("ask", id="other"))
    engine.protect(service, after, playbook="kept", targets=nobody, release={"incumbent": "7", "candidate": "8"})
    run = engine.drive(receipt.runs[0])
    assert (run.status, [step.id for step in run.steps]) == (RunStatus.SUCCEEDED, ["wait", "act"])
    assert [effect["body"] for effect in engine.ledger.effects(service)] == [{"to": "41"}]


def test_a_run_whose_policy_is_taken_away_ends_and_the_engineers_are_told(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(firing(service))
    file = engine.config / "policies" / f"{service}.yaml"
    file.unlink()
    engine.app.configuration.reload()
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    with engine.app.store.read() as tx:
        house = [notice for notice in tx.notices(limit=10_000) if notice.cause == f"run:{receipt.runs[0]}"]
    assert [notice.name for notice in house if notice.service == "andon"] == ["orphaned_run"]


def test_a_release_that_a_policy_names_anew_is_in_flight_again(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.alert(firing(service, "Nothing"))
    engine.protect(service, release={"incumbent": "42", "candidate": "43"})
    engine.alert(firing(service, "Nothing", began=BEGUN + timedelta(hours=1)))
    state = engine.service(service)
    assert (state["release"]["candidate"], state["release"]["status"]) == ("43", "in_flight")
