"""The webhook door, over real HTTP: whatever comes in gets the answer that the contract names."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.web_server import WEBHOOK_TOKEN, WebServer, build_head, running

from bot.domain.errors import TryLater

CAP = 256 * 1024


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


@pytest.fixture
def sender(web: WebServer) -> httpx.Client:
    return web.client(WEBHOOK_TOKEN)


def events_in(web: WebServer) -> int:
    with web.head.store.read() as tx:
        return len(tx.events(limit=100_000))


def batches_in(web: WebServer) -> int:
    """How many commits the front door made so far."""
    page = web.client().get("/metrics").text
    line = next(one for one in page.splitlines() if one.startswith("andon_accept_batch_deliveries_count"))
    return int(float(line.split()[-1]))


def test_an_alert_is_committed_before_its_answer(web: WebServer, sender: httpx.Client) -> None:
    answer = web.alert(sender, alertname="Divergence", fp="committed")
    assert answer.status_code == 202
    body = answer.json()
    assert body["disposition"] == "accepted"
    assert body["alerts"] == 1
    with web.head.store.read() as tx:
        assert tx.event(body["event_id"]) is not None
        assert tx.incident(body["incidents"][0]) is not None
        assert tx.run(body["runs"][0]) is not None


def test_the_same_alert_again_is_a_duplicate_that_names_the_original(web: WebServer, sender: httpx.Client) -> None:
    first = web.alert(sender, fp="twice").json()
    again = web.alert(sender, fp="twice")
    assert again.status_code == 202
    assert again.json()["disposition"] == "duplicate"
    assert again.json()["incidents"] == first["incidents"]
    assert again.json()["runs"] == first["runs"]


def test_an_alert_of_no_service_is_ignored(web: WebServer, sender: httpx.Client) -> None:
    answer = web.alert(sender, service="unheard-of", fp="nobody")
    assert (answer.status_code, answer.json()["disposition"]) == (202, "ignored")


WRONG_CREDENTIALS = {
    "none": {},
    "wrong bearer": {"Authorization": "Bearer wrong"},
    "empty bearer": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": f"Token {WEBHOOK_TOKEN}"},
    "wrong password": {"Authorization": "Basic " + base64.b64encode(b"user:wrong").decode()},
    "broken basic": {"Authorization": "Basic ???"},
    "bytes that are no text": {"Authorization": b"Bearer \xff\xfe"},
    "an API token": {"Authorization": "Bearer admin-secret-1"},
}


@pytest.mark.parametrize("name", WRONG_CREDENTIALS)
@pytest.mark.parametrize("source", ["generic", "alertmanager", "unheard-of"])
def test_what_is_not_authentic_gets_the_same_401_everywhere(web: WebServer, source: str, name: str) -> None:
    before = events_in(web)
    answer = web.client().post(f"/webhooks/{source}", content=b'{"title":"x"}', headers=WRONG_CREDENTIALS[name])
    plain = web.client().post("/webhooks/generic", content=b"")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content == plain.content
    assert events_in(web) == before


def test_the_secret_as_basic_password_is_authentic(web: WebServer) -> None:
    answer = web.client().post("/webhooks/generic", json={"title": "x"}, auth=("anybody", WEBHOOK_TOKEN))
    assert answer.status_code == 202


def test_an_unknown_source_is_named_together_with_the_known_ones(sender: httpx.Client) -> None:
    answer = sender.post("/webhooks/alertmanagr", content=b"{}")
    assert answer.status_code == 404
    assert "alertmanager" in answer.json()["next"]


def test_what_andon_raises_itself_comes_in_by_no_webhook(web: WebServer, sender: httpx.Client) -> None:
    body = {"service": "fraud-model", "environment": "production", "version": "44", "status": "firing"}
    before = events_in(web)
    answer = sender.post("/webhooks/live", json={**body, "since": "2026-01-01T00:00:00Z"})
    assert answer.status_code == 404
    assert answer.json()["next"] == "known sources: alertmanager, cloudevents, generic, grafana"
    assert events_in(web) == before
    assert web.client().post("/webhooks/live", json=body).status_code == 401
    document = web.client().get("/openapi.json").json()
    parameter = document["paths"]["/webhooks/{source}"]["post"]["parameters"][0]
    assert "live" not in parameter["schema"]["enum"]


HOSTILE = {
    "not JSON": b"hello",
    "empty": b"",
    "not UTF-8": b'{"title": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "duplicate keys": b'{"title": "a", "title": "b"}',
    "NaN": b'{"title": "a", "labels": {"x": NaN}}',
    "infinity": b'{"title": "a", "labels": {"x": 1e999}}',
    "NUL in a title": b'{"title": "a\\u0000b"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "a hundred thousand brackets": b"[" * 100_000,
    "brackets in an object": b'{"a":' * 50_000,
    "a list": b"[]",
    "null": b"null",
    "a number of ten thousand digits": b"1" * 10_000,
    "title of the wrong type": b'{"title": {"a": 1}}',
    "labels of the wrong type": b'{"title": "a", "labels": [1]}',
    "a status nobody knows": b'{"title": "a", "status": "on fire"}',
    "a time that does not exist": b'{"title": "a", "starts_at": "2026-13-45T99:00:00Z"}',
    "a time outside all calendars": b'{"title": "a", "starts_at": "0000-00-00T00:00:00Z"}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("source", ["generic", "alertmanager", "grafana", "cloudevents"])
def test_an_authentic_body_is_kept_whatever_it_is(web: WebServer, sender: httpx.Client, source: str, name: str) -> None:
    answer = sender.post(f"/webhooks/{source}", content=HOSTILE[name])
    assert answer.status_code == 202, answer.text
    assert answer.json()["disposition"] in ("dead_letter", "ignored", "duplicate")
    shown = web.client("admin-secret-1").get(f"/api/v1/events/{answer.json()['event_id']}")
    assert shown.status_code == 200
    assert shown.json()["decisions"], "no event without a decision"


def test_an_empty_list_of_alerts_is_a_dead_letter_that_says_why(web: WebServer, sender: httpx.Client) -> None:
    answer = sender.post("/webhooks/alertmanager", json={"version": "4", "status": "firing", "alerts": []})
    assert answer.json()["disposition"] == "dead_letter"
    shown = web.client("admin-secret-1").get(f"/api/v1/events/{answer.json()['event_id']}").json()
    assert shown["problem"]
    assert json.loads(shown["body"])["alerts"] == []


def test_secrets_of_a_delivery_are_not_kept(web: WebServer, sender: httpx.Client) -> None:
    answer = sender.post("/webhooks/generic", content=b"broken", headers={"Cookie": "a=b", "User-Agent": "sender/1"})
    shown = web.client("admin-secret-1").get(f"/api/v1/events/{answer.json()['event_id']}").text
    assert WEBHOOK_TOKEN not in shown
    assert "a=b" not in shown


@pytest.mark.parametrize("token", [WEBHOOK_TOKEN, "wrong"])
def test_a_body_over_the_cap_is_refused_by_its_length(web: WebServer, token: str) -> None:
    before = events_in(web)
    answer = web.client(token).post("/webhooks/generic", content=b"x" * (CAP + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert events_in(web) == before


def test_a_body_of_exactly_the_cap_is_taken(sender: httpx.Client) -> None:
    body = b'{"title": "' + b"x" * (CAP - 13) + b'"}'
    assert len(body) == CAP
    assert sender.post("/webhooks/generic", content=body).status_code == 202


def test_a_chunked_body_over_the_cap_is_refused(sender: httpx.Client) -> None:
    answer = sender.post("/webhooks/generic", content=(b"x" * 10_000 for _ in range(40)))
    assert answer.status_code == 413


def test_the_answer_to_an_endless_body_comes_before_its_end(web: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as sender:
        sender.sendall(b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(40):
            sender.sendall(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
        assert sender.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 400, "1e3"])
def test_a_length_that_is_no_length_is_never_a_500(web: WebServer, length: str) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as sender:
        head = f"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        sender.sendall(head.encode() + b"{}")
        answer = sender.recv(200)
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 401", b"HTTP/1.1 413")


def test_a_slash_at_the_end_is_no_redirect(web: WebServer, sender: httpx.Client) -> None:
    assert sender.post("/webhooks/generic/", json={"title": "slash"}).status_code == 202


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks", "/webhooks//generic", "/webhooks/a/b", "/webhooks/%00"])
def test_an_odd_path_is_a_problem_and_no_redirect(sender: httpx.Client, path: str) -> None:
    answer = sender.post(path, content=b"{}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_method_is_a_problem_that_names_the_right_one(sender: httpx.Client) -> None:
    answer = sender.get("/webhooks/generic")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["status"] == 405


def test_many_at_once_are_each_stored_once_and_share_commits(web: WebServer) -> None:
    before, batches_before = events_in(web), batches_in(web)
    barrier = threading.Barrier(16)

    def send(number: int) -> httpx.Response:
        with httpx.Client(base_url=web.address, headers={"Authorization": f"Bearer {WEBHOOK_TOKEN}"}) as client:
            barrier.wait()
            return [web.alert(client, alertname="Slow", fp=f"many-{number}-{one}") for one in range(10)][-1]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert events_in(web) == before + 160
    assert batches_in(web) - batches_before < 160


def test_without_a_database_the_sender_is_told_to_come_back(tmp_path: Path) -> None:
    head = build_head(tmp_path)

    class Away:
        def accept(self, *_: object) -> list[object]:
            raise TryLater("The database is away", next="send it again")

        def note(self, receipts: list[object]) -> None:
            assert receipts == []

    head.intake = Away()
    with running(head) as web:
        answer = web.alert()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"
    head.store.close()


def test_a_source_without_a_secret_is_closed_and_one_with_a_secret_open(tmp_path: Path) -> None:
    head = build_head(tmp_path, webhook_token=None, ANDON_WEBHOOK_SECRET_GENERIC="old-secret,new-secret")
    with running(head) as web:
        for secret, status in (("old-secret", 202), ("new-secret", 202), ("other", 401)):
            assert web.client(secret).post("/webhooks/generic", json={"title": secret}).status_code == status
        assert web.client("new-secret").post("/webhooks/alertmanager", json={}).status_code == 401
    head.store.close()
