"""The JSON API for what people decide, promise and ask: each answer as the OpenAPI document says, over real HTTP."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from support.web_server import TestHead, WebServer, build_head, running

from bot.domain.errors import BadInput
from bot.domain.events import Actor, Command, Disposition, Receipt, Role
from bot.domain.words import Word

VIEWER, OPERATOR, SECOND = "viewer-secret-1", "operator-secret-1", "operator-secret-2"
_numbers = itertools.count()
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://t.example/p.png)\n# not a title\n\u202e😀"


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHead]:
    made = build_head(tmp_path_factory.mktemp("web"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def web(head: TestHead) -> Iterator[WebServer]:
    with running(head) as server:
        yield server


@pytest.fixture(scope="module")
def document(web: WebServer) -> dict[str, Any]:
    return dict(web.client().get("/openapi.json").json())


@pytest.fixture
def incident(web: WebServer) -> Iterator[str]:
    """An incident of its own for each test."""
    known = web.alert(alertname="Nothing", fp=f"nothing-{next(_numbers)}").json()["incidents"][0]
    yield known
    web.client(OPERATOR).post(f"/api/v1/incidents/{known}/resolve", json={"reason": "the test is over"})


def post(web: WebServer, path: str, body: Any = None, token: str = OPERATOR) -> httpx.Response:
    return web.client(token).post(f"/api/v1{path}", json=body if body is not None else {})


def fits(document: dict[str, Any], path: str, method: str, answer: httpx.Response) -> dict[str, Any]:
    described = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].split(";")[0]
    Draft202012Validator({**described[kind]["schema"], "components": document["components"]}).validate(answer.json())
    return dict(answer.json())


def test_a_decision_stands_beside_the_automatic_ones_in_the_same_shape(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    body = {"text": "Which version?", "options": ["41", "42"], "choice": "41", "reason": "recall", "decider": "olga"}
    answer = post(web, f"/incidents/{incident}/decisions", body)
    assert answer.status_code == 200, answer.text
    view = fits(document, "/api/v1/incidents/{incident_id}/decisions", "post", answer)
    assert view["order"]["records"] == [view["item"]["id"]]
    shown = fits(
        document, "/api/v1/incidents/{incident_id}", "get", web.client(VIEWER).get(f"/api/v1/incidents/{incident}")
    )
    assert {one["kind"] for one in shown["decisions"]} == {"verdict", "decision"}
    (made,) = [one for one in shown["decisions"] if one["kind"] == "decision"]
    assert (made["verdict"], made["actor"], made["choice"], made["why"]) == ("decided", "olga", "41", "recall")
    assert made["options"] == ["41", "42"]
    assert made["event_id"] == view["order"]["event_id"]
    assert [one["at"] for one in shown["decisions"]] == sorted(one["at"] for one in shown["decisions"])


def test_an_action_item_is_said_back_and_shown_with_its_source_and_history(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    body = {"text": "Pin it", "owner": "otto", "due_at": "2027-01-15T16:00:00Z", "source_key": f"{incident}-1"}
    answer = post(web, f"/incidents/{incident}/action-items", body)
    view = fits(document, "/api/v1/incidents/{incident_id}/action-items", "post", answer)
    assert "Due Fri 15 Jan 2027, 16:00 UTC." in view["order"]["message"]
    assert view["item"]["due_at"] == "2027-01-15T16:00:00.000Z"
    assert [one["id"] for one in view["action_items"]] == [view["item"]["id"]]
    again = post(web, f"/incidents/{incident}/action-items", body).json()
    assert again["item"]["id"] == view["item"]["id"]
    assert len(again["action_items"]) == 1
    item = view["item"]["id"]
    for word, sent in (
        ("amend", {"text": "Pin both"}),
        ("reassign", {"owner": "olga"}),
        ("snooze", {"for": "2h"}),
        ("finish", {"text": "pinned"}),
        ("withdraw", {"reason": "was a test"}),
    ):
        changed = post(web, f"/minutes/{item}/{word}", sent)
        assert changed.status_code == 200, changed.text
        fits(document, f"/api/v1/minutes/{{item_id}}/{word}", "post", changed)
    detail = web.client(VIEWER).get(f"/api/v1/minutes/{item}").json()
    assert [one["what"] for one in detail["history"]] == [
        "recorded", "amended", "reassigned", "snoozed", "done", "withdrawn",
    ]  # fmt: skip
    shown = web.client(VIEWER).get(f"/api/v1/incidents/{incident}").json()
    assert shown["action_items"] == []
    assert [one["id"] for one in shown["withdrawn"]] == [item]


def test_a_question_is_answered_and_a_suggestion_confirmed(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    asked = post(web, f"/incidents/{incident}/questions", {"text": "Who?", "certain": False})
    view = fits(document, "/api/v1/incidents/{incident_id}/questions", "post", asked)
    assert view["questions"] == []
    assert [one["text"] for one in view["suggested"]] == ["Who?"]
    item = view["item"]["id"]
    confirmed = post(web, f"/minutes/{item}/confirm")
    assert fits(document, "/api/v1/minutes/{item_id}/confirm", "post", confirmed)["status"] == "open"
    answered = post(web, f"/minutes/{item}/answer", {"text": "Otto"})
    assert fits(document, "/api/v1/minutes/{item_id}/answer", "post", answered)["answer"] == "Otto"
    assert post(web, f"/minutes/{item}/finish").status_code == 400
    assert post(web, f"/minutes/{item}/snooze", {"for": "2h"}).status_code == 409


def test_a_meeting_goes_from_its_proposal_to_the_summary(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    path = f"/incidents/{incident}/meetings"
    for body, status in (
        ({}, "proposed"),
        ({"action": "propose", "starts_at": "in 2 h"}, "proposed"),
        ({"action": "start", "link": "https://meet.example.com/1"}, "started"),
        ({"action": "end"}, "ended"),
    ):
        answer = post(web, path, body)
        assert answer.status_code == 200, answer.text
        view = fits(document, "/api/v1/incidents/{incident_id}/meetings", "post", answer)
        (meeting,) = view["meetings"]
        assert meeting["status"] == status
    assert meeting["sequence"] == 1
    assert "summary" in {one["name"] for one in view["notices"]}
    assert post(web, path, {"action": "cancel"}).status_code == 409
    assert post(web, path, {"action": "dance"}).status_code == 422


def test_a_notice_shows_where_it_went(web: WebServer, incident: str) -> None:
    shown = web.client(VIEWER).get(f"/api/v1/incidents/{incident}").json()
    assert {"address", "link", "ref", "tried"} <= set(shown["notices"][0])
    assert shown["owner"] is None
    assert shown["report"] == {}


NOTES = b"decision: we put 41 back\naction: otto pins the feature by tomorrow noon\nquestion: is staging hit?\n"


def test_notes_give_records_once_and_name_the_line_of_each(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    client = web.client(OPERATOR)
    path = f"/api/v1/incidents/{incident}/notes"
    for counts in ((3, 0), (0, 3)):
        answer = client.post(path, content=NOTES, headers={"Content-Type": "text/plain; charset=utf-8"})
        assert answer.status_code == 200, answer.text
        view = fits(document, "/api/v1/incidents/{incident_id}/notes", "post", answer)
        assert len(view["order"]["records"]) == counts[0]
    lines = {one["source"]["line"] for one in (*view["action_items"], *view["questions"], *view["suggested"])}
    assert lines <= {2, 3}
    assert [one["text"] for one in view["decisions"] if one["kind"] == "decision"] == ["we put 41 back"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (NOTES, "application/pdf", 415),
        (NOTES, "", 415),
        (b"x" * (1024 * 1024 + 1), "text/plain", 413),
        (b"\xff\x00\xff", "text/plain", 400),
        (b"", "text/plain", 400),
        (b"{", "application/json", 400),
        (b"no header", "text/vtt", 400),
    ],
)
def test_notes_that_do_not_fit_change_nothing(
    web: WebServer, incident: str, content: bytes, kind: str, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = web.client(OPERATOR).post(f"/api/v1/incidents/{incident}/notes", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    shown = web.client(VIEWER).get(f"/api/v1/incidents/{incident}").json()
    assert shown["action_items"] == shown["questions"] == shown["suggested"] == []


def test_the_summary_is_a_markdown_file_in_which_nothing_is_forged(web: WebServer, incident: str) -> None:
    post(web, f"/incidents/{incident}/decisions", {"text": HOSTILE, "reason": HOSTILE, "options": [HOSTILE]})
    post(web, f"/incidents/{incident}/action-items", {"text": "Pin it", "owner": HOSTILE[:100], "due_text": "in 2 h"})
    post(web, f"/incidents/{incident}/questions", {"text": "Is staging hit?"})
    answer = web.client(VIEWER).get(f"/api/v1/incidents/{incident}/summary.md")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.text
    assert text.startswith("# Summary: ")
    for title in ("Key points", "Decisions", "Action items", "Questions", "Meetings", "Next update"):
        assert f"\n## {title}\n" in text
    assert "<script" not in text
    assert "](javascript" not in text
    assert "](http://t.example" not in text
    assert "\n# not a title" not in text
    assert "\u202e" not in text
    assert "Is staging hit?" in text
    assert web.client(VIEWER).get("/api/v1/incidents/inc-none/summary.md").status_code == 404


def test_a_summary_of_hundreds_of_long_items_is_written_all_the_same(web: WebServer, incident: str) -> None:
    lines = "\n".join(f"action: @otto does thing {number} {'x' * 200} by tomorrow" for number in range(400))
    given = web.client(OPERATOR).post(
        f"/api/v1/incidents/{incident}/notes", content=lines.encode(), headers={"Content-Type": "text/plain"}
    )
    assert given.status_code == 200, given.text
    answer = web.client(VIEWER).get(f"/api/v1/incidents/{incident}/summary.md")
    assert answer.status_code == 200, answer.text
    assert "thing 399" in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("decisions", {}),
        ("decisions", {"text": " "}),
        ("decisions", {"text": "x", "colour": "red"}),
        ("decisions", {"text": "x", "evidence": "javascript:alert(1)"}),
        ("action-items", {"text": 7}),
        ("questions", {"text": "x", "source": {"medium": "slack", "secret": "y"}}),
        ("updates", {}),
        ("report", {"reproduced": {"times": 1}}),
        ("handover", {}),
    ],
)
def test_a_body_that_does_not_fit_is_named_by_field(
    web: WebServer, incident: str, path: str, body: dict[str, Any]
) -> None:
    answer = post(web, f"/incidents/{incident}/{path}", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


def test_what_does_not_exist_is_a_404_and_writes_nothing(web: WebServer) -> None:
    assert post(web, "/incidents/inc-none/decisions", {"text": "x"}).status_code == 404
    assert post(web, "/minutes/min-none/finish").status_code == 404
    assert web.client(VIEWER).get("/api/v1/minutes/min-none").status_code == 404


class Recorder:
    """A front door that keeps what it was asked, for orders whose handlers are somebody else's."""

    def __init__(self, incident: str) -> None:
        self.incident = incident
        self.commands: list[Command] = []

    def order(self, command: Command) -> Receipt:
        self.commands.append(command)
        return Receipt("evt-1", Disposition.ACCEPTED, incidents=(self.incident,), message="done")


