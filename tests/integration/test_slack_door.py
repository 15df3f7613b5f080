"""`POST /slack/events` as strangers, Slack and Slack's retries meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fake_slack import FORGERIES, signature
from support.slack_world import SlackWorld, slack_world
from support.web_server import build_head, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    with slack_world(
        tmp_path_factory.mktemp("door"), ANDON_SLACK_SIGNING_SECRET="old-secret,fake-signing-secret"
    ) as made:
        yield made


def signed(body: bytes, secret: str = "fake-signing-secret", *, at: float = 0) -> dict[str, str]:
    stamp = str(int(time.time() + at))
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(secret, stamp, body)}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("kind", ["command", "event"])
def test_what_slack_did_not_sign_is_refused_and_leaves_no_trace(world: SlackWorld, forgery: str, kind: str) -> None:
    before = world.audit()
    if kind == "command":
        answer = world.slack.command("/halt-release", "fraud-model F1 is down", forge=forgery)
    else:
        _, answer = world.slack.say("decision: keep 41", forge=forgery)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.audit() == before
    assert world.service()["state"] == "normal"


def test_both_secrets_count_while_one_replaces_the_other(world: SlackWorld) -> None:
    client = world.web.client()
    for secret, status in (("old-secret", 200), ("fake-signing-secret", 200), ("older-secret", 401), ("", 401)):
        body = urlencode({"command": "/andon", "text": "help", "user_id": "U0IDA", "trigger_id": secret}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(body, secret)}
        assert client.post("/slack/events", content=body, headers=headers).status_code == status


@pytest.mark.parametrize(("age", "status"), [(-290, 200), (290, 200), (-310, 401), (310, 401)])
def test_a_request_is_fresh_for_five_minutes_both_ways(world: SlackWorld, age: int, status: int) -> None:
    body = urlencode({"command": "/andon", "text": "help", "user_id": "U0IDA", "trigger_id": f"age{age}"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(body, at=age)}
    assert world.web.client().post("/slack/events", content=body, headers=headers).status_code == status


def test_a_replayed_request_is_refused(world: SlackWorld) -> None:
    first = world.slack.command("/andon", "help", user="U0IDA")
    assert first.status == 200
    again = world.slack.replay(first)
    assert again.status == 401
    assert "before" in again.json["detail"]


def test_a_header_that_comes_twice_vouches_for_nothing(world: SlackWorld) -> None:
    body = b"{}"
    good = signed(body)
    headers = [*good.items(), ("X-Slack-Signature", good["X-Slack-Signature"])]
    assert world.web.client().post("/slack/events", content=body, headers=headers).status_code == 401


def test_the_challenge_is_answered_as_plain_text_only_where_it_is_signed(world: SlackWorld) -> None:
    answer = world.slack.challenge("3eZbrw1aBm2rZgRN")
    assert (answer.status, answer.body) == (200, "3eZbrw1aBm2rZgRN")
    assert answer.headers["content-type"].startswith("text/plain")
    assert world.slack.challenge("other", forge="other_secret").status == 401
    for odd in ("<script>alert(1)</script>" * 40, "é", "", "x\ny"):
        assert world.slack.challenge(odd).status == 400


def test_a_repetition_by_slack_is_answered_without_a_second_effect(world: SlackWorld) -> None:
    first = world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    lines = len(world.incidents[0]["timeline"])
    again = world.slack.again(first)
    assert again.status == 200
    assert len(world.incidents[0]["timeline"]) == lines
    world.slack.command("/andon", "lift fraud-model it was nothing", user="U0RAJ")
    assert world.slack.again(first, retry=2).status == 200
    assert world.service()["halted"] is None
    world.slack.command("/andon", "resolve fraud-model it was nothing", user="U0RAJ")


def test_a_large_body_is_refused_before_it_is_read(world: SlackWorld) -> None:
    answer = world.web.client().post("/slack/events", content=b"x" * (513 * 1024), headers=signed(b"x"))
    assert answer.status_code == 413


def test_without_a_signing_secret_the_door_is_closed_and_says_how_to_open_it(tmp_path: Path) -> None:
    head = build_head(tmp_path)
    with running(head) as web:
        answer = web.client().post("/slack/events", content=b"{}", headers=signed(b"{}", ""))
        assert answer.status_code == 404
        assert "ANDON_SLACK_SIGNING_SECRET" in answer.json()["next"]
    head.store.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["event_callback", "block_actions", "view_submission", "message_action", "view_closed", "?"]
        )
    },
    optional={
        "event": JSON
        | st.fixed_dictionaries({"type": st.sampled_from(["message", "reaction_added", "x"]), "item": JSON}),
        "event_id": JSON,
        "user": JSON | st.just({"id": "U0IDA"}),
        "team_id": JSON,
        "team": JSON,
        "actions": JSON | st.just([{"action_id": "approve", "value": "run=x;plan=y", "type": "button"}]),
        "view": JSON
        | st.just({"callback_id": "report", "private_metadata": "incident=inc-1", "state": {"values": {}}}),
        "callback_id": JSON,
        "trigger_id": JSON,
        "channel": JSON,
        "message": JSON,
        "container": JSON,
        "authorizations": JSON,
    },
)
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=False
)


@FUZZ
@given(
    body=st.binary(max_size=400),
    headers=st.dictionaries(
        st.sampled_from(["X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Slack-Retry-Num", "Content-Type"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80),
    ),
)
def test_whatever_a_stranger_sends_is_answered_without_a_fault(
    world: SlackWorld, body: bytes, headers: dict[str, str]
) -> None:
    raw = {name: value.strip().encode("latin-1") for name, value in headers.items()}
    assert 400 <= world.web.client().post("/slack/events", content=body, headers=raw).status_code < 500


@FUZZ
@given(
    body=st.binary(max_size=400),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/plain"]),
)
def test_signed_rubbish_is_answered_without_a_fault(world: SlackWorld, body: bytes, kind: str) -> None:
    answer = world.web.client().post("/slack/events", content=body, headers={"Content-Type": kind, **signed(body)})
    assert answer.status_code < 500


@FUZZ
@given(payload=SHAPED, as_form=st.booleans())
def test_signed_requests_of_odd_shapes_are_answered_without_a_fault(
    world: SlackWorld, payload: object, as_form: bool
) -> None:
    text = json.dumps(payload)
    body = urlencode({"payload": text}).encode() if as_form else text.encode()
    kind = "application/x-www-form-urlencoded" if as_form else "application/json"
    answer = world.web.client().post("/slack/events", content=body, headers={"Content-Type": kind, **signed(body)})
    assert answer.status_code < 500, (answer.status_code, text)
