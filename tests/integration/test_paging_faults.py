"""What a paging service may answer instead of what its documents say, and that no key is ever shown."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from support.installation import free_port
from support.pagers import GENIE_KEY, KEY, NOW, PAGE, PAGERS, ROUTING_KEY, SECRETS, TAKEN, TOKEN, StandingClock
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.http import HttpxHttp
from bot.adapters.paging.keys import open_pagers
from bot.adapters.paging.opsgenie import Opsgenie
from bot.adapters.paging.pagerduty import PagerDuty
from bot.domain.errors import AndonError, BadInput, ConfigError, StepFailed, TryLater
from bot.domain.pages import PageState
from bot.ports import Pager
from bot.settings import Settings

CAPTIVE_PORTAL = "<!doctype html><html><body>Please log in</body></html>"
EVERY_SECRET = [secret for secrets in SECRETS.values() for secret in secrets]

ACTIONS: dict[str, Callable[[Pager], object]] = {
    "page": lambda pager: pager.page(PAGE),
    "state": lambda pager: pager.state(KEY, ref="43a29c5c-3dbf"),
    "resolve": lambda pager: pager.resolve(KEY),
}


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture(params=sorted(PAGERS))
def pager(request: pytest.FixtureRequest, http: HttpxHttp, server: ScriptedServer) -> Pager:
    return PAGERS[request.param](http, server)


@pytest.fixture(params=sorted(ACTIONS))
def act(request: pytest.FixtureRequest, pager: Pager) -> Callable[[], object]:
    return lambda: ACTIONS[request.param](pager)


def error_of(act: Callable[[], object]) -> AndonError:
    with pytest.raises(AndonError) as caught:
        act()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(vars(caught.value))
    assert not any(secret in shown for secret in EVERY_SECRET)
    return caught.value


@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 413, 422])
def test_a_refusal_is_permanent_and_says_what_the_service_says(
    act: Callable[[], object], pager: Pager, server: ScriptedServer, status: int
) -> None:
    echo = [f"bad key {secret}!" for secret in SECRETS[pager.name]]
    server.will(Answer(status, {"status": "invalid event", "message": "Event object is invalid", "errors": echo}))
    error = error_of(act)
    assert isinstance(error, StepFailed)
    assert str(status) in error.what
    assert "Event object is invalid" in error.why
    assert error.why.count("bad key ***!") == len(echo)
    assert error.next
    assert len(server.received) == 1


def test_the_error_of_the_rest_api_of_pagerduty_is_understood(server: ScriptedServer, http: HttpxHttp) -> None:
    body = {"error": {"message": "Access Denied", "code": 2010, "errors": ["The token may not list incidents"]}}
    server.will(Answer(403, body))
    error = error_of(lambda: PAGERS["pagerduty"](http, server).state(KEY))
    assert isinstance(error, StepFailed)
    assert error.why == "Access Denied, The token may not list incidents"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(act: Callable[[], object], server: ScriptedServer, status: int) -> None:
    server.will(Answer(status, "", {"Location": f"{server.url}/elsewhere"}))
    error = error_of(act)
    assert isinstance(error, StepFailed)
    assert "address" in error.next
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 30),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"Retry-After": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 1),
        ({"ratelimit-reset": "20"}, 20),
        ({"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "60"}, 60),
        ({"Retry-After": "9" * 40}, 300),
        ({"Retry-After": "-5"}, 30),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": "Fri, 99 Nov 2026 12:00:00 GMT"}, 30),
    ],
)
def test_a_busy_service_is_tried_again_when_it_says(
    act: Callable[[], object], server: ScriptedServer, headers: dict[str, str], seconds: int
) -> None:
    server.will(Answer(429, {"message": "You are making too many requests!"}, headers))
    error = error_of(act)
    assert isinstance(error, TryLater)
    assert error.delay == timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
@pytest.mark.parametrize(
    "body", [CAPTIVE_PORTAL, "", "{", [], {"message": EVERY_SECRET, "errors": {"a": EVERY_SECRET}}]
)
def test_a_fault_of_the_service_is_tried_again(
    act: Callable[[], object], server: ScriptedServer, status: int, body: Any
) -> None:
    server.will(Answer(status, body))
    error = error_of(act)
    assert isinstance(error, TryLater)
    assert error.delay == timedelta(seconds=5)


def test_no_answer_is_tried_again(act: Callable[[], object], server: ScriptedServer) -> None:
    server.will(Answer(0))
    error = error_of(act)
    assert isinstance(error, TryLater)
    assert "gave no answer" in error.what


def test_nobody_there_is_tried_again(http: HttpxHttp) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    for pager in (
        PagerDuty(http, StandingClock(), routing_key=ROUTING_KEY, token=TOKEN, events_url=gone, api_url=gone),
        Opsgenie(http, StandingClock(), key=GENIE_KEY, url=gone),
    ):
        for action in ACTIONS.values():
            assert isinstance(error_of(lambda action=action, pager=pager: action(pager)), TryLater)  # type: ignore[misc]


ODD = [
    Answer(202, CAPTIVE_PORTAL, {"Content-Type": "text/html"}),
    Answer(202, "x" * 300_000),
    Answer(202, json.dumps({"status": "success", "requestId": "r", "filling": "x" * 300_000})),
    Answer(202, ""),
    Answer(202, "null"),
    Answer(202, []),
    Answer(202, {}),
    Answer(202, {"status": "failure", "requestId": ""}),
    Answer(202, {"status": True, "requestId": 7}),
    Answer(202, {"status": ["success"], "requestId": ["r"]}),
    Answer(202, {"status": "success", "dedup_key": "another", "requestId": "r" * 5000}),
    Answer(202, '{"status": "invalid", "status": "success", "requestId": "a", "requestId": "b"}'),
    Answer(200, {"status": "success", "dedup_key": KEY, "requestId": "r"}),
    Answer(204, ""),
]


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_a_page_is_not_taken_unless_the_service_says_so_as_documented(
    pager: Pager, server: ScriptedServer, answer: Answer
) -> None:
    server.will(answer)
    assert isinstance(error_of(lambda: pager.page(PAGE)), TryLater)


def test_a_page_whose_answer_was_lost_is_sent_again_as_it_was(pager: Pager, server: ScriptedServer) -> None:
    server.will(Answer(0), Answer(503, CAPTIVE_PORTAL), TAKEN[pager.name])
    for _ in range(2):
        assert isinstance(error_of(lambda: pager.page(PAGE)), TryLater)
    assert pager.page(PAGE).dedup_key == KEY
    assert len({one.body for one in server.received}) == 1
    assert len(server.received) == 3


SEEN = [
    CAPTIVE_PORTAL,
    "x" * 300_000,
    "",
    "null",
    [],
    {},
    {"incidents": None, "data": None},
    {"incidents": {}, "data": []},
    {"incidents": [None], "data": {"alias": KEY}},
    {"incidents": [{"id": 1, "status": "acknowledged", "incident_key": KEY}], "data": {"alias": KEY, "status": "open"}},
    {
        "incidents": [{"id": "P1", "status": ["acknowledged"], "incident_key": KEY}],
        "data": {"alias": KEY, "status": "open", "acknowledged": "true"},
    },
    {
        "incidents": [{"id": "P1", "status": "acknowledged", "incident_key": KEY, "acknowledgements": "Ada"}],
        "data": {"alias": KEY, "status": "open", "acknowledged": 1},
    },
    {
        "incidents": [{"id": "P1", "status": "acknowledged", "incident_key": "another"}],
        "data": {"alias": "another", "status": "open", "acknowledged": True},
    },
    {
        "incidents": [{"id": "P1", "status": "escalated", "incident_key": KEY}],
        "data": {"alias": KEY, "status": "escalated", "acknowledged": True},
    },
]


@pytest.mark.parametrize("body", SEEN, ids=range(len(SEEN)))
def test_what_cannot_be_read_is_unknown_and_never_an_answer(pager: Pager, server: ScriptedServer, body: Any) -> None:
    server.will(Answer(200, body))
    standing = pager.state(KEY)
    assert standing.state is PageState.UNKNOWN
    assert standing.why
    assert not standing.is_answered


@pytest.mark.parametrize("key", ["", " ", "a b", "a/b", "../x", "a\nb", "ä", ":a", "a" * 256, "a?b", "a%2fb"])
def test_a_key_that_could_be_read_as_an_address_is_refused(pager: Pager, server: ScriptedServer, key: str) -> None:
    for act in (lambda: pager.state(key), lambda: pager.resolve(key)):
        with pytest.raises(BadInput, match="dedup key"):
            act()
    assert server.received == []


@pytest.mark.parametrize(
    "key", ["", "short", "with a space in it", "two-lines-\nof-it", "schlüssel-0123456", "x" * 513]
)
def test_a_key_that_cannot_be_one_is_found_at_start(http: HttpxHttp, key: str) -> None:
    makers: list[Callable[[], object]] = [
        lambda: PagerDuty(http, StandingClock(), routing_key=key),
        lambda: PagerDuty(http, StandingClock(), routing_key=ROUTING_KEY, token=key),
        lambda: Opsgenie(http, StandingClock(), key=key),
    ]
    for make in makers:
        with pytest.raises(ConfigError) as caught:
            make()
        assert len(key) < 5 or key not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://events.pagerduty.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "events.pagerduty.com",
        "https://user:hunter2hunter2@events.pagerduty.com",
        "https://events.pagerduty.com/?a=b",
        "",
    ],
)
def test_an_address_that_would_show_the_key_is_found_at_start(http: HttpxHttp, address: str) -> None:
    makers: list[Callable[[], object]] = [
        lambda: PagerDuty(http, StandingClock(), routing_key=ROUTING_KEY, events_url=address),
        lambda: PagerDuty(http, StandingClock(), routing_key=ROUTING_KEY, token=TOKEN, api_url=address),
        lambda: Opsgenie(http, StandingClock(), key=GENIE_KEY, url=address),
    ]
    for make in makers:
        with pytest.raises(ConfigError) as caught:
            make()
        assert "hunter2" not in str(caught.value)


def test_a_service_without_a_key_is_not_there(http: HttpxHttp) -> None:
    assert open_pagers(Settings.from_environment({}), http, StandingClock()) == {}


def test_the_settings_open_the_services_that_they_have_keys_for(http: HttpxHttp, server: ScriptedServer) -> None:
    environment = {
        "ANDON_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "ANDON_PAGERDUTY_TOKEN": TOKEN,
        "ANDON_PAGERDUTY_EVENTS_URL": server.url,
        "ANDON_PAGERDUTY_API_URL": server.url,
        "ANDON_OPSGENIE_KEY": GENIE_KEY,
        "ANDON_OPSGENIE_URL": server.url,
    }
    settings = Settings.from_environment(environment)
    assert not any(secret in repr(settings) for secret in EVERY_SECRET)
    found = open_pagers(settings, http, StandingClock())
    assert sorted(found) == ["opsgenie", "pagerduty"]
    for name, pager in found.items():
        assert not any(secret in repr(pager) for secret in EVERY_SECRET)
        server.will(TAKEN[name])
        assert pager.page(PAGE).pager == name