@pytest.mark.parametrize(
    ("path", "body", "word", "details"),
    [
        ("updates", {"text": "We look at it"}, Word.UPDATE, {"text": "We look at it"}),
        (
            "report",
            {"user_effect": "None", "metric": {"name": "f1", "now": 0.4}, "reason": "seen"},
            Word.REPORT,
            {"fields": {"user_effect": "None", "metric": {"name": "f1", "before": None, "now": 0.4}}},
        ),
        ("take", {"reason": "mine"}, Word.TAKE, {}),
        ("handover", {"to": "otto"}, Word.HANDOVER, {"to": "otto"}),
        ("accept", {}, Word.ACCEPT, {}),
    ],
)
def test_orders_about_an_incident_go_through_the_same_door(
    web: WebServer, head: TestHead, incident: str, path: str, body: dict[str, Any], word: Word, details: dict[str, Any]
) -> None:
    door, recorder = head.intake, Recorder(incident)
    head.intake = recorder
    try:
        answer = post(web, f"/incidents/{incident}/{path}", body)
    finally:
        head.intake = door
    assert answer.status_code == 200, answer.text
    (command,) = recorder.commands
    assert (command.word, command.subject, command.actor.name) == (word, incident, "olga")
    assert command.reason == body.get("reason", "")
    if word is Word.REPORT:
        assert set(command.details["fields"]) == set(details["fields"])
        assert command.details["fields"]["metric"]["now"] == 0.4
    else:
        assert command.details == details


