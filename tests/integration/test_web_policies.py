"""Policies over the API: what is in force, and the exact text that a decision of the past was made by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support.store_records import AT, policy_version
from support.web_server import WebServer, build_head, running

from bot.domain.policy_versions import FileKind, PolicyVersion

OLD = policy_version("service: fraud-model\n")
NEW = replace(
    policy_version("service: fraud-model\nsummary: <b>new</b>\n", in_force_since=AT + timedelta(hours=1)),
    previous=OLD.digest,
    diff="--- a\n+++ b\n+summary: <b>new</b>",
)
PLAYBOOK: PolicyVersion = policy_version("playbook: back\n", kind=FileKind.PLAYBOOK, name="back", is_reviewed=False)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with head.store.write() as tx:
        tx.save(replace(OLD, ended_at=NEW.in_force_since), NEW, PLAYBOOK)
    with running(head) as server:
        yield server
    head.store.close()


def test_the_list_has_what_is_in_force(web: WebServer) -> None:
    body = web.client("viewer-secret-1").get("/api/v1/policies").json()
    assert body["next"] is None
    found = [(one["kind"], one["name"], one["digest"], one["reviewed"]) for one in body["items"]]
    assert found == [("playbook", "back", PLAYBOOK.digest, False), ("policy", "fraud-model", NEW.digest, True)]


def test_one_is_shown_as_it_is_and_as_it_was_when_it_decided(web: WebServer) -> None:
    client = web.client("viewer-secret-1")
    now = client.get("/api/v1/policies/fraud-model").json()
    assert (now["text"], now["diff"], now["previous"]) == (NEW.text, NEW.diff, OLD.digest)
    assert [one["digest"] for one in now["versions"]] == [NEW.digest, OLD.digest]
    then = client.get("/api/v1/policies/fraud-model", params={"version": OLD.digest}).json()
    assert (then["text"], then["in_force"], then["until"]) == (OLD.text, False, now["since"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nobody", 404),
        ("back", 404),
        (f"fraud-model?version={'f' * 16}", 404),
        ("fraud-model?version=../../etc", 422),
        ("a%2Fb", 404),
    ],
)
def test_what_there_is_not_is_a_problem(web: WebServer, path: str, status: int) -> None:
    answer = web.client("viewer-secret-1").get(f"/api/v1/policies/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_nobody_reads_them_without_a_token(web: WebServer) -> None:
    assert web.client().get("/api/v1/policies").status_code == 401
