"""The forms of the pages for what people say and decide: each one order through the same door, and none forged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.web_server import TestHead, WebServer, build_head, running

from bot.domain.events import Command, Disposition, Receipt
from bot.domain.words import Word

_numbers = itertools.count()


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHead]:
    made = build_head(tmp_path_factory.mktemp("web"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def web(head: TestHead) -> Iterator[WebServer]:
    with running(head) as server:
        yield server


@pytest.fixture
def incident(web: WebServer) -> Iterator[str]:
    known = web.alert(alertname="Nothing", fp=f"nothing-{next(_numbers)}").json()["incidents"][0]
    yield known
    body = {"reason": "the test is over"}
    web.client("operator-secret-1").post(f"/api/v1/incidents/{known}/resolve", json=body)


class Browser:
    """A person with a session, and the token that its forms carry."""

    def __init__(self, web: WebServer, token: str = "operator-secret-1") -> None:
        self.client: httpx.Client = web.client()
        assert self.client.post("/login", data={"token": token, "next": "/"}).status_code == 303
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/").text)
        assert found is not None
        self.csrf = found[1]

    def press(self, path: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data={"csrf": self.csrf, **fields})


def view(web: WebServer, incident: str) -> dict[str, Any]:
    return dict(web.client("viewer-secret-1").get(f"/api/v1/incidents/{incident}").json())


def test_what_is_written_into_the_forms_is_recorded_and_the_page_shows_it(web: WebServer, incident: str) -> None:
    browser = Browser(web)
    pressed = browser.press(
        f"/incidents/{incident}/decide", text="Which version?", options="41\n42\n", choice="41", reason="recall"
    )
    assert pressed.status_code == 303, pressed.text
    assert pressed.headers["location"].startswith(f"/incidents/{incident}?said=evt-")
    assert (
        browser.press(f"/incidents/{incident}/action", text="Pin it", owner="me", due_text="in 2 h").status_code == 303
    )
    assert browser.press(f"/incidents/{incident}/question", text="Is staging hit?").status_code == 303
    shown = view(web, incident)
    (decision,) = [one for one in shown["decisions"] if one["kind"] == "decision"]
    assert (decision["options"], decision["choice"], decision["why"]) == (["41", "42"], "41", "recall")
    (item,) = shown["action_items"]
    assert (item["owner"], item["due_text"]) == ("olga", "in 2 h")
    page = browser.client.get(pressed.headers["location"])
    assert "Which version?" in page.text


def test_an_item_is_moved_by_its_buttons_and_leads_back_to_its_incident(web: WebServer, incident: str) -> None:
    browser = Browser(web)
    browser.press(f"/incidents/{incident}/action", text="Pin it")
    browser.press(f"/incidents/{incident}/question", text="Who?")
    shown = view(web, incident)
    item, asked = shown["action_items"][0]["id"], shown["questions"][0]["id"]
    for path, fields in (
        (f"/minutes/{item}/snooze", {"for": "2h"}),
        (f"/minutes/{item}/reassign", {"owner": "otto"}),
        (f"/minutes/{item}/amend", {"text": "Pin both"}),
        (f"/minutes/{item}/finish", {}),
        (f"/minutes/{item}/confirm", {}),
        (f"/minutes/{asked}/answer", {"text": "Otto"}),
        (f"/minutes/{asked}/withdraw", {"reason": "was a test"}),
    ):
        pressed = browser.press(path, **fields)
        assert pressed.status_code == 303, pressed.text
        assert pressed.headers["location"].startswith(f"/incidents/{incident}?said=evt-")
    shown = view(web, incident)
    assert (shown["action_items"][0]["text"], shown["action_items"][0]["status"]) == ("Pin both", "done")
    assert shown["questions"] == []


def test_a_meeting_is_held_by_buttons(web: WebServer, incident: str) -> None:
    browser = Browser(web)
    for word, fields in (
        ("meeting-propose", {"starts_at": "in 2 h", "invitees": "a@example.com, b@example.com"}),
        ("meeting-start", {"link": "https://meet.example.com/1"}),
        ("meeting-end", {}),
    ):
        assert browser.press(f"/incidents/{incident}/{word}", **fields).status_code == 303
    (meeting,) = view(web, incident)["meetings"]
    assert meeting["status"] == "ended"
    assert meeting["invitees"] == ["a@example.com", "b@example.com"]


def test_the_report_is_filled_in_field_by_field(web: WebServer, incident: str) -> None:
    browser = Browser(web)
    fields = {
        "user_effect": "Cards are declined",
        "metric.name": "recall",
        "metric.before": "0.93",
        "metric.now": "0,41",
        "reproduced.times": "3",
        "reproduced.of": "3",
        "estimate.low": "2h",
        "steps_taken": "looked\nlooked again",
        "alternatives": "wait | each hour costs",
        "business_effect": "  ",
        "colour": "red",
    }
    assert browser.press(f"/incidents/{incident}/report", **fields).status_code == 303
    report = view(web, incident)["report"]
    said = {name: one["value"] for name, one in report.items() if one["value"] is not None}
    assert set(said) == {"user_effect", "metric", "reproduced", "estimate", "steps_taken", "alternatives"}
    assert said["metric"]["now"] == 0.41
    assert said["steps_taken"] == ["looked", "looked again"]
    assert said["alternatives"] == [{"option": "wait", "why_not": "each hour costs"}]
    wrong = browser.press(f"/incidents/{incident}/report", **{"metric.name": "f1", "metric.now": "a lot"})
    assert wrong.status_code == 400
    assert "is no figure" in wrong.text


PATHS = [
    "/incidents/{incident}/decide", "/incidents/{incident}/action", "/incidents/{incident}/question",
    "/incidents/{incident}/update", "/incidents/{incident}/report", "/incidents/{incident}/take",
    "/incidents/{incident}/handover", "/incidents/{incident}/accept", "/incidents/{incident}/meeting-start",
    "/incidents/{incident}/meeting-end", "/minutes/{item}/finish", "/minutes/{item}/withdraw",
    "/minutes/{item}/confirm", "/minutes/{item}/answer", "/minutes/{item}/snooze",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_form_is_forged_or_pressed_by_a_viewer(web: WebServer, incident: str, path: str) -> None:
    made = web.client("operator-secret-1").post(f"/api/v1/incidents/{incident}/action-items", json={"text": "x"})
    before = made.json()
    address = path.format(incident=incident, item=before["item"]["id"])
    assert web.client().post(address, data={"text": "x", "csrf": "x"}).status_code == 401
    browser = Browser(web)
    assert browser.client.post(address, data={"text": "x", "csrf": "wrong"}).status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    crossed = browser.client.post(address, data={"text": "x", "csrf": browser.csrf}, headers=headers)
    assert crossed.status_code == 403
    assert Browser(web, "viewer-secret-1").press(address, text="x").status_code == 403
    assert browser.client.get(address).status_code in (404, 405)
    after = view(web, incident)
    assert after["timeline"] == before["timeline"]


class Recorder:
    """A front door that keeps what it was asked, for orders whose handlers are somebody else's."""

    def __init__(self, incident: str) -> None:
        self.incident = incident
        self.commands: list[Command] = []

    def order(self, command: Command) -> Receipt:
        self.commands.append(command)
        return Receipt("evt-1", Disposition.ACCEPTED, incidents=(self.incident,), message="done")