def attach(web: WebServer, incident: str, content: bytes, name: str = "shot.png", token: str = OPERATOR) -> Any:
    return web.client(token).post(f"/api/v1/incidents/{incident}/files", params={"name": name}, content=content)


def test_a_file_is_attached_once_and_comes_back_as_it_was(
    web: WebServer, document: dict[str, Any], incident: str
) -> None:
    content = b"\x89PNG\x00<script>" + bytes(range(256))
    digest = hashlib.sha256(content).hexdigest()
    view = fits(document, "/api/v1/incidents/{incident_id}/files", "post", attach(web, incident, content))
    assert view["report"]["files"]["value"] == [{"name": "shot.png", "sha256": digest, "size": len(content)}]
    attach(web, incident, b"another", "../../etc/pass\u202ewd\n")
    again = attach(web, incident, content, "other name.png").json()
    assert [one["name"] for one in again["report"]["files"]["value"]] == ["shot.png", "passwd"]
    answer = web.client(VIEWER).get(f"/api/v1/incidents/{incident}/files/{digest}")
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''shot.png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    said = [one["text"] for one in again["timeline"] if one["kind"] == "report"]
    assert any(digest[:12] in one for one in said)


def test_a_file_of_another_incident_or_of_none_is_not_shown(web: WebServer, incident: str) -> None:
    attach(web, incident, b"for this one only")
    digest = hashlib.sha256(b"for this one only").hexdigest()
    post(web, f"/incidents/{incident}/resolve", {"reason": "the next one is another incident"})
    other = web.alert(alertname="Nothing", fp=f"nothing-{next(_numbers)}").json()["incidents"][0]
    assert other != incident
    for path in (f"{other}/files/{digest}", f"{incident}/files/{'0' * 64}", f"inc-none/files/{digest}"):
        assert web.client(VIEWER).get(f"/api/v1/incidents/{path}").status_code == 404


