"""Automatic rollbacks from alert to endorsement: states, times, notices, and what happens afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.alert_bodies import BEGUN, firing, group, resolved
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.written_config import Tree, acting, playbook

from bot.domain.errors import BadInput
from bot.domain.events import AlertState, Disposition, Word
from bot.domain.incidents import IncidentStatus
from bot.domain.policies import DEFAULT_AUDIENCES
from bot.domain.releases import ReleaseStatus
from bot.domain.runs import RunStatus

PATIENT = playbook("patient", {"id": "wait", "use": "pause", "with": {"for": "10m"}}, acting("repeat"))


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("rollbacks")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(PATIENT)


@pytest.fixture
def engine(house: DrivenEngine) -> DrivenEngine:
    house.clock.offset = timedelta(0)
    return house


def later(**span: float) -> Any:
    return BEGUN + timedelta(**span)


def criterion(**more: Any) -> Tree:
    return {"name": "divergence", "when": 'alert.labels.alertname == "Divergence"', "playbook": "by_key", **more}


def test_an_alert_that_meets_an_automatic_criterion_is_answered_by_a_proven_rollback(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(firing(service))
    assert (receipt.disposition, engine.verdicts(receipt)) == (Disposition.ACCEPTED, ["run"])
    assert engine.stored_incident(receipt.incidents[0]).status is IncidentStatus.ROLLING_BACK
    assert engine.service(service)["state"] == "rolling_back"
    run = engine.drive(receipt.runs[0])
    assert run.status is RunStatus.SUCCEEDED
    assert [effect["body"] for effect in engine.ledger.effects(service)] == [{"to": "41"}]
    assert engine.stored_incident(receipt.incidents[0]).status is IncidentStatus.MONITORING
    state = engine.service(service)
    assert (state["state"], state["release"]["status"]) == ("monitoring", ReleaseStatus.ROLLED_BACK)
    assert state["live"] == {"version": "41", "reason": "restored from 42"}


def test_every_time_of_a_run_counts_from_the_commit_of_its_alert(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, rollback=[criterion(playbook="patient", within="20m")])
    receipt = engine.alert(firing(service))
    with engine.app.store.read() as tx:
        event = tx.event(receipt.event_id)
    assert event is not None
    run = engine.drive(receipt.runs[0])
    assert run.accepted_at == event.accepted_at
    assert run.deadline == event.accepted_at + timedelta(minutes=20)
    waited_since = run.step("wait").started_at
    assert waited_since is not None
    assert run.first_action_at is not None
    assert waited_since < run.first_action_at
    assert run.first_action_at == run.step("act").started_at
    assert 600 <= (run.seconds_to_first_action or 0) < 660
    assert run.finished_at is not None
    assert run.finished_at > run.first_action_at
    assert run.breached_at is None


def test_each_audience_of_the_policy_gets_each_notice_once(engine: DrivenEngine) -> None:
    service = fresh_name()
    audiences = {
        "product": {},
        "engineering": {},
        "board": {"min_severity": "SEV-1"},
        "support": {"min_severity": "SEV-3"},
    }
    engine.protect(service, audiences=audiences)
    receipt = engine.alert(firing(service))
    engine.drive(receipt.runs[0])
    for name in ("rollback_started", "restored"):
        told = [notice.audience for notice in engine.notices(receipt.incidents[0], name)]
        assert sorted(told) == ["engineering", "product", "support"]


def test_an_incident_that_gets_worse_is_told_to_those_who_hear_of_the_worst_only(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, audiences={"board": {"min_severity": "SEV-1"}}, rollback=[criterion()])
    first = engine.alert(firing(service, "Other"))
    assert engine.told(first.incidents[0]) == []
    second = engine.alert(firing(service, severity="critical"))
    assert engine.told(second.incidents[0]) == ["rollback_started"]
    assert engine.incident(second.incidents[0])["severity"] == "SEV-1"
    engine.alert(firing(service, "Another"))
    assert engine.incident(second.incidents[0])["severity"] == "SEV-1"


def test_without_audiences_four_are_told_each_in_its_own_words(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, audiences={})
    receipt = engine.alert(firing(service))
    engine.drive(receipt.runs[0])
    restored = engine.notices(receipt.incidents[0], "restored")
    assert sorted(notice.audience for notice in restored) == sorted(DEFAULT_AUDIENCES)
    for notice in restored:
        engine.app.notices.send(notice.id)
    bodies = {notice.body for notice in engine.notices(receipt.incidents[0], "restored")}
    assert len(bodies - {""}) == 4


def test_two_hundred_flips_of_an_alert_lead_to_one_automatic_rollback(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, cooldown="0s")
    for flip in range(200):
        make = resolved if flip % 2 else firing
        receipt = engine.alert(make(service, began=later(minutes=flip // 2)))
        if flip == 40:
            engine.drive(receipt.runs[0])
    made = engine.runs(service)
    assert [run.authority for run in made] == ["automatic", "rollback_authority"]
    assert made[1].only_waits_for_approval
    assert len(engine.ledger.effects(service)) == 1


def test_after_the_cooldown_a_release_that_was_rolled_back_is_still_asked_about(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, cooldown="0s")
    engine.drive(engine.alert(firing(service)).runs[0])
    again = engine.alert(firing(service, began=later(hours=1)))
    [decision] = engine.decisions(again)
    assert (decision.verdict, decision.authority) == ("ask", "rollback_authority")
    assert "was rolled back already" in decision.reason


def test_a_new_release_inside_the_cooldown_asks_and_after_it_rolls_back(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.drive(engine.alert(firing(service)).runs[0])
    engine.protect(service, release={"incumbent": "41", "candidate": "43"})
    inside = engine.alert(firing(service, began=later(hours=1)))
    [decision] = engine.decisions(inside)
    assert (decision.verdict, decision.authority) == ("ask", "rollback_authority")
    assert "began less than 30m ago" in decision.reason
    engine.clock.turn(timedelta(minutes=31))
    after = engine.alert(firing(service, began=later(hours=2)))
    assert engine.verdicts(after) == ["run"]
    assert engine.found(inside.runs[0]).status is RunStatus.SUPERSEDED
    engine.drive(after.runs[0])
    assert engine.service(service)["live"] == {"version": "41", "reason": "restored from 43"}


def test_a_run_that_missed_its_deadline_while_it_waited_says_so_once_and_finishes_late(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, rollback=[criterion(playbook="patient", within="1m")])
    engine.clock.turn(timedelta(minutes=-30))
    try:
        receipt = engine.alert(firing(service))
    finally:
        engine.clock.turn(timedelta(minutes=30))
    run_id, incident = receipt.runs[0], receipt.incidents[0]
    for _ in range(3):
        engine.app.sweep.wake()
    assert engine.found(run_id).status is RunStatus.QUEUED
    assert len(engine.notices(incident, "deadline_missed")) == 1
    breached_at = engine.found(run_id).breached_at
    run = engine.drive(run_id)
    assert (run.status, run.breached_at) == (RunStatus.SUCCEEDED, breached_at)
    assert len(engine.notices(incident, "deadline_missed")) == 1
    assert any(line.endswith("(after its deadline)") for line in engine.lines(incident))
    assert all(notice.facts["run"]["late"] for notice in engine.notices(incident, "restored"))


def test_an_endorsed_incident_is_stable_until_the_next_alert_opens_it_again(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(firing(service))
    incident = receipt.incidents[0]
    assert engine.order(Word.ENDORSE, incident).refused, "what was not restored yet cannot be accepted"
    engine.drive(receipt.runs[0])
    assert engine.order(Word.ENDORSE, incident, by="otto").refused
    assert not engine.order(Word.ENDORSE, incident, by="olga").refused
    assert engine.stored_incident(incident).status is IncidentStatus.STABLE
    assert len(engine.notices(incident, "endorsed")) == 1
    reopened = engine.alert(firing(service, "Other"))
    assert reopened.incidents == (incident,)
    assert engine.stored_incident(incident).status is IncidentStatus.OPEN


def test_an_incident_cannot_be_resolved_under_an_active_run(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(firing(service))
    refused = engine.order(Word.RESOLVE, receipt.incidents[0])
    assert refused.refused
    assert receipt.runs[0] in refused.message
    engine.drive(receipt.runs[0])
    assert not engine.order(Word.RESOLVE, receipt.incidents[0]).refused
    with pytest.raises(BadInput, match="resolved already"):
        engine.order(Word.RESOLVE, receipt.incidents[0])


def test_versions_stay_text_from_the_policy_to_the_deployer(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, release={"incumbent": "1.10", "candidate": "2.0"})
    run = engine.drive(engine.alert(firing(service)).runs[0])
    assert [effect["body"] for effect in engine.ledger.effects(service)] == [{"to": "1.10"}]
    assert run.facts["release"]["candidate"] == "2.0"


def test_alerts_of_two_services_in_one_request_are_decided_each_on_its_own(engine: DrivenEngine) -> None:
    one, other = fresh_name(), fresh_name()
    engine.protect(one)
    engine.protect(other)
    receipt = engine.alert(firing(one), firing("nobody-protects-this"), firing(other))
    assert (receipt.disposition, receipt.alerts) == (Disposition.ACCEPTED, 3)
    assert engine.verdicts(receipt) == ["run", "ignore", "run"]
    assert [engine.found(run_id).service for run_id in receipt.runs] == [one, other]
    for run_id in receipt.runs:
        assert engine.drive(run_id).status is RunStatus.SUCCEEDED


def test_alerts_of_one_group_are_decided_one_after_the_other(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(
        firing(service, "Other", fingerprint=f"{service}-a"),
        firing(service, fingerprint=f"{service}-b"),
        firing(service, fingerprint=f"{service}-c"),
        firing(service, fingerprint=f"{service}-b"),
        resolved(service, "Other", fingerprint=f"{service}-a"),
    )
    assert engine.verdicts(receipt) == ["note", "run", "join", "duplicate", "note"]
    assert (len(receipt.incidents), len(receipt.runs)) == (1, 1)
    assert [
        line["data"]["verdict"]
        for line in engine.incident(receipt.incidents[0])["timeline"]
        if line["data"].get("verdict")
    ] == [
        "note",
        "run",
        "join",
        "note",
    ]


def test_deliveries_of_one_commit_see_each_other(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    body = group(firing(service))
    first, second = engine.accept(body, body)
    assert (first.disposition, second.disposition) == (Disposition.ACCEPTED, Disposition.DUPLICATE)
    assert first.runs == second.runs
    assert len(engine.runs(service)) == 1


def test_an_alert_that_two_policies_are_about_leads_to_two_incidents_and_two_runs(engine: DrivenEngine) -> None:
    model, shop = fresh_name("model"), fresh_name("shop")
    engine.protect(model)
    engine.protect(shop, match=f'alert.labels.service == "{model}" || alert.labels.service == "{shop}"')
    receipt = engine.alert(firing(model))
    assert sorted(engine.found(run_id).service for run_id in receipt.runs) == [model, shop]
    assert len(set(receipt.incidents)) == 2
    again = engine.alert(firing(model))
    assert (again.disposition, set(again.runs)) == (Disposition.DUPLICATE, set(receipt.runs))


def test_environments_of_one_service_have_an_incident_and_a_run_each(engine: DrivenEngine) -> None:
    service = fresh_name()
    target = {"ledger": engine.ledger.url, "allow_hosts": ["127.0.0.1"]}
    engine.protect(service, targets={"production": target, "staging": target})
    there = engine.alert(firing(service, environment="staging", fingerprint=f"{service}-staging"))
    here = engine.alert(firing(service))
    assert engine.verdicts(there) == engine.verdicts(here) == ["run"]
    assert set(there.incidents).isdisjoint(here.incidents)
    assert set(there.runs).isdisjoint(here.runs)


def state_of(engine: DrivenEngine, identity: str) -> AlertState:
    with engine.app.store.read() as tx:
        state: AlertState = tx.alert_states([("alertmanager", identity)])["alertmanager", identity]
    return state


def test_an_end_that_comes_late_does_not_end_an_alert_that_began_after_it(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.alert(firing(service, began=later(hours=1)))
    late = engine.alert(resolved(service))
    assert (late.disposition, engine.verdicts(late)) == (Disposition.IGNORED, ["stale"])
    assert str(state_of(engine, f"{service}-Divergence").status) == "firing"
    assert engine.alert(firing(service, began=later(hours=1))).disposition is Disposition.DUPLICATE
    assert engine.alert(firing(service)).disposition is Disposition.IGNORED, "its end was seen, though late"
