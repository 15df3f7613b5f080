"""What follows from a divergence: halt, figures, rollback by the same front door, and every reason not to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support.alert_bodies import firing
from support.canaries import QUIET, RULE, canary, compared, send, told, whole
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.written_config import Tree, acting, playbook

from bot.domain.canaries import CanaryVerdict
from bot.domain.decisions import Decision
from bot.domain.events import Delivery, Word
from bot.domain.releases import ReleaseStatus
from bot.domain.runs import RunStatus

PROMOTE = playbook("promote_it", acting("repeat"), acting("repeat", id="more"), kind="promote")
HALT = playbook("stop_it", acting("repeat"), kind="halt")
EXPLICIT: Tree = {
    "name": "told by the team",
    "when": 'alert.labels.alertname == "PredictionDivergence"',
    "playbook": "by_check",
    "authority": "rollback_authority",
}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("divergence")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(PROMOTE, HALT)


def protected(engine: DrivenEngine, canary_rule: Tree = RULE, **more: object) -> str:
    name = fresh_name("diverges")
    engine.protect(name, **{"rollback": [], "canary": canary_rule, **more})
    return name


def diverged(engine: DrivenEngine, service: str, *, start: int = 0) -> str:
    """The release, after pairs of which a fifth differ."""
    after = compared(engine, service, whole(400, 5, start=start))
    assert after.verdict is CanaryVerdict.DIVERGED
    assert after.told == "canary:diverged"
    return after.release_id


def decision(engine: DrivenEngine, service: str) -> Decision:
    """The newest about a service."""
    (incident,) = engine.incidents(service)
    with engine.app.store.read() as tx:
        return tx.decisions(incident_id=incident.id)[-1]


def test_a_divergence_halts_rolls_back_and_says_with_figures_why(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = diverged(engine, service)
    (run,) = engine.runs(service)
    assert (run.criterion, run.playbook.name, run.authority) == ("canary divergence", "by_key", "automatic")
    assert engine.work_until(run.id, "succeeded")["seconds_to_first_action"] is not None
    (incident,) = engine.incidents(service)
    view = engine.incident(incident.id)
    facts = {name: one["value"] for name, one in view["report"].items()}
    assert facts["metric"] == {"name": "Disagreement with version 41", "before": 0.0, "now": 0.2}
    interval = facts["confidence_interval"]
    assert (interval["threshold"], interval["level"]) == (0.02, 0.95)
    assert 0.02 < interval["low"] < 0.2 < interval["high"]
    assert facts["reproduced"] == {"times": 80, "of": 400}
    assert {one["source"] for one in view["report"].values()} == {"canary"}
    with engine.app.store.read() as tx:
        found = tx.release(release)
    assert found is not None
    assert found.status is ReleaseStatus.ROLLED_BACK
    assert engine.service(service)["halted"]["by"] == "andon"


def test_notices_carry_the_figures_and_how_many_predictions_are_affected(engine: DrivenEngine) -> None:
    service = protected(engine, audiences={"engineering": {}, "executive": {}, "product": {}})
    diverged(engine, service)
    engine.work()
    (incident,) = engine.incidents(service)
    started = {one.audience: one for one in engine.notices(incident.id, "rollback_started")}
    assert started["engineering"].facts["figures"]["metric"]["now"] == 0.2
    view = engine.incident(incident.id)
    words = {(one["name"], one["audience"]): one["body"] for one in view["notices"] if one.get("body")}
    for audience in ("engineering", "executive", "product"):
        assert "Affected: 80 of 400 compared predictions." in words["rollback_started", audience]
        assert "acceptable would be 0.02" in words["rollback_started", audience]


def test_without_on_divergence_promotion_is_halted_and_nothing_is_rolled_back(engine: DrivenEngine) -> None:
    service = protected(engine, QUIET, halt={"playbook": "stop_it"})
    diverged(engine, service)
    (incident,) = engine.incidents(service)
    assert incident.status == "halted"
    assert [(run.playbook.name, run.criterion) for run in engine.runs(service)] == [("stop_it", None)]
    assert engine.told(incident.id).count("halted") == 1
    with engine.app.store.read() as tx:
        release = tx.latest_releases([service])[service]
    assert release.status is ReleaseStatus.HALTED


def test_an_explicit_criterion_that_holds_goes_before_the_canarys_own(engine: DrivenEngine) -> None:
    service = protected(engine, rollback=[EXPLICIT])
    diverged(engine, service)
    (run,) = engine.runs(service)
    assert (run.criterion, run.status) == ("told by the team", RunStatus.WAITING)
    assert [one.criterion for one in decision(engine, service).trace] == ["told by the team"]


def test_a_policy_that_observes_records_it_and_touches_nothing(engine: DrivenEngine) -> None:
    service = protected(engine, mode="observe")
    diverged(engine, service)
    assert engine.runs(service) == []
    assert engine.service(service)["halted"] is None
    (incident,) = engine.incidents(service)
    assert engine.told(incident.id) == ["would_restore"]
    assert engine.incident(incident.id)["report"]["metric"]["value"]["now"] == 0.2


def test_automation_that_is_paused_asks_nobody_but_halts_and_tells(engine: DrivenEngine) -> None:
    service = protected(engine)
    engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "1h"})
    diverged(engine, service)
    assert engine.runs(service) == []
    assert engine.service(service)["halted"]["by"] == "andon"
    (incident,) = engine.incidents(service)
    assert "held" in engine.told(incident.id)


def test_inside_the_cooldown_a_person_is_asked(engine: DrivenEngine) -> None:
    service = protected(engine)
    diverged(engine, service)
    engine.work_until(engine.runs(service)[0].id, "succeeded")
    engine.protect(service, rollback=[], canary=RULE, release={"incumbent": "41", "candidate": "43"})
    engine.order(Word.LIFT, service, by="ada")
    diverged(engine, service, start=7000)
    first, second = engine.runs(service)
    assert (first.status, second.status) == (RunStatus.SUCCEEDED, RunStatus.WAITING)
    assert second.authority == "rollback_authority"


def test_a_divergence_joins_the_run_that_is_at_it(engine: DrivenEngine) -> None:
    rule = {"name": "told", "when": 'alert.labels.alertname == "Divergence"', "playbook": "by_key"}
    service = protected(engine, rollback=[rule])
    send(engine, service, whole(10))
    (run,) = engine.alert(firing(service)).runs
    diverged(engine, service, start=10)
    found = decision(engine, service)
    assert (found.verdict, found.run_id) == ("join", run)
    assert len(engine.runs(service)) == 1


def test_a_promotion_under_way_is_stopped(engine: DrivenEngine) -> None:
    service = protected(engine, QUIET)
    send(engine, service, whole(5))
    receipt = engine.alert(firing(service, "Nothing"))
    run = engine.start(service, "promote_it", event=receipt.event_id)
    diverged(engine, service, start=5)
    assert engine.found(run.id).status is RunStatus.SUPERSEDED


def test_a_verdict_about_an_older_release_decides_nothing(engine: DrivenEngine) -> None:
    service = protected(engine)
    old = send(engine, service, whole(400, 5)).release
    engine.protect(service, rollback=[], canary=RULE, release={"incumbent": "42", "candidate": "43"})
    newer = compared(engine, service, whole(10)).release_id
    assert newer != old
    engine.app.folder.fold(old)
    assert canary(engine, old).verdict is CanaryVerdict.DIVERGED
    assert engine.runs(service) == []
    assert engine.incidents(service) == []


def test_an_event_that_is_made_up_about_an_older_release_is_stale(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = diverged(engine, service)
    with engine.app.store.read() as tx:
        body = next(one for one in tx.events(limit=50) if one.source == "canary")
        event = tx.event(body.id)
    assert event is not None
    assert event.body is not None
    made_up = {**json.loads(event.body), "release": "rel-" + "0" * 26, "phase": "live"}
    (receipt,) = engine.app.intake.accept([Delivery("canary", json.dumps(made_up).encode())])
    assert engine.verdicts(receipt) == ["stale"]
    assert [run.release_id for run in engine.runs(service)] == [release]


def test_a_slice_that_diverges_is_named_though_the_whole_is_fine(engine: DrivenEngine) -> None:
    service = protected(engine, {**RULE, "slices": ["country=DE", "country=FR"]})
    fine = whole(6000, 700, slice="country=FR")
    broken = whole(400, 6, start=10_000, slice="country=DE")
    mixed = [one for pair in zip(list(fine), [*broken, *[None] * 5600], strict=True) for one in pair if one]
    after = compared(engine, service, mixed)
    assert after.verdict is CanaryVerdict.DIVERGED
    (incident,) = engine.incidents(service)
    assert engine.incident(incident.id)["report"]["seen"]["value"]["data_slice"] == "country=DE"


def test_candidates_that_fail_are_a_divergence_with_their_own_figure(engine: DrivenEngine) -> None:
    service = protected(engine, {**RULE, "errors": 0.01, "tolerance": 0.9})
    lines = [
        {"key": f"e{n}", "incumbent": "a", **({"error": "timeout"} if n % 4 == 0 else {"candidate": "a"})}
        for n in range(800)
    ]
    after = compared(engine, service, lines)
    assert after.standing["because"] == ["errors"]
    (incident,) = engine.incidents(service)
    metric = engine.incident(incident.id)["report"]["metric"]["value"]
    assert metric["name"] == "Share of requests that the candidate alone fails"
    assert metric["now"] == pytest.approx(0.25, abs=0.01)


def test_the_front_door_hears_of_it_once_however_much_more_comes(engine: DrivenEngine) -> None:
    service = protected(engine, QUIET)
    release = diverged(engine, service)
    before = len(told(engine))
    for part in range(1, 6):
        compared(engine, release, whole(400, 5, start=part * 400))
    assert len(told(engine)) == before
    assert canary(engine, release).affected == 480
