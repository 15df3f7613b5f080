"""The pages of releases over real HTTP: what they show of stages and gates, and every button an order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.driven_engine import fresh_name
from support.page_reader import CSP, PageReader
from support.staged_services import BAD, F1, GOOD, StagedWorld, running_world

from bot.domain.canaries import Canary, CanaryPoint, CanaryVerdict
from bot.domain.events import Word

XSS = '"><svg onload=alert(1)>'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWorld]:
    with running_world(tmp_path_factory.mktemp("pages")) as world:
        yield world


@pytest.fixture
def service(world: StagedWorld) -> str:
    return world.protect(fresh_name("shown"))


def form(page: httpx.Response, action: str, **wanted: str) -> dict[str, str]:
    """The fields of the first form with this address that holds these values."""
    return PageReader(page.text).form(action, **wanted)


def press(client: httpx.Client, release: str, word: str, fields: dict[str, str], **more: str) -> httpx.Response:
    """Press a button, and follow to the page that it leads to."""
    answer = client.post(f"/releases/{release}/{word}", data={**fields, **more})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"/releases/{release}?said=")
    return client.get(answer.headers["location"])


def hostile_manifest() -> dict[str, Any]:
    paper = {"text": XSS, "link": "javascript:alert(1)", "reviewed_at": "2026-11-20T12:00:00Z", "reviewed_by": XSS}
    return {
        "objective": XSS,
        "success_measures": [XSS],
        "expected_effect": XSS,
        "risk_assessment": paper,
        "rollback_plan": {"link": "https://example.com/plan"},
        "documents": {"privacy": paper},
        "artifacts": {XSS: f"sha256:{'a' * 64}"},
        "data_schema": {XSS: XSS},
        "dependencies": [{"service": "features", "why": XSS}],
        "author": XSS,
    }


@pytest.mark.parametrize("who", ["vera", "olga", "ada"])
def test_the_pages_are_whole_strict_and_free_of_scripts_whatever_the_manifest_holds(
    world: StagedWorld, service: str, who: str
) -> None:
    release = world.started(service, manifest=hostile_manifest())
    world.push(release, GOOD)
    world.engine.order(Word.SIGN, release, item="runbook", reason=XSS)
    client = world.page(who)
    for path in (f"/releases/{release}", "/releases", f"/releases?service={service}", f"/services/{service}"):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-security-policy"] == CSP
        PageReader(answer.text).check_strict()
        assert "<svg onload" not in answer.text
    assert client.get(f"/releases/{release}").text.count("&lt;svg onload=alert(1)&gt;") >= 8


def test_without_a_login_a_page_leads_to_the_login(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    for path in (f"/releases/{release}", "/releases"):
        answer = world.web.client().get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
        assert service not in answer.text


def test_stages_show_what_was_passed_where_it_is_and_what_is_ahead(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.push(release, GOOD)
    world.promote(release)
    text = world.page("vera").get(f"/releases/{release}").text
    row = text[text.index('<ol class="stages"') : text.index("</ol>")]
    states = [part.split('"')[0] for part in row.split('class="stage ')[1:]]
    assert states == ["passed", "here", "ahead", "ahead"]
    assert row.count('aria-current="step"') == 1
    evaluation = text[text.index('id="stage-evaluation"') : text.index('id="stage-staging"')]
    for shown in ("0.95", "0.94 to 0.96", "2000", "at least 0.9", "andon ", "/evidence/evd-"):
        assert shown in evaluation
    assert "is not signed by anybody" in text


def test_a_gate_that_was_never_run_shows_as_not_run(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    text = world.page("vera").get(f"/releases/{release}").text
    staging = text[text.index('id="stage-staging"') : text.index('id="stage-production"')]
    assert "not run" in staging
    assert "has not been looked at" in staging


def test_evidence_is_downloaded_from_its_link(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.push(release, GOOD)
    client = world.page("vera")
    links = {link for link in PageReader(client.get(f"/releases/{release}").text).links if "/evidence/" in link}
    assert len(links) >= 2, "what was pushed, and what was judged"
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")


def test_a_release_walks_to_its_end_by_buttons_alone(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.push(release, GOOD)
    olga, otto = world.page("olga"), world.page("otto")
    address = f"/releases/{release}"

    def promote() -> None:
        page = olga.get(f"{address}?refresh=off")
        assert "What will be judged" in page.text or "has no gates" in page.text
        press(olga, release, "promote", form(page, f"{address}/promote"))
        world.engine.work()

    promote()
    for item in ("runbook", "alarms"):
        fields = form(olga.get(address), f"{address}/sign", item=item)
        press(olga, release, "sign", fields)
    world.engine.work()
    signed = olga.get(address)
    assert "2 items signed" in signed.text
    press(otto, release, "sign", form(otto.get(address), f"{address}/sign", brief="engineering"))
    assert "otto" in otto.get(address).text
    promote()
    promote()
    page = otto.get(address)
    assert "lasts until" in page.text, "why it is refused now"
    assert f"{address}/promote" not in page.text
    refused = press(otto, release, "release-endorse", form(page, f"{address}/release-endorse"), reason="good")
    assert 'class="banner bad" role="status"' in refused.text
    assert "watched" in refused.text


def test_a_signature_of_ones_own_is_taken_back_by_its_button(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    client, address = world.page("olga"), f"/releases/{release}"
    signed = press(client, release, "sign", form(client.get(address), f"{address}/sign", item="runbook"))
    back = press(client, release, "unsign", form(signed, f"{address}/unsign", item="runbook"))
    assert form(back, f"{address}/sign", item="runbook")
    shown = world.api().get(f"/api/v1/releases/{release}").json()
    assert [bool(one["withdrawn_at"]) for one in shown["signatures"]] == [True]
    assert f"{address}/unsign" not in world.page("otto").get(address).text, "of somebody else there is none"


def test_halted_and_frozen_say_why_promotion_is_refused_and_offer_no_button(world: StagedWorld) -> None:
    freeze = [{"name": "year end", "from": "2020-01-01", "to": "2099-01-01"}]
    service = world.protect(fresh_name("frozen"), freeze=freeze)
    release = world.started(service)
    world.engine.order(Word.HALT, service, reason="scores look wrong")
    page = world.page("olga").get(f"/releases/{release}")
    assert "is halted by olga" in page.text
    row = page.text[page.text.index('<ol class="stages"') : page.text.index("</ol>")]
    assert "verdict-fail" in row, "the gates of what is halted answer fail"
    assert "scores look wrong" in page.text
    assert "Promotion is frozen: year end" in page.text
    assert not [action for action, _ in PageReader(page.text).forms if action.endswith("/promote")]


def test_a_failed_gate_is_said_on_the_pages_of_release_service_and_incident(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.push(release, BAD)
    client = world.page("vera")
    text = client.get(f"/releases/{release}").text
    incident = next(link for link in PageReader(text).links if link.startswith("/incidents/inc-"))
    assert "0.71" in text
    for path in (f"/services/{service}", incident):
        page = client.get(path)
        assert f'href="/releases/{release}"' in page.text
        assert "verdict-fail" in page.text
    assert "verdict-fail" in client.get(f"/releases?service={service}").text


def test_giving_a_release_up_asks_whether_one_is_sure(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    client = world.page("olga")
    fields = form(client.get(f"/releases/{release}"), f"/releases/{release}/abandon")
    fields = {key: value for key, value in fields.items() if key != "sure"} | {"reason": "no longer wanted"}
    unsure = client.post(f"/releases/{release}/abandon", data=fields)
    assert unsure.status_code == 400
    assert "sure" in unsure.text
    assert client.post(f"/releases/{release}/abandon", data={**fields, "sure": "yes", "reason": " "}).status_code == 400
    assert "abandoned" in press(client, release, "abandon", fields, sure="yes").text
    assert not [
        one for one, _ in PageReader(client.get(f"/releases/{release}").text).forms if one.startswith("/releases/")
    ]


WORDS = ["promote", "sign", "unsign", "second", "abandon", "release-endorse", "retrospective"]


@pytest.mark.parametrize("word", WORDS)
def test_a_button_is_protected_against_forgery_and_links_change_nothing(
    world: StagedWorld, service: str, word: str
) -> None:
    release = world.started(service)
    path, fields = f"/releases/{release}/{word}", {"reason": "x", "sure": "yes", "item": "runbook"}
    client = world.page("olga")
    other = PageReader(world.page("ada").get("/").text).forms[0][1]["csrf"]
    for csrf in ("", "wrong", other):
        assert client.post(path, data={**fields, "csrf": csrf}).status_code == 403
    assert world.web.client().post(path, data=fields).status_code == 401
    assert client.get(path).status_code == 405
    viewer = world.page("vera")
    csrf = PageReader(viewer.get("/").text).forms[0][1]["csrf"]
    assert viewer.post(path, data={**fields, "csrf": csrf}).status_code == 403
    shown = world.api().get(f"/api/v1/releases/{release}").json()
    assert (shown["state"], shown["signatures"], shown["wanted_by"]) == ("evaluation", [], None)


def test_a_viewer_is_offered_no_buttons(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    forms = PageReader(world.page("vera").get(f"/releases/{release}").text).forms
    assert [action for action, _ in forms] == ["/logout"]


def test_an_emergency_is_marked_and_its_second_person_stands_for_it_by_a_button(world: StagedWorld) -> None:
    emergency = {"gates": [{**F1, "at_least": 0.7, "max_drop": 0.5}], "do": "shift_it"}
    service = world.protect(fresh_name("urgent"), emergency=emergency)
    release = world.started(service, kind="emergency")
    otto = world.page("otto")
    page = otto.get(f"/releases/{release}")
    assert "An emergency release." in page.text
    assert "the second is missing" in page.text
    assert "Its retrospective is due" in page.text
    after = press(otto, release, "second", form(page, f"/releases/{release}/second"))
    assert "otto is the second" in after.text
    told = form(after, f"/releases/{release}/retrospective")
    assert "recorded" in press(otto, release, "retrospective", told, reason="https://example.com/retro").text
    assert "emergency" in otto.get(f"/releases?service={service}").text


def test_the_canary_shows_its_figures_and_its_drawing(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    now = world.engine.app.clock.now()
    standing = {
        "rule": {"tolerance": 0.05, "alpha": 0.05}, "measure": "disagreement", "why": f"the answers differ {XSS}",
        "estimate": 0.125, "interval": [0.09, 0.17],
    }  # fmt: skip
    canary = Canary(
        release, service, "canary", now, pairs=300, verdict=CanaryVerdict.DIVERGED, standing=standing, affected=37
    )
    points = [
        CanaryPoint(release, now, "canary", pairs, 0.1, 0.05, 0.2, CanaryVerdict.UNKNOWN) for pairs in (50, 100, 300)
    ]
    with world.engine.app.store.write() as tx:
        tx.lock_services((service,))
        assert tx.open_canary(canary)
        for point in points:
            tx.add(point)
    text = world.page("vera").get(f"/releases/{release}").text
    for shown in ("diverged", "0.125", "0.09 to 0.17", "300", "37", 'class="canary-plot"'):
        assert shown in text
    assert "<svg onload" not in text
    assert "style=" not in text


def test_without_a_canary_the_page_says_so(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    assert (
        "No predictions of candidate and incumbent are compared" in world.page("vera").get(f"/releases/{release}").text
    )


def test_the_list_is_narrowed_to_a_service_and_turned_page_by_page(world: StagedWorld, service: str) -> None:
    releases = [world.started(service, candidate=str(version)) for version in range(42, 75)]
    client = world.page("vera")
    first = PageReader(client.get(f"/releases?service={service}").text).links
    assert [one for one in first if one.startswith("/releases/rel-")] == [f"/releases/{one}" for one in releases[:2:-1]]
    older = next(one for one in first if "before=" in one)
    rest = PageReader(client.get(older).text).links
    assert [one for one in rest if one.startswith("/releases/rel-")] == [f"/releases/{one}" for one in releases[2::-1]]
    assert client.get("/releases?service=%3Cscript%3E").status_code == 404
    assert client.get("/releases/rel-nothing").status_code == 404
    assert client.get("/releases?before=%00&service=").status_code in (200, 400)


def test_a_release_that_only_a_policy_names_can_be_looked_at(world: StagedWorld) -> None:
    service = fresh_name("named")
    world.engine.protect(service)
    world.engine.order(Word.HALT, service)
    listed = world.api("vera").get("/api/v1/releases", params={"service": service}).json()["items"]
    page = world.page("olga").get(f"/releases/{listed[0]['id']}")
    assert page.status_code == 200
    assert "its policy names it" in page.text
    assert not [one for one, _ in PageReader(page.text).forms if one.startswith("/releases/")]
