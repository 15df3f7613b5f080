"""Groups of alerts as Alertmanager and Grafana's unified alerting send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from handlers.alerts import load_sources
from handlers.groups import MAX_ALERTS

SOURCES = {name: source for name, source in load_sources().items() if name in ("alertmanager", "grafana")}

both = pytest.mark.parametrize("name", SOURCES)


def one(**fields: Any) -> dict[str, Any]:
    return {"status": "firing", "labels": {"alertname": "Broken"}, **fields}


def parse(name: str, *alerts: Any, **group: Any) -> list[Alert]:
    body = {"status": "firing", "groupKey": "{}:{}", "alerts": list(alerts), **group}
    return SOURCES[name].parse(json.dumps(body).encode(), {})


@both
def test_a_garbled_or_missing_start_does_not_lose_the_alert(name: str) -> None:
    starts: list[Any] = [
        "",
        "yesterday",
        "2026-13-45T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+02:00",
        None,
        1714816800,
        {},
    ]
    alerts = parse(name, one(), *(one(startsAt=start) for start in starts))
    assert len(alerts) == 1 + len(starts)
    assert {alert.starts_at for alert in alerts} == {None}
    assert {alert.status for alert in alerts} == {AlertStatus.FIRING}


@both
def test_only_a_resolved_alert_has_an_end(name: str) -> None:
    end = "2026-05-04T10:00:00Z"
    firing, resolved, open_ended = parse(
        name, one(endsAt=end), one(status="resolved", endsAt=end), one(status="resolved", endsAt="0001-01-01T00:00:00Z")
    )
    assert firing.ends_at is None
    assert resolved.ends_at is not None
    assert resolved.ends_at.isoformat() == "2026-05-04T10:00:00+00:00"
    assert open_ended.ends_at is None


@both
def test_what_was_left_out_is_counted_on_every_alert_of_the_group(name: str) -> None:
    assert [alert.truncated for alert in parse(name, one(), one(), truncatedAlerts=5)] == [5, 5]
    assert [alert.truncated for alert in parse(name, one(), truncatedAlerts=None)] == [0]
    assert [alert.truncated for alert in parse(name, one())] == [0]


@both
@pytest.mark.parametrize("count", ["5", True, -1, 1.5, [], 2**40])
def test_a_wrong_count_of_left_out_alerts_is_refused(name: str, count: object) -> None:
    with pytest.raises(BadInput, match="truncatedAlerts"):
        parse(name, one(), truncatedAlerts=count)


@both
def test_an_empty_group_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="alerts"):
        parse(name)


@both
def test_a_group_of_too_many_alerts_is_refused(name: str) -> None:
    assert len(parse(name, *[one()] * MAX_ALERTS)) == MAX_ALERTS
    with pytest.raises(BadInput):
        parse(name, *[one()] * (MAX_ALERTS + 1))


@both
@pytest.mark.parametrize(
    "broken",
    [
        {"labels": "a=b"},
        {"labels": ["a"]},
        {"annotations": 1},
        {"fingerprint": 7},
        {"generatorURL": {}},
        {"status": 1},
    ],
)
def test_a_field_of_another_type_is_refused(name: str, broken: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(broken))):
        parse(name, one(), one(**broken))


@both
def test_the_title_is_the_summary_else_the_name_else_the_description(name: str) -> None:
    notes = {"summary": "The summary", "description": "The description"}
    titles = [
        alert.title
        for alert in parse(
            name,
            one(annotations=notes),
            one(annotations={**notes, "summary": " "}),
            one(annotations=notes, labels={}),
            one(annotations={"description": "The description"}, labels={}),
            one(labels={"service": "x"}),
        )
    ]
    assert titles == ["The summary", "Broken", "The summary", "The description", None]


@both
def test_only_web_addresses_are_kept_as_links(name: str) -> None:
    bad = [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.com/x",
        "//example.com",
        "/graph",
        "http://",
        "http:///path",
        "https://user:secret@example.com/",
        "https://bank.example@evil.example/",
        "http://[::1",
        "https://example.com/a b",
        "https://example.com/\nx",
        "https://example.com/\u202egnp.exe",
        "",
    ]
    alerts = parse(name, *(one(generatorURL=url) for url in bad), externalURL="https://alerts.example.com")
    assert {alert.link for alert in alerts} == {"https://alerts.example.com"}
    assert [alert.link for alert in parse(name, one(generatorURL=bad[0]), externalURL=bad[1])] == [None]
    kept = "http://10.0.0.1:9090/graph?g0.expr=up%20%3D%3D+0"
    assert [alert.link for alert in parse(name, one(generatorURL=kept), externalURL="https://x.example")] == [kept]


@both
def test_an_alert_without_a_status_has_its_groups_and_an_odd_one_has_none(name: str) -> None:
    plain, odd, loud = parse(name, {"labels": {}}, one(status="suppressed"), one(status="RESOLVED"), status="firing")
    assert (plain.status, odd.status, loud.status) == (AlertStatus.FIRING, None, AlertStatus.RESOLVED)


@both
def test_a_group_in_which_nothing_has_a_known_status_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="fires"):
        parse(name, one(status="odd"), {"labels": {}}, status=None)


@both
def test_labels_become_text_and_are_not_shared_with_the_common_ones(name: str) -> None:
    labels = {"n": 1, "f": 0.5, "yes": True, "none": None, "parts": {"a": [1]}, "text": "x\u0000y"}
    (alert,) = parse(name, one(labels=labels), commonLabels={"other": "group"})
    assert alert.labels == {"n": "1", "f": "0.5", "yes": "true", "parts": '{"a":[1]}', "text": "x\ufffdy"}


@both
def test_a_hostile_key_is_bounded_and_still_tells_alerts_apart(name: str) -> None:
    long, other, again = (
        alert.fingerprint or "" for alert in parse(name, *(one(fingerprint="f" * 60_000 + end) for end in "aba"))
    )
    assert len(long) < 100
    assert long == again != other
    assert len(parse(name, one(), groupKey="g" * 100_000)[0].group_key or "") < 100


@both
def test_keys_that_are_not_known_are_passed_over(name: str) -> None:
    (alert,) = parse(name, one(notification_reason="new", values={"A": 1}), version="99", extra=[{}])
    assert alert.title == "Broken"


@both
def test_a_refusal_does_not_repeat_what_the_field_held(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(name, one(labels="token hunter2"))
    assert "hunter2" not in str(caught.value)
