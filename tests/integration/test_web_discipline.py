"""How well ways back are proven, over real HTTP: the API, the page and the badge."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.drill_records import drill, ended_run
from support.web_server import (
    POLICY,
    SCORED,
    STAGED,
    WebServer,
    build_head,
    configuration_of,
    running,
)  # fmt: skip

from bot.adapters.identity import SystemClock
from bot.domain.drills import DrillState
from bot.domain.runs import RunStatus
from bot.web.api_discipline import show_badge

VIEWER = "viewer-secret-1"
DAY = timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"
XSS = '"><svg onload=alert(1)>'
WEEKLY = {"playbook": "rollback_model", "environment": "staging", "cron": "0 10 * * 2"}


def filled(folder: Path, **env: str) -> Any:
    """Three services: proven by its drill, failed for real, never proven."""
    head, now = build_head(folder, **env), SystemClock().now()
    practised = {**POLICY, "drills": [WEEKLY], "assumed_restore": "5m"}
    head.configuration.current = configuration_of(practised, STAGED, SCORED)
    with head.store.write() as tx:
        tx.lock_services(["fraud-model", "ranker"])
        tx.add(
            drill(now - 11 * DAY, seconds=250.0),
            drill(now - 4 * DAY, seconds=192.0, human=False),
            drill(None, state=DrillState.PLANNED, slot=now + 3 * DAY, due_at=now + 3 * DAY),
            ended_run(now - 20 * DAY, seconds=120.0),
            ended_run(now - 2 * DAY, service="ranker", status=RunStatus.FAILED, error=XSS),
            drill(now - DAY, service="ranker", schedule="", state=DrillState.ABORTED, verified_at=None, why=XSS),
        )
    return head


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = filled(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = filled(tmp_path_factory.mktemp("web"), ANDON_PUBLIC_BADGES="true")
    with running(head) as server:
        yield server
    head.store.close()


def words_of(answer: httpx.Response) -> tuple[str, list[str]]:
    """The title and the texts of a badge, which is well-formed XML and as wide as it says."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(answer.content)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert {one.tag for one in root.iter()} <= {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "path", "g", "text")}
    title = root.findtext(f"{SVG}title")
    assert title is not None
    assert root.get("aria-label") == title
    return title, [one.text or "" for one in root.iter(f"{SVG}text")]


def test_every_service_has_its_verdict_its_figures_and_what_is_next(web: WebServer) -> None:
    body = web.client(VIEWER).get("/api/v1/discipline").json()
    found = {one["service"]: one for one in body["services"]}
    assert (body["days"], body["percentiles"], body["in_order"]) == (90, "nearest rank", True)
    assert {name: one["verdict"] for name, one in found.items()} == {
        "fraud-model": "proven", "ranker": "failed", "scored-model": "never_proven",
    }  # fmt: skip
    fraud = found["fraud-model"]
    assert fraud["drills"] == {
        "tried": 2, "measured": 2, "last_seconds": 192.0, "p50_seconds": 192.0, "p95_seconds": 250.0
    }  # fmt: skip
    assert (fraud["rollbacks"]["measured"], fraud["rollbacks"]["last_seconds"]) == (1, 120.0)
    assert fraud["comparison"] == "assumed 5m, measured 3m12s"
    assert (fraud["proven"]["how"], fraud["proven"]["human"], fraud["troubles"]) == ("drill", False, [])
    assert fraud["next_drill_at"] == fraud["schedules"][0]["next_at"]
    assert [one["kind"] for one in found["ranker"]["troubles"]] == ["aborted"]


def test_one_service_and_other_days_can_be_asked_for(web: WebServer) -> None:
    viewer = web.client(VIEWER)
    (one,) = viewer.get("/api/v1/discipline?service=fraud-model&days=10").json()["services"]
    assert (one["drills"]["measured"], one["rollbacks"]["measured"]) == (1, 0)
    assert viewer.get("/api/v1/discipline?service=nobody").status_code == 404
    assert viewer.get("/api/v1/discipline?service=../x").status_code == 404
    assert viewer.get("/api/v1/discipline?days=0").status_code == 422
    assert web.client().get("/api/v1/discipline").status_code == 401


