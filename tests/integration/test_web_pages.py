"""The pages over real HTTP: nothing without a login, no forgery, no script, and every button an order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from support.web_server import WEBHOOK_TOKEN, WebServer, build_head, running

from bot.domain.access import AccessKind, digest_of
from bot.domain.events import Actor, Role
from bot.web.identity import COOKIE, new_access

XSS = '"><svg onload=alert(1)>'


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


class Reader(HTMLParser):
    """Collects what matters of a page: links, forms with their fields, ids, styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.labelled: set[str] = set()
        self.inputs: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(given)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "label":
            self.labelled.add(given["for"])
        elif tag in ("input", "select"):
            self.inputs.append((given.get("type", tag), given.get("id", "")))
            if self.forms and "name" in given:
                self.forms[-1][1][given["name"]] = given.get("value", "")


def logged_in(web: WebServer, token: str) -> httpx.Client:
    client = web.client()
    answer = client.post("/login", data={"token": token, "next": "/"})
    assert answer.status_code == 303, answer.text
    return client


def form_for(page: httpx.Response, action: str) -> dict[str, str]:
    return dict(next(fields for where, fields in Reader(page.text).forms if where == action))


@pytest.fixture(scope="module")
def waiting(web: WebServer) -> dict[str, str]:
    answer = web.alert(alertname="Latency", severity="critical", fp="waiting").json()
    return {"incident": answer["incidents"][0], "run": answer["runs"][0], "event": answer["event_id"]}


