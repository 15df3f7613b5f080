"""The measures of the process as people and machines read them: command, API, page and Prometheus, over one story."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.alert_bodies import firing
from support.cli import Andon, andon_by
from support.staged_services import GOOD, StagedWorld, running_world

from bot.domain.months import Month
from bot.domain.words import Word

SPREADS = ("lead_time", "time_to_readiness", "approval_to_serving", "rollback")
WHEN = 'alert.labels.alertname == "Divergence"'
HOSTILE = "<b>bad</b>"
RESTORE = [{"name": HOSTILE, "when": WHEN, "playbook": "by_key", "authority": "automatic", "within": "5m"}]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWorld]:
    with running_world(tmp_path_factory.mktemp("measures")) as world:
        live_through(world, world.protect("scores", team="risk-ml", rollback=RESTORE))
        world.protect("quiet", team="risk-ml")
        world.protect("alone")
        yield world


@pytest.fixture
def andon(world: StagedWorld, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(world.engine, monkeypatch, capfd)


def live_through(world: StagedWorld, service: str) -> None:
    """A release goes live, diverges, is rolled back and accepted; a promise is made; then it fires again."""
    engine, release = world.engine, world.started(service)
    world.push(release, GOOD)
    world.promote(release)
    world.sign(release, "runbook", "alarms")
    world.promote(release)
    world.promote(release)
    began = datetime.now(UTC) - timedelta(seconds=90)
    (incident_id,) = engine.alert(firing(service, began=began, fingerprint="one")).incidents
    engine.work()
    done = [
        engine.order(Word.ACTION, incident_id, text="mend the feature", owner="olga"),
        engine.order(Word.ENDORSE, incident_id, by="otto"),
        engine.order(Word.RESOLVE, incident_id, by="otto"),
    ]
    assert not [one.message for one in done if one.refused]
    assert engine.alert(firing(service, "Latency", fingerprint="two")).incidents != (incident_id,)
    engine.work()


def shown(world: StagedWorld, **asked: str) -> dict[str, Any]:
    answer = world.api("vera").get("/api/v1/measures", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_api_measures_what_has_happened(world: StagedWorld) -> None:
    view = shown(world)
    total = view["total"]
    assert total["releases"] == {"started": 1, "went_live": 1, "unknown": 0}
    changes = {"rate": 1.0, "failed": 1, "went_live": 1, "rolled_back": 1, "halted": 0, "emergency": 0}
    assert total["change_failures"] == changes
    assert {name: total[name]["count"] for name in SPREADS} == dict.fromkeys(SPREADS, 1)
    assert total["detection"]["count"] == 2
    assert 90 <= total["detection"]["median_seconds"] < 600
    assert total["incidents"] == {"opened": 2, "disruptions": 1, "reopened": 1}
    assert total["rollbacks"]["causes"] == [{"kind": "criterion", "name": HOSTILE, "count": 1}]
    assert (total["recovery"]["count"], total["recovery"]["unknown"]) == (0, 1)  # it fires again: not over
    assert total["failed_deployment_recovery"] == total["recovery"]
    assert total["action_items"] == {"recorded": 1, "done": 0, "open": 1, "overdue": 0}
    assert total["halt"] == {"count": 0, "unknown": 0, "median_seconds": None, "p90_seconds": None}
    assert total["drills"]["pass_rate"] is None


def test_months_services_and_teams_add_up_to_the_whole(world: StagedWorld) -> None:
    view = shown(world)
    present = Month.of(world.engine.app.clock.now())
    assert (view["from"], view["to"]) == (str(present.plus(-5)), str(present))
    assert [one["month"] for one in view["months"]] == [str(present.plus(number)) for number in range(-5, 1)]
    assert view["months"][-1]["measures"] == view["total"]
    assert view["months"][0]["measures"]["incidents"]["opened"] == 0
    assert view["months"][0]["measures"]["lead_time"]["median_seconds"] is None
    assert [(one["service"], one["team"]) for one in view["services"]] == [("scores", "risk-ml")]
    assert [(one["team"], one["services"]) for one in view["teams"]] == [("risk-ml", ["scores"])]
    assert view["services"][0]["measures"] == view["teams"][0]["measures"] == view["total"]


def test_it_can_be_narrowed_to_a_service_a_team_a_period_and_an_environment(world: StagedWorld) -> None:
    whole = shown(world)["total"]
    assert shown(world, team="risk-ml")["total"] == shown(world, service="scores")["total"] == whole
    assert shown(world, service="scores", team="risk-ml", environment="production")["total"] == whole
    for asked in ({"service": "quiet"}, {"from": "2020-01", "to": "2020-12"}):
        view = shown(world, **asked)
        assert view["services"] == []
        assert view["total"]["releases"]["started"] == 0
        assert view["total"]["change_failures"]["rate"] is None
    assert shown(world, environment="staging")["total"]["incidents"]["opened"] == 0
    assert len(shown(world, **{"from": "2020-01", "to": "2020-12"})["months"]) == 12


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"service": "nobody"}, 404, "No service"),
        ({"team": "nobody"}, 404, "No policy names the team"),
        ({"from": "2026-13"}, 400, "is no month"),
        ({"from": "2026-02", "to": "2026-01"}, 400, "before it begins"),
        ({"from": "9000-01"}, 400, "still to come"),
        ({"from": "1999-01"}, 400, "longer than 60 months"),
        ({"service": "<b>"}, 422, "service"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(
    world: StagedWorld, asked: dict[str, str], status: int, said: str
) -> None:
    answer = world.api("vera").get("/api/v1/measures", params=asked)
    assert answer.status_code == status
    assert said in answer.text


def test_the_command_measures_the_same_in_another_process(world: StagedWorld, andon: Andon) -> None:
    api = shown(world)
    assert {**andon("measures", "--json").json, "at": ""} == {**api, "at": ""}
    narrowed = andon("measures", "--service", "scores", "--from", "2026-01", "--to", "2026-03", "--json").json
    assert (narrowed["from"], narrowed["to"], narrowed["service"]) == ("2026-01", "2026-03", "scores")
    said = andon("measures", "--team", "risk-ml").out
    assert "team risk-ml" in said
    assert "100 % (1 of 1: 1 rolled back, 0 halted, 0 with an emergency)" in said
    assert f"by criterion: {HOSTILE}" in said
    assert "unknown (0 passed" in said
    assert andon("measures", "--service", "nobody").is_problem("No service", "andon service")
    assert andon("measures", "--from", "soon").is_problem("is no month", "2026-06")


def test_the_page_draws_what_it_also_says_in_tables(world: StagedWorld) -> None:
    page = world.page("vera").get("/measures")
    assert page.status_code == 200
    assert HOSTILE not in page.text
    drawings = [f"<svg{one.partition('</svg>')[0]}</svg>" for one in page.text.split("<svg")[1:]]
    assert len(drawings) >= 8
    for drawing in drawings:
        found = ET.fromstring(drawing)
        assert found.get("role") == "img"
        assert len(found.findall("{http://www.w3.org/2000/svg}title")) == 1
    assert page.text.count('<section class="chart"') == page.text.count('<h2 id="h-') == 17
    assert "Nothing was halted in this period." in page.text
    assert "No drill was carried out in this period." in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_the_page_is_narrowed_by_plain_addresses_and_says_what_is_missing(world: StagedWorld) -> None:
    client = world.page("vera")
    page = client.get("/measures", params={"service": "quiet", "from": "2026-01", "to": "2026-02"})
    assert "Nothing is recorded of this period here" in page.text
    assert "<svg" not in page.text.partition("<main")[2]
    assert 'value="2026-01"' in page.text
    assert "<option selected>quiet</option>" in page.text
    assert client.get("/measures", params={"service": "", "team": ""}).status_code == 200
    assert client.get("/measures", params={"from": "soon"}).status_code == 400
    assert client.get("/measures", params={"service": "nobody"}).status_code == 404
    assert world.web.client().get("/measures").headers["location"].startswith("/login")


def test_prometheus_counts_by_service_and_words_of_closed_sets(world: StagedWorld) -> None:
    page = world.web.client().get("/metrics").text
    for line in (
        'andon_releases_live_total{service="scores"} 1.0',
        'andon_changes_failed{service="scores"} 1.0',
        'andon_rollbacks_total{cause="criterion",service="scores"} 1.0',
        'andon_action_items{service="scores",state="open"} 1.0',
    ):
        assert line in page
    assert HOSTILE not in page
