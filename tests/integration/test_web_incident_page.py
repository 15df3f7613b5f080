"""Pages over real HTTP with what people said: the briefing as the notice tells it, owners and what is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support.incident_pages import SAID
from support.web_server import WebServer, build_head, running

from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.report_facts import Fact


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


@pytest.fixture(scope="module")
def halted(web: WebServer) -> str:
    """A halted incident with a report, an owner, and an action item that is past its time."""
    body = {"reason": "Scores for small amounts look far too low", "environment": "production"}
    web.client("operator-secret-1").post("/api/v1/services/fraud-model/halt", json=body).raise_for_status()
    now = web.head.clock.now()
    with web.head.store.write() as tx:
        incident = next(iter(tx.incidents(limit=1)))
        tx.save(replace(incident, owner="U0LENA0012"))
        for number, (name, value, source) in enumerate(SAID):
            tx.add(Fact(f"fct-{number}", incident.id, name, value, source, now))
        tx.add(Fact("fct-99", incident.id, "estimate", None, "asked by Andon", now, asked="U0PRIYA056"))
        tx.add(
            Minute(
                id="min-1",
                incident_id=incident.id,
                service="fraud-model",
                kind=MinuteKind.ACTION_ITEM,
                status=MinuteStatus.OPEN,
                text="Read the late feature again",
                by="U0LENA0012",
                at=now - timedelta(hours=2),
                due_at=now - timedelta(hours=1),
            )
        )
    return incident.id


def page(web: WebServer, path: str) -> str:
    client = web.client()
    client.post("/login", data={"token": "operator-secret-1", "next": "/"})
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_briefing_is_made_of_what_is_on_record_now(web: WebServer, halted: str) -> None:
    text = page(web, f"/incidents/{halted}")
    assert "because of this: Scores for small amounts look far too low." in text
    assert "metric: F1 from 0.86 to 0.73 (-15.1 %) [canary of release 42]" in text
    assert "How long will it take?" in text
    assert "You will be asked; nobody has said yet. U0PRIYA056 was asked." in text
    assert "1 without an answer" in text


def test_the_report_names_who_was_asked(web: WebServer, halted: str) -> None:
    assert "not known yet</span>, asked <strong>U0PRIYA056</strong>" in page(web, f"/incidents/{halted}")


@pytest.mark.parametrize("path", ["/", "/services/fraud-model"])
def test_lists_show_the_owner_and_what_is_overdue(web: WebServer, halted: str, path: str) -> None:
    text = page(web, path)
    assert "U0LENA0012" in text
    assert f'href="/incidents/{halted}#action-items">1 overdue</a>' in text


def test_an_overdue_action_item_comes_with_its_buttons(web: WebServer, halted: str) -> None:
    text = page(web, f"/incidents/{halted}")
    assert 'class="item open overdue" id="min-1"' in text
    assert 'action="/minutes/min-1/finish"' in text
