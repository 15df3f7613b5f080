"""Evidence that is pulled: over HTTP, from object stores, Prometheus and files, and from places that are none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError
from support.asking_gates import NOW, PinnedFiles
from support.raw_server import answering, dripping, raw_server
from support.scripted_server import Answer, ScriptedServer, scripted_server
from support.step_stage import BoundHttp

from bot.adapters.http import HttpxHttp
from bot.asking.pulling import MOST_BYTES, pull
from bot.domain.errors import BadInput, Refused, TryLater
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.web_addresses import shown_url
from bot.gate_plugins import Fetched

CSV = "label,score\n1,0.9\n"


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    running.will(Answer())
    return running


def pulled(root: Path = Path("/nonexistent"), seconds: float = 5, **values: Any) -> Fetched:
    source = EvidenceSource.model_validate({"name": "evaluation", **values})
    http = HttpxHttp()
    try:
        return pull(source, BoundHttp(http, ["127.0.0.1"]), PinnedFiles(root), NOW, timedelta(seconds=seconds))
    finally:
        http.close()


@pytest.mark.parametrize(
    ("path", "content_type", "named", "media"),
    [
        ("/metrics", "application/json; charset=utf-8", None, "application/json"),
        ("/metrics.csv", "application/octet-stream", None, "text/csv"),
        ("/metrics.jsonl", "binary/octet-stream", None, "application/x-ndjson"),
        ("/metrics.PARQUET", "binary/octet-stream", None, "application/vnd.apache.parquet"),
        ("/metrics", "application/jsonl", None, "application/x-ndjson"),
        ("/metrics", "text/plain", "text/csv", "text/csv"),
    ],
)
def test_the_content_is_kept_as_it_came_and_its_kind_is_told(
    server: ScriptedServer, path: str, content_type: str, named: str | None, media: str
) -> None:
    server.will(Answer(200, CSV, {"Content-Type": content_type}))
    found = pulled(http={"url": server.url + path}, media=named)

    assert found == Fetched("evaluation", media, CSV.encode(), server.url + path)


def test_a_presigned_address_of_a_store_is_fetched_and_its_key_is_not_kept(server: ScriptedServer) -> None:
    server.will(Answer(200, CSV, {"Content-Type": "binary/octet-stream", "ETag": '"0"'}))
    found = pulled(object={"url": f"{server.url}/bucket/eval.csv?X-Amz-Signature=abc123&X-Amz-Credential=me"})

    assert found.source == f"{server.url}/bucket/eval.csv"
    assert parse_qs(urlsplit(server.received[0].path).query) == {
        "X-Amz-Signature": ["abc123"],
        "X-Amz-Credential": ["me"],
    }


@pytest.mark.parametrize("url", ["s3://bucket/a.csv", "gs://b/a", "az://c/a", "abfss://c@d/a", "S3://b/a"])
def test_an_address_that_needs_credentials_of_a_store_says_what_to_give_instead(url: str) -> None:
    with pytest.raises(ValidationError, match="presigned or public"):
        EvidenceSource.model_validate({"name": "evaluation", "object": {"url": url}})


def test_a_digest_that_does_not_fit_is_refused(server: ScriptedServer) -> None:
    server.will(Answer(200, CSV, {"Content-Type": "text/csv"}))
    right, wrong = hashlib.sha256(CSV.encode()).hexdigest(), "0" * 64

    assert pulled(http={"url": server.url, "sha256": f"sha256:{right}"}).content == CSV.encode()
    with pytest.raises(Refused, match="digest differs"):
        pulled(http={"url": server.url, "sha256": f"sha256:{wrong}"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, "<Error><Code>NoSuchKey</Code></Error>"), BadInput),
        (Answer(410), BadInput),
        (Answer(206, CSV), BadInput),
        (Answer(204), BadInput),
        (Answer(403, "<Error><Code>AccessDenied</Code></Error>"), TryLater),
        (Answer(401), TryLater),
        (Answer(302, "", {"Location": "/login"}), TryLater),
        (Answer(429), TryLater),
        (Answer(503), TryLater),
        (Answer(0), TryLater),
        (Answer(200, "", {"Content-Type": "text/csv"}), BadInput),
        (Answer(200, " \n", {"Content-Type": "text/csv"}), BadInput),
        (Answer(200, "<html>log in</html>", {"Content-Type": "text/html"}), BadInput),
        (Answer(200, "what is this", {"Content-Type": "text/plain"}), BadInput),
        (Answer(200, "x", {"Content-Type": "x" * 300}), BadInput),
    ],
)
def test_what_is_no_evidence_is_never_taken_for_it(
    server: ScriptedServer, answer: Answer, error: type[Exception]
) -> None:
    server.will(answer)
    with pytest.raises(error, match="evaluation"):
        pulled(http={"url": f"{server.url}/data?token=hush"})


@pytest.mark.parametrize("media", [None, "text/csv"])
def test_a_login_page_is_no_evidence_whatever_the_address_and_the_policy_call_it(
    server: ScriptedServer, media: str | None
) -> None:
    server.will(Answer(200, "<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(BadInput, match="web page"):
        pulled(http={"url": f"{server.url}/evaluation.csv"}, media=media)


def test_an_answer_that_drips_breaks_off_or_never_ends_is_not_taken() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
    for talk in (
        dripping(head + b"Content-Length: 50\r\n\r\n", b"x" * 20, 0.1),
        answering(head + b"Content-Length: 50\r\n\r\nhalf"),
    ):
        with raw_server(talk) as port, pytest.raises(TryLater):
            pulled(http={"url": f"http://127.0.0.1:{port}/a.csv"}, seconds=0.5)
    with raw_server(answering(head + b"\r\n" + b"x" * (MOST_BYTES + 10))) as port, pytest.raises(BadInput, match="cut"):
        pulled(http={"url": f"http://127.0.0.1:{port}/a.csv"}, seconds=20)


def test_a_host_that_is_not_allowed_is_never_asked(server: ScriptedServer) -> None:
    with pytest.raises(Refused, match="not an allowed host"):
        pulled(http={"url": server.url.replace("127.0.0.1", "localhost")})
    assert server.received == []


def test_no_secret_is_shown_in_an_error_or_kept(server: ScriptedServer) -> None:
    headers = {"Authorization": "Bearer s3cret-token"}
    server.will(Answer(404, "no such thing for s3cret-token"))
    with pytest.raises(BadInput) as caught:
        pulled(http={"url": f"{server.url}/a?token=hush", "headers": headers})
    server.will(Answer(200, {"you": "s3cret-token"}))
    found = pulled(http={"url": f"{server.url}/a?token=hush", "headers": headers})

    assert [word for word in ("s3cret-token", "hush") if word in str(caught.value) + str(found)] == []


def test_a_file_of_the_configuration_is_evidence(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "baseline.json").write_text('{"f1": 0.9}')

    assert pulled(tmp_path, file="baseline.json") == Fetched(
        "evaluation", "application/json", b'{"f1": 0.9}', "evidence/baseline.json"
    )
    with pytest.raises(Refused):
        pulled(tmp_path, file="other.json")


def test_an_answer_of_prometheus_is_kept_as_it_came(server: ScriptedServer) -> None:
    body = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"]]}]}}
    server.will(Answer(200, body))
    found = pulled(prometheus={"prometheus": server.url, "query": "up", "window": "1h"})

    asked = parse_qs(urlsplit(server.received[0].path).query)
    assert (json.loads(found.content), found.media) == (body, "application/json")
    assert found.source == f"{server.url} `up`"
    assert (float(asked["start"][0]), float(asked["step"][0])) == (NOW.timestamp() - 3600, 60)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, {"status": "success", "data": {"resultType": "vector", "result": []}}), BadInput),
        (Answer(200, {"status": "success", "warnings": ["w"], "data": {"result": [1]}}), BadInput),
        (Answer(400, {"status": "error", "error": "parse error"}), BadInput),
        (Answer(200, "ok"), BadInput),
        (Answer(503), TryLater),
        (Answer(0), TryLater),
    ],
)
def test_an_answer_of_prometheus_without_data_is_no_evidence(
    server: ScriptedServer, answer: Answer, error: type[Exception]
) -> None:
    server.will(answer)
    with pytest.raises(error, match="evaluation"):
        pulled(prometheus={"prometheus": server.url, "query": "up"})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"http": {"url": "https://a.example"}, "file": "a.csv"},
        {"http": {"url": "file:///etc/hosts"}},
        {"http": {"url": "https://me:pass@a.example"}},
        {"http": {"url": "https://a.example", "sha256": "abc"}},
        {"file": "../a.csv"},
        {"file": "a/b.csv"},
        {"file": "a.csv", "media": "text/html"},
        {"prometheus": {"prometheus": "https://p.example", "query": "up", "window": "90s"}},
        {"prometheus": {"prometheus": "https://p.example", "query": "up", "window": "7d"}},
    ],
)
def test_a_source_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EvidenceSource.model_validate({"name": "evaluation", **values})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pass@a.example:8443/x/y?token=t#f", "https://a.example:8443/x/y"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://a:b:c/", "an address that cannot be read"),
        ("http://[::1/", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
