"""Observations over real HTTP: what is taken, what is refused in which words, and what can be read of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support.canaries import ndjson, whole
from support.web_server import WEBHOOK_TOKEN, WebServer, build_head, running

from bot.domain.releases import Release, ReleaseStatus
from bot.flow.folding import Folder
from bot.web.api_canaries import MOST_IN_HAND

PATH = "/api/v1/canaries/scored-model"
VIEWER, OPERATOR = "viewer-secret-1", "operator-secret-1"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


@pytest.fixture
def sender(web: WebServer) -> httpx.Client:
    return web.client(OPERATOR)


def fold(web: WebServer) -> str:
    """Compare what came in so far; the release."""
    head = web.head
    folder = Folder(
        store=head.store,
        queue=head.queue,
        clock=head.clock,
        ids=head.ids,
        current=lambda: head.configuration.current,
        accept=head.intake.accept,
        crash=lambda _: None,
        log=lambda _, **__: None,
    )
    with head.store.read() as tx:
        release = tx.latest_releases(["scored-model"])["scored-model"].id
    folder.fold(release)
    return release


def post(client: httpx.Client, body: bytes, path: str = f"{PATH}/observations", **headers: str) -> httpx.Response:
    return client.post(path, content=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_batch_is_stored_before_its_answer_and_the_same_again_counts_once(
    web: WebServer, sender: httpx.Client
) -> None:
    body = ndjson(whole(20))
    first, again = post(sender, body), post(sender, body)
    assert (first.status_code, again.status_code) == (202, 202)
    said, repeated = first.json(), again.json()
    assert said["accepted_lines"] == 20
    assert (said["duplicate"], repeated["duplicate"]) == (False, True)
    assert repeated["batch"] == said["batch"]
    with web.head.store.read() as tx:
        (stored,) = [one for one in tx.unfolded_batches(said["release"], limit=99) if one.id == said["batch"]]
    assert stored.content == body


def test_gzip_is_stored_as_it_came_whether_its_header_says_so_or_not(web: WebServer, sender: httpx.Client) -> None:
    body = gzip.compress(ndjson(whole(20, start=100)))
    said = post(sender, body, content_encoding="gzip").json()
    assert "accepted_lines" not in said
    assert post(sender, gzip.compress(ndjson(whole(20, start=120)))).status_code == 202
    fold(web)
    assert web.client(VIEWER).get(PATH).json()["refused_lines"] == {}


def test_an_idempotency_key_belongs_to_one_body(sender: httpx.Client) -> None:
    body, other = ndjson(whole(3, start=200)), ndjson(whole(4, start=200))
    assert post(sender, body, idempotency_key="a key").json()["duplicate"] is False
    assert post(sender, body, idempotency_key="a key").json()["duplicate"] is True
    answer = post(sender, other, idempotency_key="a key")
    assert answer.status_code == 409
    assert "give each batch a key of its own" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"[1, 2]\n", {}, 400),
        (b"key;incumbent\n", {}, 400),
        (b"{}\n", {"content_encoding": "br"}, 400),
        (b"{}\n", {"content_encoding": "gzip"}, 400),
        (b"\x1f\x8bnot gzip at all", {}, 400),
        (b"{}\n", {"idempotency_key": "k" * 201}, 422),
        (b"{}\n" * 1_700_000, {}, 413),
        (b'{"key":' + b"[" * 100_000, {}, 400),
    ],
)
def test_what_is_no_batch_gets_a_clear_answer(
    sender: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = post(sender, body, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_an_unknown_release_is_404_and_one_without_a_canary_or_at_its_end_409(
    web: WebServer, sender: httpx.Client
) -> None:
    body = ndjson(whole(3))
    assert post(sender, body, "/api/v1/canaries/nobody/observations").status_code == 404
    assert "no `canary:`" in post(sender, body, "/api/v1/canaries/fraud-model/observations").json()["detail"]
    ended = Release("rel-ended", "scored-model", "1", "2", web.head.clock.now(), ReleaseStatus.ABANDONED)
    with web.head.store.write() as tx:
        tx.lock_services(["scored-model"])
        tx.add(ended)
        tx.save(Release("rel-newer", "scored-model", "7", "8", web.head.clock.now()))
    answer = post(sender, body, "/api/v1/canaries/rel-ended/observations")
    assert answer.status_code == 409
    assert "nothing of the batch was kept" in answer.json()["detail"]


def test_what_was_compared_can_be_read_with_its_way_there(web: WebServer, sender: httpx.Client) -> None:
    assert post(sender, ndjson(whole(600, 50, start=1000))).status_code == 202
    fold(web)
    view = web.client(VIEWER).get(PATH).json()
    named = {"verdict", "pairs", "estimate", "interval", "tolerance", "alpha"}
    assert named <= set(view)
    assert view["verdict"] == "unknown"
    assert view["interval"][0] < view["estimate"] < view["interval"][1]
    assert view["points"][-1]["pairs"] == view["pairs"]
    assert [one["pairs"] for one in view["points"]] == sorted(one["pairs"] for one in view["points"])
    lines = web.client(VIEWER).get(f"{PATH}/affected")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(one)["candidate"] for one in lines.text.splitlines()] == ["fraud"] * view["affected"]


def test_a_canary_that_nobody_sent_to_says_what_it_will_be_held_to(web: WebServer) -> None:
    answer = web.client(VIEWER).get("/api/v1/canaries/fraud-model")
    assert answer.status_code == 404
    with web.head.store.write() as tx:
        tx.lock_services(["scored-model"])
        tx.add(Release("rel-zzz", "scored-model", "8", "9", web.head.clock.now()))
    view = web.client(VIEWER).get("/api/v1/canaries/rel-zzz").json()
    assert (view["verdict"], view["pairs"], view["interval"], view["points"]) == ("unknown", 0, None, [])
    assert view["tolerance"] == 0.02


@pytest.mark.parametrize("source", ["canary", "canary/"])
def test_no_request_can_claim_to_be_the_comparison(web: WebServer, source: str) -> None:
    body = {"release": "rel-1", "service": "scored-model", "verdict": "diverged"}
    answer = web.client(WEBHOOK_TOKEN).post(f"/webhooks/{source}", json=body)
    assert answer.status_code == 404
    with web.head.store.read() as tx:
        assert [one for one in tx.events(limit=100) if one.source == "canary"] == []


def test_batches_that_come_together_share_a_commit_and_an_error_is_one_senders_alone(web: WebServer) -> None:
    clients = [web.client(OPERATOR) for _ in range(12)]
    gate = threading.Barrier(len(clients))

    def one(number: int) -> int:
        gate.wait(20)
        path = "/api/v1/canaries/nobody/observations" if number == 5 else f"{PATH}/observations"
        return post(clients[number], ndjson(whole(5, start=5000 + number * 5)), path).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(one, range(len(clients))))
    assert statuses == [404 if number == 5 else 202 for number in range(12)]


def test_more_than_can_be_held_in_hand_are_told_to_come_back(web: WebServer) -> None:
    """Slow senders that never finish their bodies take all places; the next one is not taken in, and told when."""

    async def scene() -> httpx.Response:
        host, port = web.address.removeprefix("http://").split(":")
        head = (
            f"POST {PATH}/observations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {OPERATOR}\r\n"
            "Content-Length: 1000\r\n\r\n{"
        ).encode()
        # More than there are places: the one that asks below may have a place for a moment when a slow one comes.
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(2 * MOST_IN_HAND)]
        try:
            for _, writer in slow:
                writer.write(head)
                await writer.drain()
            async with httpx.AsyncClient(base_url=web.address, trust_env=False) as client:
                for _ in range(200):
                    headers = {"Authorization": f"Bearer {OPERATOR}"}
                    answer = await client.post(f"{PATH}/observations", content=ndjson(whole(1)), headers=headers)
                    if answer.status_code == 503:
                        break
                return answer
        finally:
            for _, writer in slow:
                writer.close()

    answer = asyncio.run(scene())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