@pytest.mark.parametrize(
    ("path", "fields", "word", "details"),
    [
        ("update", {"text": "We look"}, Word.UPDATE, {"text": "We look"}),
        ("update", {"text": "We look", "anyway": "on"}, Word.UPDATE, {"text": "We look", "anyway": True}),
        ("take", {"reason": "mine"}, Word.TAKE, {}),
        ("handover", {"to": "otto"}, Word.HANDOVER, {"to": "otto"}),
        ("accept", {}, Word.ACCEPT, {}),
    ],
)
def test_orders_about_an_incident_go_through_the_same_door(
    web: WebServer, head: TestHead, incident: str, path: str, fields: dict[str, str], word: Word, details: Any
) -> None:
    browser, door, recorder = Browser(web), head.intake, Recorder(incident)
    head.intake = recorder
    try:
        assert browser.press(f"/incidents/{incident}/{path}", **fields).status_code == 303
    finally:
        head.intake = door
    (command,) = recorder.commands
    assert (command.word, command.subject, command.actor.name, command.via) == (word, incident, "olga", "page")
    assert dict(command.details) == details
    assert command.reason == fields.get("reason", "")


def test_there_are_no_other_orders(web: WebServer, incident: str) -> None:
    browser = Browser(web)
    assert browser.press(f"/incidents/{incident}/approve").status_code == 400
    assert browser.press(f"/incidents/{incident}/resolve").status_code == 400
    assert browser.press("/minutes/min-none/finish").status_code == 404
