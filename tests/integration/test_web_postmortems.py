"""The account of an incident over the API and on its page: whole, strict, and harmless whatever people write."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import httpx
import pytest
from support.alert_bodies import firing
from support.driven_engine import fresh_name
from support.page_reader import CSP, PageReader
from support.staged_services import StagedWorld, running_world

from bot.domain.events import Word

XSS = '"><svg onload=alert(1)><script>alert(2)</script> [click](javascript:alert(3)) <!channel> @here'
RTL = "\u202eevil\u202c \u2066hidden\u2069"
LONG = ("word " * 2000).strip()
ROLES = {"champion": ["ada", "otto"], "rollback_authority": ["olga", "otto"], "endorser": ["olga"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWorld]:
    with running_world(tmp_path_factory.mktemp("postmortems")) as world:
        yield world


@pytest.fixture
def incident(world: StagedWorld) -> str:
    service = fresh_name("told")
    world.engine.protect(service, roles=ROLES, summary=XSS[:200])
    receipt = world.engine.alert(firing(service, severity="critical", note=XSS))
    world.engine.work_until(receipt.runs[0], "succeeded")
    assert not world.engine.order(Word.RESOLVE, receipt.incidents[0], reason=XSS).refused
    world.engine.work()
    return receipt.incidents[0]


def at(incident: str, more: str = "") -> str:
    return f"/api/v1/incidents/{incident}/postmortem{more}"


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def changed(world: StagedWorld, incident: str, old: str, new: str) -> str:
    """A diff of the policy in force."""
    service = world.engine.incident(incident)["service"]
    text = (world.engine.config / "policies" / f"{service}.yaml").read_text("utf-8")
    name = f"policies/{service}.yaml"
    lines = unified_diff(text.splitlines(True), text.replace(old, new).splitlines(True), f"a/{name}", f"b/{name}")
    return "".join(lines)


def test_the_account_is_written_and_signed_over_the_api(world: StagedWorld, incident: str) -> None:
    olga, vera, ada = world.api("olga"), world.api("vera"), world.api("ada")
    fresh = done(vera.get(at(incident)))
    assert (fresh["state"], fresh["missing"]) == ("due", ["champion"])
    assert [one["name"] for one in fresh["sections"]][:3] == ["summary", "impact", "timeline"]
    body = {"section": "lessons", "text": "We are 100 % sure that ada forgot to check.", "seen": 0}
    written = done(olga.post(at(incident, "/sections"), json=body))
    assert written["state"] == "draft"
    assert "could be put better" in written["order"]["message"]
    lessons = next(one for one in written["sections"] if one["name"] == "lessons")
    assert lessons["hints"]
    assert lessons["revision"] == written["revision"] == 2
    assert olga.post(at(incident, "/sections"), json=body).status_code == 409
    assert done(vera.post(at(incident, "/comments"), json={"text": "Why?"}))["comments"][0]["by"] == "vera"
    diff = changed(world, incident, "cooldown: 30m", "cooldown: 45m")
    learned = done(olga.post(at(incident, "/lessons"), json={"text": "Wait longer", "diff": diff}))["lessons"][0]
    assert (learned["verdict"], learned["faults"]) == ("valid", [])
    patch = vera.get(at(incident, f"/lessons/{learned['id']}.patch"))
    assert patch.text == diff
    assert patch.headers["content-disposition"] == f'attachment; filename="{learned["id"]}.patch"'
    assert olga.post(at(incident, "/sign-off"), json={}).status_code == 409
    assert done(ada.post(at(incident, "/sign-off"), json={}))["state"] == "reviewed"
    assert olga.post(at(incident, "/sections"), json={"section": "luck", "text": "x"}).status_code == 409
    assert done(ada.post(at(incident, "/reopen"), json={"reason": "More came up"}))["state"] == "draft"
    taken = done(olga.post(at(incident, f"/lessons/{learned['id']}/withdraw")))
    assert taken["lessons"][0]["withdrawn_by"] == "olga"
    listed = done(vera.get("/api/v1/postmortems", params={"state": "draft", "limit": 200}))
    assert incident in [one["incident_id"] for one in listed["items"]]


def test_who_may_not_and_what_does_not_fit_is_answered_clearly(world: StagedWorld, incident: str) -> None:
    vera, olga = world.api("vera"), world.api("olga")
    assert vera.post(at(incident, "/sections"), json={"section": "luck", "text": "x"}).status_code == 403
    assert vera.post(at(incident, "/lessons"), json={"text": "x"}).status_code == 403
    for path, body in (
        ("/sections", {"section": "nonsense", "text": "x"}),
        ("/sections", {"section": "luck", "text": "x" * 10_001}),
        ("/comments", {"text": " "}),
        ("/lessons", {"text": "x", "more": 1}),
    ):
        assert olga.post(at(incident, path), json=body).status_code == 422, body
    assert world.api(None).get(at(incident)).status_code == 401
    assert olga.get(at("inc-nobody")).status_code == 404
    assert olga.get(at(incident, "/lessons/lsn-none.patch")).status_code == 404


def test_hostile_words_are_escaped_everywhere_and_the_page_stays_strict(world: StagedWorld, incident: str) -> None:
    olga = world.api("olga")
    for section in ("summary", "impact", "luck"):
        for text in (f"# Heading\n- {XSS}\n1. {RTL}\n```\n> {XSS}\n<b>", LONG):
            done(olga.post(at(incident, "/sections"), json={"section": section, "text": text}))
        done(olga.post(at(incident, "/sections"), json={"section": section, "text": f"{XSS}\n{RTL}\n    {XSS}"}))
    done(olga.post(at(incident, "/comments"), json={"text": f"{XSS}\n{RTL}", "section": "luck"}))
    done(olga.post(at(incident, "/lessons"), json={"text": XSS, "diff": f"--- {XSS}\n+++ {XSS}\n```\n</pre>{XSS}"}))
    for who in ("vera", "olga", "ada"):
        answer = world.page(who).get(f"/incidents/{incident}/postmortem")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-security-policy"] == CSP
        PageReader(answer.text).check_strict()
        assert "<svg" not in answer.text
        assert "<script" not in answer.text
    for ending in (".md", ".html"):
        text = olga.get(at(incident, ending)).text
        assert "<svg" not in text
        assert "<script" not in text
        assert "\u202e" not in text
        assert "<!channel>" not in text
        assert "](javascript" not in text
        assert "@here" not in text
    html = olga.get(at(incident, ".html"))
    assert "attachment" in html.headers["content-disposition"]
    assert "default-src 'none'" in html.text
    assert not [link for link in PageReader(html.text).links if not link.startswith(("http://", "https://"))]
    headings = [line for line in olga.get(at(incident, ".md")).text.splitlines() if line.startswith("#")]
    assert [one for one in headings if "Heading" in one] == [], "people's words make no headings"


def test_a_text_of_ten_thousand_characters_is_kept_and_shown_whole(world: StagedWorld, incident: str) -> None:
    text = LONG[:9990]
    view = done(world.api().post(at(incident, "/sections"), json={"section": "well", "text": text}))
    assert next(one for one in view["sections"] if one["name"] == "well")["text"] == text.strip()
    assert f"> {text.strip()}" in world.api().get(at(incident, ".md")).text


def test_the_forms_of_the_page_do_what_they_say(world: StagedWorld, incident: str) -> None:
    page, address = world.page("olga"), f"/incidents/{incident}/postmortem"

    def press(client: httpx.Client, word: str, wanted: dict[str, str] | None = None, **more: str) -> httpx.Response:
        action = f"/incidents/{incident}/postmortem-{word}"
        fields = PageReader(client.get(address).text).form(action, **(wanted or {}))
        answer = client.post(action, data={**fields, **more})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"{address}?said=")
        return client.get(answer.headers["location"])

    shown = press(page, "edit", {"section": "summary"}, text="First line\r\n- second")
    assert "Written by olga" in shown.text
    assert "<blockquote>" in shown.text
    diff = changed(world, incident, "cooldown: 30m", "cooldown: 45m").replace("\n", "\r\n")
    shown = press(page, "lesson", {"diff": ""}, text="Wait longer", diff=diff)
    assert "passes the check" in shown.text
    assert '<span class="removed">-cooldown: 30m' in shown.text
    assert '<span class="added">+cooldown: 45m' in shown.text
    assert "Who was asked?" in press(page, "comment", text="Who was asked?", section="impact").text
    assert page.post(f"/incidents/{incident}/postmortem-comment", data={"text": "x"}).status_code == 403
    ada = world.page("ada")
    assert "Reviewed." in press(ada, "sign-off", {"role": "champion"}).text
    assert "cannot be edited" not in press(ada, "reopen", reason="One more fact").text
    assert f'href="/incidents/{incident}/postmortem"' in page.get(f"/incidents/{incident}").text


def test_a_viewer_reads_and_comments_and_sees_no_other_form(world: StagedWorld, incident: str) -> None:
    client = world.page("vera")
    page = PageReader(client.get(f"/incidents/{incident}/postmortem").text)
    assert {action for action, _ in page.forms} == {"/logout", f"/incidents/{incident}/postmortem-comment"}
    fields = page.form(f"/incidents/{incident}/postmortem-comment")
    answer = client.post(f"/incidents/{incident}/postmortem-comment", data={**fields, "text": "Seen"})
    assert answer.status_code == 303


def test_without_a_login_the_page_leads_to_the_login(world: StagedWorld, incident: str) -> None:
    answer = world.web.client().get(f"/incidents/{incident}/postmortem")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_a_lesson_that_the_record_suggests_is_taken_with_one_press_and_its_change_is_checked(
    world: StagedWorld,
) -> None:
    service = fresh_name("suggested")
    production = {"ledger": world.engine.ledger.url, "allow_hosts": [world.engine.ledger.host]}
    staging = {"ledger": "https://deploy.example.com", "allow_hosts": ["deploy.example.com"]}
    world.engine.protect(service, roles=ROLES, targets={"production": production, "staging": staging})
    receipt = world.engine.alert(firing(service, severity="critical"))
    world.engine.work_until(receipt.runs[0], "succeeded")
    incident = receipt.incidents[0]
    client, address = world.page("olga"), f"/incidents/{incident}/postmortem"
    shown = client.get(address).text
    assert "Rehearse the way back: let by_key run every week in staging" in shown
    assert '<span class="added">+drills:' in shown
    wanted = "Rehearse the way back: let by_key run every week in staging"
    fields = PageReader(shown).form(f"/incidents/{incident}/postmortem-lesson", text=wanted)
    assert client.post(f"/incidents/{incident}/postmortem-lesson", data=fields).status_code == 303
    view = done(world.api().get(at(incident)))
    assert [(one["text"], one["verdict"]) for one in view["lessons"]] == [(wanted, "valid")]
    assert wanted not in [one["text"] for one in view["draft"]["suggestions"]], "what was taken is suggested no more"