def test_a_file_that_is_empty_too_large_or_from_a_viewer_is_not_kept(
    web: WebServer, head: TestHead, incident: str
) -> None:
    large = b"x" * (5 * 1024 * 1024 + 1)
    assert attach(web, incident, b"").status_code == 400
    assert attach(web, incident, large).status_code == 413
    assert attach(web, incident, b"seen", token=VIEWER).status_code == 403
    assert attach(web, "inc-none", b"seen").status_code == 404
    with head.store.read() as tx:
        assert not any(tx.keeps_file(hashlib.sha256(one).hexdigest()) for one in (b"", large, b"seen"))


def test_a_report_cannot_claim_a_file_that_was_never_given(web: WebServer, head: TestHead, incident: str) -> None:
    claimed = {"name": "proof.png", "sha256": "a" * 64, "size": 1}
    assert post(web, f"/incidents/{incident}/report", {"files": [claimed]}).status_code == 422
    command = Command(Word.REPORT, incident, Actor("olga", Role.OPERATOR), "test", details={"files": [claimed]})
    with pytest.raises(BadInput, match="not kept"):
        head.intake.order(command)


def test_an_incident_has_twenty_files_at_most(web: WebServer, incident: str) -> None:
    for number in range(20):
        assert attach(web, incident, f"file {number}".encode()).status_code == 200
    answer = attach(web, incident, b"one more")
    assert answer.status_code == 400
    assert "20 attached files at most" in answer.text