def test_the_page_shows_what_is_red_and_a_strip_and_no_text_of_others_as_markup(web: WebServer) -> None:
    client = web.client()
    client.post("/login", data={"token": VIEWER, "next": "/"})
    page = client.get("/discipline")
    assert page.status_code == 200
    assert 'href="/discipline" aria-current="page"' in page.text
    assert "assumed 5m, measured 3m12s" in page.text
    assert 'class="state discipline-failed"' in page.text
    assert "To be mended" in page.text
    assert XSS not in page.text
    assert "onload=alert(1)&gt;" in page.text
    strips = re.findall(r'<svg class="strip".*?</svg>', page.text)
    assert len(strips) == 1
    ElementTree.fromstring(strips[0])
    assert strips[0].count("<rect") == 3
    assert client.get("/discipline?days=365").status_code == 200
    assert [client.get(f"/discipline?days={days}").status_code for days in ("0", "9999", "x", "٣")] == [400] * 4


def test_the_badge_says_how_fast_and_when_last(web: WebServer) -> None:
    viewer = web.client(VIEWER)
    title, texts = words_of(viewer.get("/badge/fraud-model.svg"))
    assert texts == ["restores in 3m12s", "proven 4 days ago"]
    assert title == "fraud-model: restores in 3m12s, proven 4 days ago"
    assert words_of(viewer.get("/badge/ranker.svg"))[1] == ["restoring", "failed yesterday"]
    assert words_of(viewer.get("/badge/scored-model.svg"))[1] == ["restoring", "never proven"]


def test_the_badge_is_asked_for_again_each_time_and_sent_again_only_where_it_changed(web: WebServer) -> None:
    viewer = web.client(VIEWER)
    first = viewer.get("/badge/fraud-model.svg")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["vary"] == "Authorization, Cookie"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = viewer.get("/badge/fraud-model.svg", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert viewer.get("/badge/fraud-model.svg", headers={"If-None-Match": '"other"'}).status_code == 200
    assert viewer.get("/badge/ranker.svg").headers["etag"] != tag


def test_without_the_setting_a_badge_needs_a_token_or_a_login(web: WebServer) -> None:
    nobody = web.client()
    for name in ("fraud-model", "nobody"):
        answer = nobody.get(f"/badge/{name}.svg")
        assert answer.status_code == 401
        assert "svg" not in answer.headers["content-type"]
    assert web.client("a-wrong-secret").get("/badge/fraud-model.svg").status_code == 401
    assert web.client(VIEWER).get("/badge/nobody.svg").status_code == 404
    nobody.post("/login", data={"token": VIEWER, "next": "/"})
    seen = nobody.get("/badge/fraud-model.svg")
    assert seen.headers.get_list("cross-origin-resource-policy") == ["same-origin"]
    assert words_of(seen)[1] == ["restores in 3m12s", "proven 4 days ago"]


def test_a_public_badge_needs_nothing_and_tells_no_names(public: WebServer) -> None:
    anybody = public.client()
    seen = anybody.get("/badge/fraud-model.svg")
    assert words_of(seen)[1] == ["restores in 3m12s", "proven 4 days ago"]
    assert seen.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
    known, unknown = anybody.get("/badge/scored-model.svg"), anybody.get("/badge/scored-nodel.svg")
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("scored-model", "scored-nodel") == unknown.text
    assert set(known.headers) == set(unknown.headers)
    hostile = anybody.get("/badge/%22%3E%3Csvg%20onload=alert(1)%3E.svg")
    assert words_of(hostile)[0] == "service: restoring, never proven"
    assert anybody.get("/api/v1/discipline").status_code == 401
    assert anybody.get("/discipline").status_code == 303


def test_a_badge_is_described(web: WebServer) -> None:
    document = web.client().get("/openapi.json").json()
    described = document["paths"]["/badge/{service}.svg"]["get"]
    assert {"200", "304", "401", "404"} <= set(described["responses"])
    assert "image/svg+xml" in described["responses"]["200"]["content"]
    assert (show_badge.__doc__ or "").split(".")[0][:20] in described["description"]
