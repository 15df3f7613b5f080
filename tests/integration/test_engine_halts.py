"""Halts among other runs: what they supersede, what joined it, what stays frozen, and who was allowed to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.alert_bodies import BEGUN, firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name, in_background
from support.installation import until
from support.ledger import running_ledger
from support.written_config import Tree, acting, playbook

from bot.domain.events import Disposition, Word
from bot.domain.incidents import IncidentStatus
from bot.domain.releases import ReleaseStatus
from bot.domain.runs import RunStatus

PROMOTE = playbook("promote_it", acting("repeat"), acting("repeat", id="more"), kind="promote")
HALT = playbook("stop_it", {"id": "wait", "use": "pause", "with": {"for": "1h"}}, kind="halt")
UNDOES = playbook(
    "undoes",
    acting(
        "repeat",
        undo={
            "use": "http_request",
            "with": {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}-undo"},
        },
    ),
    {"id": "fails", "use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/nowhere"}},
    on_failure="undo",
)
UNSURE = {
    "name": "unsure",
    "when": 'alert.labels.alertname == "Unsure"',
    "playbook": "by_key",
    "authority": "rollback_authority",
}
SURE = {"name": "sure", "when": 'alert.labels.alertname == "Sure"', "playbook": "by_key"}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("halts")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(PROMOTE, HALT, UNDOES)


def noted(engine: DrivenEngine, **more: object) -> tuple[str, str, str]:
    """A service with an open incident: its name, the incident, and the event that opened it."""
    service = fresh_name()
    engine.protect(service, rollback=[SURE, UNSURE], **more)
    receipt = engine.alert(firing(service, "Nothing"))
    return service, receipt.incidents[0], receipt.event_id


def halt_rule() -> Tree:
    return {"halt": {"playbook": "stop_it"}}


def test_an_open_incident_is_halted_and_so_is_its_release(engine: DrivenEngine) -> None:
    service, incident, _ = noted(engine)
    receipt = engine.order(Word.HALT, service)
    assert receipt.incidents == (incident,)
    assert engine.stored_incident(incident).status is IncidentStatus.HALTED
    assert engine.service(service)["release"]["status"] == ReleaseStatus.HALTED
    assert engine.runs(service) == []


def test_a_halt_ends_a_promotion_whose_step_is_in_flight_and_its_outcome_is_still_recorded(
    engine: DrivenEngine,
) -> None:
    service, incident, event = noted(engine)
    run = engine.start(service, "promote_it", event=event)
    engine.ledger.fault("slow", path=f"/effects/{service}", seconds=0.7)
    work = in_background(lambda: engine.app.runner.advance(run.id))
    until("the step is in flight", lambda: engine.ledger.calls(service))
    engine.order(Word.HALT, service)
    assert engine.found(run.id).status is RunStatus.SUPERSEDED
    work.join(20)
    ended = engine.found(run.id)
    assert ended.status is RunStatus.SUPERSEDED
    assert [str(step.status) for step in ended.steps] == ["done", "pending"]
    assert len(engine.ledger.effects(service)) == 1
    assert any(line.startswith("Step act (http_request): done") for line in engine.lines(incident))
    engine.app.runner.advance(run.id)
    assert len(engine.ledger.calls(service)) == 1


def test_an_automatic_rollback_supersedes_a_promotion(engine: DrivenEngine) -> None:
    service, incident, event = noted(engine)
    promotion = engine.start(service, "promote_it", event=event)
    receipt = engine.alert(firing(service, "Sure"))
    assert engine.found(promotion.id).status is RunStatus.SUPERSEDED
    assert receipt.runs != (promotion.id,)
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    assert [call["run"] for call in engine.ledger.calls(service)] == [receipt.runs[0]]
    assert engine.stored_incident(incident).status is IncidentStatus.MONITORING


def test_an_alert_that_has_to_ask_never_joins_a_promotion_but_stops_it(engine: DrivenEngine) -> None:
    service, incident, event = noted(engine)
    promotion = engine.start(service, "promote_it", event=event)
    receipt = engine.alert(firing(service, "Unsure"))
    assert engine.verdicts(receipt) == ["ask"]
    assert engine.found(promotion.id).status is RunStatus.SUPERSEDED
    asked = engine.runs(service)[-1]
    assert asked.id != promotion.id
    assert asked.only_waits_for_approval
    assert len(engine.notices(incident, "approval_needed")) == 1


def test_what_joined_the_playbook_of_a_halt_is_decided_again_when_that_ends(engine: DrivenEngine) -> None:
    service, _, _ = noted(engine, **halt_rule())
    halting = engine.order(Word.HALT, service).runs[0]
    receipt = engine.alert(firing(service, "Sure"))
    assert (receipt.runs, engine.verdicts(receipt)) == ((halting,), ["join"])
    assert engine.drive(halting).status is RunStatus.SUCCEEDED
    rollback = engine.runs(service)[-1]
    assert rollback.id != halting
    assert engine.verdicts(receipt) == ["join", "run"]
    assert engine.drive(rollback.id).status is RunStatus.SUCCEEDED
    assert len(engine.ledger.effects(service)) == 1
    again = engine.alert(firing(service, "Sure"))
    assert (again.disposition, again.runs) == (Disposition.DUPLICATE, (rollback.id,))


def test_what_joined_the_playbook_of_a_halt_and_was_held_then_leads_to_its_run_later(engine: DrivenEngine) -> None:
    service, _, _ = noted(engine, **halt_rule())
    halting = engine.order(Word.HALT, service).runs[0]
    receipt = engine.alert(firing(service, "Sure"))
    engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "2h"})
    engine.drive(halting)
    assert engine.verdicts(receipt) == ["join", "held"]
    engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "0s"})
    repeated = engine.alert(firing(service, "Sure"))
    assert repeated.disposition is Disposition.ACCEPTED
    assert engine.verdicts(repeated) == ["run"]


@pytest.mark.parametrize("word", [Word.CANCEL, Word.TAKE_OVER])
def test_what_joined_is_decided_again_when_a_person_ends_the_playbook_of_a_halt(
    engine: DrivenEngine, word: Word
) -> None:
    stuck = playbook(
        "stuck", {"id": "fails", "use": "http_request", "with": {"url": "{{ target.ledger }}/nowhere"}}, kind="halt"
    )
    service = fresh_name()
    engine.protect(service, stuck, rollback=[SURE], halt={"playbook": "stuck"})
    halting = engine.order(Word.HALT, service).runs[0]
    receipt = engine.alert(firing(service, "Sure"))
    assert engine.drive(halting).status is RunStatus.NEEDS_HUMAN
    engine.order(word, halting)
    assert engine.verdicts(receipt) == ["join", "run"]
    assert engine.drive(engine.runs(service)[-1].id).status is RunStatus.SUCCEEDED


def test_a_rollback_that_was_undone_leaves_the_incident_of_a_halted_service_halted(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, playbook="undoes")
    receipt = engine.alert(firing(service))
    engine.order(Word.HALT, service)
    assert engine.drive(receipt.runs[0]).status is RunStatus.FAILED
    assert engine.stored_incident(receipt.incidents[0]).status is IncidentStatus.HALTED


def test_a_halt_survives_the_resolution_and_everything_that_comes_after_it(engine: DrivenEngine) -> None:
    service, incident, _ = noted(engine)
    engine.order(Word.HALT, service)
    engine.order(Word.RESOLVE, incident)
    assert engine.service(service)["state"] == "halted"
    following = engine.alert(firing(service, "Nothing", began=BEGUN.replace(hour=20)))
    assert engine.stored_incident(following.incidents[0]).previous_id == incident
    assert engine.stored_incident(following.incidents[0]).status is IncidentStatus.HALTED
    assert engine.service(service)["halted"]["by"] == "olga"
    assert engine.order(Word.LIFT, service, by="ada").refused is False
    assert engine.stored_incident(following.incidents[0]).status is IncidentStatus.OPEN
    assert engine.service(service)["release"]["status"] == ReleaseStatus.IN_FLIGHT


def test_a_halt_of_everything_stops_what_it_may_and_says_what_it_may_not(engine: DrivenEngine) -> None:
    guarded, free = fresh_name("guarded"), fresh_name("free")
    engine.protect(guarded, roles={"halt": ["ada"]})
    engine.protect(free)
    receipt = engine.order(Word.HALT, "all", by="olga")
    assert not receipt.refused
    assert engine.service(free)["state"] == "halted"
    assert engine.service(guarded)["state"] == "normal"
    assert f"olga may not halt {guarded}" in receipt.message
    engine.order(Word.LIFT, "all", by="ada")
    assert engine.service(free)["halted"] is None