PAGES = [
    "/discipline",
    "/",
    "/incidents/{incident}",
    "/runs/{run}",
    "/services/fraud-model",
    "/events",
    "/events/{event}",
]
POSTS = [
    "/runs/{run}/approve",
    "/runs/{run}/take-over",
    "/services/fraud-model/halt",
    "/services/fraud-model/lift",
    "/services/fraud-model/hands-off",
    "/services/fraud-model/rollback",
    "/incidents/{incident}/resolve",
    "/incidents/{incident}/endorse",
    "/events/{event}/replay",
    "/automation",
    "/logout",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_a_login_leads_to_the_login(web: WebServer, waiting: dict[str, str], path: str) -> None:
    answer = web.client().get(path.format(**waiting))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert "fraud" not in answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", ["viewer-secret-1", "operator-secret-1", "admin-secret-1"])
def test_a_page_is_whole_strict_and_free_of_scripts(
    web: WebServer, waiting: dict[str, str], path: str, token: str
) -> None:
    answer = logged_in(web, token).get(path.format(**waiting))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    page = Reader(answer.text)
    assert not page.tags & {"script", "style", "iframe", "object"}
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert len(page.ids) == len(set(page.ids)), "an id occurs twice"
    unlabelled = [given for kind, given in page.inputs if kind != "hidden" and given not in page.labelled]
    assert not unlabelled


@pytest.mark.parametrize("path", POSTS)
def test_a_button_without_a_session_changes_nothing(web: WebServer, waiting: dict[str, str], path: str) -> None:
    before = newest_event(web)
    assert web.client().post(path.format(**waiting), data={"reason": "x", "csrf": "x"}).status_code == 401
    assert newest_event(web) == before


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("csrf", [None, "", "wrong", "another session's"])
def test_a_button_without_the_token_of_its_session_is_forbidden(
    web: WebServer, waiting: dict[str, str], path: str, csrf: str | None
) -> None:
    other = form_for(logged_in(web, "admin-secret-1").get("/"), "/logout")["csrf"]
    fields = {"reason": "x", "switch": "off", "for": "2h"}
    if csrf is not None:
        fields["csrf"] = other if csrf == "another session's" else csrf
    before = newest_event(web)
    assert logged_in(web, "admin-secret-1").post(path.format(**waiting), data=fields).status_code == 403
    assert newest_event(web) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_button_pressed_by_another_site_is_forbidden(web: WebServer, headers: dict[str, str]) -> None:
    client = logged_in(web, "admin-secret-1")
    fields = {**form_for(client.get("/"), "/automation"), "reason": "x"}
    assert client.post("/automation", data=fields, headers=headers).status_code == 403
    assert web.client().post("/login", data={"token": "admin-secret-1"}, headers=headers).status_code == 403


def test_a_page_session_may_not_use_the_api_to_change_without_its_token(web: WebServer) -> None:
    client = logged_in(web, "operator-secret-1")
    assert client.get("/api/v1/incidents").status_code == 200
    body = {"reason": "x", "environment": "staging"}
    assert client.post("/api/v1/services/fraud-model/halt", json=body).status_code == 403
    csrf = form_for(client.get("/"), "/logout")["csrf"]
    allowed = client.post("/api/v1/services/fraud-model/halt", json=body, headers={"X-CSRF-Token": csrf})
    assert allowed.status_code == 200
    lift(web)


def test_no_link_changes_anything(web: WebServer, waiting: dict[str, str]) -> None:
    client = logged_in(web, "admin-secret-1")
    for path in POSTS:
        assert client.get(path.format(**waiting)).status_code == 405


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(web: WebServer) -> None:
    answer = web.client().post("/login", data={"token": "viewer-secret-1"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    secret = cookie.split("=", 1)[1].split(";")[0]
    assert len(secret) >= 43
    with web.head.store.read() as tx:
        assert tx.access(digest_of(secret)) is not None
        assert tx.access(secret) is None


def test_over_https_the_cookie_is_secure(tmp_path_factory: pytest.TempPathFactory) -> None:
    head = build_head(tmp_path_factory.mktemp("tls"), ANDON_PUBLIC_URL="https://andon.example.com")
    with running(head) as web:
        answer = web.client().post("/login", data={"token": "viewer-secret-1"})
        assert "Secure" in answer.headers["set-cookie"]
    head.store.close()


@pytest.mark.parametrize("token", ["", "wrong", WEBHOOK_TOKEN, "viewer-secret-1\x00", "x" * 10_000, "ü" * 50])
def test_a_token_that_is_nobodys_opens_nothing(web: WebServer, token: str) -> None:
    answer = web.client().post("/login", data={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "going",
    ["https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "javascript:alert(1)", "/\r\nX: 1"],
)
def test_a_login_never_leads_away(web: WebServer, going: str) -> None:
    answer = web.client().post("/login", data={"token": "viewer-secret-1", "next": going})
    assert answer.headers["location"] == "/"


def test_a_login_comes_back_to_what_was_asked_for(web: WebServer, waiting: dict[str, str]) -> None:
    client = web.client()
    sent = client.get(f"/incidents/{waiting['incident']}")
    form = form_for(client.get(sent.headers["location"]), "/login")
    answer = client.post("/login", data={**form, "token": "viewer-secret-1"})
    assert answer.headers["location"] == f"/incidents/{waiting['incident']}"


def test_a_link_logs_in_once_and_looking_at_it_spends_nothing(web: WebServer) -> None:
    secret, access = new_access(AccessKind.LINK, Actor("owner", Role.ADMIN), web.head.clock.now())
    with web.head.store.write() as tx:
        tx.add(access)
    link = f"/login/{secret}"
    for _ in range(3):
        looked = web.client().get(link)
        assert looked.status_code == 200
        assert "set-cookie" not in looked.headers
    first = web.client()
    assert first.post(link).status_code == 303
    assert "owner" in first.get("/").text
    second = web.client().post(link)
    assert second.status_code == 403
    assert "set-cookie" not in second.headers


def test_a_link_that_is_made_up_opens_nothing(web: WebServer) -> None:
    for secret in ("x", "x" * 3000, "%00", "%f0%9f%92%a9"):
        answer = web.client().post(f"/login/{secret}")
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_session_that_has_ended_is_no_session(web: WebServer) -> None:
    now = web.head.clock.now() - timedelta(hours=13)
    secret, access = new_access(AccessKind.SESSION, Actor("late", Role.ADMIN), now)
    with web.head.store.write() as tx:
        tx.add(access)
    assert web.client().get("/", headers={"Cookie": f"{COOKIE}={secret}"}).status_code == 303


def test_a_link_is_no_session(web: WebServer) -> None:
    secret, access = new_access(AccessKind.LINK, Actor("owner", Role.ADMIN), web.head.clock.now())
    with web.head.store.write() as tx:
        tx.add(access)
    assert web.client().get("/", headers={"Cookie": f"{COOKIE}={secret}"}).status_code == 303


def test_logging_out_ends_the_session_in_the_store(web: WebServer) -> None:
    client = logged_in(web, "viewer-secret-1")
    secret = client.cookies[COOKIE]
    form = form_for(client.get("/"), "/logout")
    assert client.post("/logout", data=form).headers["location"] == "/login"
    again = web.client().get("/", headers={"Cookie": f"{COOKIE}={secret}"})
    assert again.status_code == 303


def test_a_strict_cookie_survives_the_way_in_from_a_chat(web: WebServer) -> None:
    answer = web.client().get("/events", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert 'content="0;url=/events"' in answer.text
    assert web.client().get("/events", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_hostile_labels_are_shown_as_text_everywhere(web: WebServer) -> None:
    labels = {"alertname": XSS, "service": "fraud-model", "severity": "critical", "environment": XSS, XSS: XSS}
    body = {"title": XSS, "labels": labels, "annotations": {"summary": XSS}, "fingerprint": XSS}
    body["link"] = "javascript:alert(1)"
    sent = web.client(WEBHOOK_TOKEN).post("/webhooks/generic", json=body).json()
    dead = web.client(WEBHOOK_TOKEN).post("/webhooks/generic", content=f"{XSS} is not JSON".encode()).json()
    client = logged_in(web, "admin-secret-1")
    halted = client.get("/services/fraud-model")
    fields = {**form_for(halted, "/services/fraud-model/halt"), "reason": XSS}
    moved = client.post("/services/fraud-model/halt", data=fields).headers["location"]
    paths = ["/", f"/incidents/{sent['incidents'][0]}", f"/events/{sent['event_id']}", f"/events/{dead['event_id']}"]
    seen = 0
    for path in [*paths, moved, "/services/fraud-model", "/events"]:
        text = client.get(path).text
        assert "<svg onload" not in text
        assert "javascript:alert" not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
        seen += text.count("&lt;svg onload=alert(1)&gt;")
    assert seen >= 5, "the label is shown, as text"
    lift(web)


def test_what_utf8_cannot_encode_is_shown_anyway(web: WebServer) -> None:
    raw = b'{"title": "half \\ud83d of a smile", "labels": {"service": "fraud-model"}}'
    sent = web.client(WEBHOOK_TOKEN).post("/webhooks/generic", content=raw).json()
    client = logged_in(web, "viewer-secret-1")
    assert client.get(f"/events/{sent['event_id']}").status_code == 200
    assert client.get(f"/incidents/{sent['incidents'][0]}").status_code == 200


def test_an_approval_is_answered_with_one_button(web: WebServer) -> None:
    sent = web.alert(alertname="Memory", severity="critical", fp="one button").json()
    client = logged_in(web, "operator-secret-2")
    page = client.get(f"/incidents/{sent['incidents'][0]}")
    run = web.client("viewer-secret-1").get(f"/api/v1/runs/{sent['runs'][0]}").json()
    form = form_for(page, f"/runs/{run['id']}/approve")
    assert form["plan_hash"] == run["plan_hash"]
    answer = client.post(f"/runs/{run['id']}/approve", data=form)
    assert answer.status_code == 303
    shown = client.get(answer.headers["location"])
    assert 'role="status"' in shown.text
    assert "approved by otto" in shown.text


def test_a_viewer_is_offered_no_buttons_and_may_not_press_any(web: WebServer, waiting: dict[str, str]) -> None:
    client = logged_in(web, "viewer-secret-1")
    for path in PAGES:
        forms = Reader(client.get(path.format(**waiting)).text).forms
        assert [action for action, _ in forms] == ["/logout"]
    csrf = form_for(client.get("/"), "/logout")["csrf"]
    pressed = client.post("/services/fraud-model/halt", data={"csrf": csrf, "reason": "x"})
    assert pressed.status_code == 403
    assert "operator" in pressed.text


def test_the_switch_for_everything_is_shown_on_every_page(web: WebServer) -> None:
    client = logged_in(web, "admin-secret-1")
    fields = {**form_for(client.get("/"), "/automation"), "reason": "a storm of alerts"}
    assert client.post("/automation", data=fields).status_code == 303
    for path in ("/", "/events", "/services/fraud-model"):
        assert "Automation is off." in client.get(path).text
    fields = {**form_for(client.get("/"), "/automation"), "reason": "over"}
    client.post("/automation", data=fields)
    assert "Automation is off." not in client.get("/").text


def test_an_active_run_refreshes_its_pages_until_told_not_to(tmp_path: Path) -> None:
    head = build_head(tmp_path)
    with running(head) as web:
        sent = web.alert().json()
        assert web.client("viewer-secret-1").get(f"/api/v1/runs/{sent['runs'][0]}").json()["status"] == "queued"
        client = logged_in(web, "viewer-secret-1")
        for path in (f"/runs/{sent['runs'][0]}", f"/incidents/{sent['incidents'][0]}"):
            assert '<meta http-equiv="refresh"' in client.get(path).text
            still = client.get(f"{path}?refresh=off").text
            assert '<meta http-equiv="refresh"' not in still
        assert '<meta http-equiv="refresh"' not in client.get("/").text
    head.store.close()


@pytest.mark.parametrize("path", ["/incidents/inc-unknown", "/nothing", "/runs/%00", "/static/../../etc/passwd"])
def test_what_does_not_exist_is_a_readable_page(web: WebServer, path: str) -> None:
    answer = logged_in(web, "viewer-secret-1").get(path)
    assert answer.status_code == 404
    assert "That did not work" in answer.text or answer.headers["content-type"] == "application/problem+json"


def test_every_link_on_every_page_leads_somewhere(web: WebServer, waiting: dict[str, str]) -> None:
    client = logged_in(web, "admin-secret-1")
    todo = [path.format(**waiting) for path in PAGES]
    done: set[str] = set()
    while todo and len(done) < 200:
        path = todo.pop()
        if path in done:
            continue
        done.add(path)
        answer = client.get(path)
        assert answer.status_code in (200, 303), f"{path}: {answer.status_code}"
        page = Reader(answer.text)
        todo += [link.partition("#")[0] for link in page.links if link.startswith("/") and not link.startswith("//")]
        missing = [link for link in page.links if link.startswith("#") and link[1:] not in page.ids]
        assert not missing, f"{path}: {missing}"
    assert len(done) > 10


def test_the_style_sheet_may_be_kept_and_nothing_else(web: WebServer) -> None:
    style = web.client().get("/static/andon.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]
    assert web.client().get("/login").headers["cache-control"] == "no-store"


def newest_event(web: WebServer) -> str:
    with web.head.store.read() as tx:
        return next((one.id for one in tx.events(limit=1)), "")


def lift(web: WebServer) -> None:
    answer = web.client("admin-secret-1").post("/api/v1/services/fraud-model/lift", json={"reason": "the test is over"})
    assert answer.status_code == 200, answer.text
