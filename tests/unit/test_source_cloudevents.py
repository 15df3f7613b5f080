"""The three ways in which CloudEvents travel, and what their data means."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bot.domain.alert_json import alert_json
from bot.domain.errors import BadInput
from bot.domain.events import AlertStatus, EventKind
from handlers.alerts.cloudevents import MAX_EVENTS, CloudEvents

SOURCE = CloudEvents()
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
ALERT = {"title": "Broken", "status": "firing", "service": "ranker"}


def event(**attributes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", **attributes}


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def binary(**headers: str) -> dict[str, str]:
    given = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", **headers}
    return {"content-type": "application/json", **{f"ce-{name}": value for name, value in given.items()}}


def test_one_event_means_the_same_in_each_mode() -> None:
    extra = {"time": "2026-05-04T10:00:00Z", "subject": "ranker", "tenant": "risk"}
    for data in (ALERT, {"accuracy": 0.9}):
        structured = SOURCE.parse(body(event(**extra, data=data)), STRUCTURED)
        assert SOURCE.parse(body([event(**extra, data=data)]), BATCHED) == structured
        assert SOURCE.parse(body(data), binary(**extra)) == structured
        assert (
            SOURCE.parse(body(event(**extra, data_base64=base64.b64encode(body(data)).decode())), STRUCTURED)
            == structured
        )


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_an_event_without_a_required_attribute_is_refused(missing: str) -> None:
    for broken in ({missing: None}, {missing: ""}, {missing: 5}):
        with pytest.raises(BadInput, match=missing):
            SOURCE.parse(body(event(**broken)), STRUCTURED)
    headers = binary()
    del headers[f"ce-{missing}"]
    with pytest.raises(BadInput):
        SOURCE.parse(b"{}", headers)


def test_another_version_is_refused() -> None:
    with pytest.raises(BadInput, match="specversion"):
        SOURCE.parse(body(event(specversion="0.3")), STRUCTURED)
    with pytest.raises(BadInput, match="specversion"):
        SOURCE.parse(b"", binary(specversion="2.0"))


def test_another_format_is_refused_by_its_name() -> None:
    with pytest.raises(BadInput, match=r"application/cloudevents\+json"):
        SOURCE.parse(b"<event/>", {"content-type": "application/cloudevents+xml"})


@pytest.mark.parametrize("batch", [[], {}, event(), [event(), {}], [event()] * (MAX_EVENTS + 1)])
def test_a_batch_is_a_list_of_events_and_of_nothing_else(batch: Any) -> None:
    with pytest.raises(BadInput):
        SOURCE.parse(body(batch), BATCHED)


def test_a_list_is_no_structured_event() -> None:
    with pytest.raises(BadInput):
        SOURCE.parse(body([event()]), STRUCTURED)


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        5,
        [ALERT],
        {},
        {"title": "Only a title"},
        {"title": "An issue", "status": "open", "labels": {}},
        {"title": 5, "status": "firing"},
        {"status": "firing", "severity": "critical"},
    ],
)
def test_data_that_does_not_claim_to_be_an_alert_is_none(data: Any) -> None:
    (other,) = SOURCE.parse(body(event(data=data, time="2026-05-04T10:00:00Z")), STRUCTURED)
    assert (other.kind, other.status, other.title, other.fingerprint) == (EventKind.OTHER, None, "t", "1")
    assert alert_json(other)["starts_at"] == "2026-05-04T10:00:00.000Z"


@pytest.mark.parametrize(
    "word", [{"severity": "high"}, {"service": "x"}, {"fingerprint": "f"}, {"labels": {}}, {"status": "firing"}]
)
def test_a_title_and_one_more_word_of_an_alert_make_one(word: dict[str, Any]) -> None:
    (alert,) = SOURCE.parse(body(event(data={"title": "Broken", **word})), STRUCTURED)
    assert (alert.kind, alert.status, alert.title) == (EventKind.ALERT, AlertStatus.FIRING, "Broken")


def test_data_that_claims_to_be_an_alert_must_be_a_right_one() -> None:
    with pytest.raises(BadInput, match="labels"):
        SOURCE.parse(body(event(data={**ALERT, "labels": "a=b"})), STRUCTURED)


def test_the_time_of_the_event_is_the_start_of_a_firing_alert_and_the_end_of_a_resolved_one() -> None:
    time = "2026-05-04T10:00:00Z"
    (firing,) = SOURCE.parse(body(event(time=time, data=ALERT)), STRUCTURED)
    (resolved,) = SOURCE.parse(body(event(time=time, data={**ALERT, "status": "resolved"})), STRUCTURED)
    (own,) = SOURCE.parse(body(event(time=time, data={**ALERT, "starts_at": "2026-05-04T09:00:00Z"})), STRUCTURED)
    assert (alert_json(firing)["starts_at"], firing.ends_at) == ("2026-05-04T10:00:00.000Z", None)
    assert (resolved.starts_at, alert_json(resolved)["ends_at"]) == (None, "2026-05-04T10:00:00.000Z")
    assert alert_json(own)["starts_at"] == "2026-05-04T09:00:00.000Z"


def test_an_alert_keeps_its_labels_apart_from_the_envelope_so_that_its_identity_stays() -> None:
    first, second = (
        SOURCE.parse(body(event(id=number, traceparent=number, data=ALERT)), STRUCTURED)[0] for number in ("1", "2")
    )
    assert first.labels == {"service": "ranker"}
    assert first.identity == second.identity


def test_attributes_in_headers_are_unquoted_and_percent_decoded() -> None:
    headers = binary(subject='"say \\"Euro\\" %E2%82%AC"', type="a%00b%ED%A0%80")
    (other,) = SOURCE.parse(b"", headers)
    assert other.labels["subject"] == 'say "Euro" €'
    assert "\x00" not in (other.title or "")
    other.labels["type"].encode()


def test_headers_cannot_stand_in_for_the_body() -> None:
    fake = body(ALERT).decode()
    for headers in (binary(data=fake), binary(data_base64=base64.b64encode(body(ALERT)).decode())):
        for raw in (b'{"accuracy": 1}', b""):
            (other,) = SOURCE.parse(raw, headers)
            assert other.kind is EventKind.OTHER


def test_a_binary_event_may_have_no_body_or_one_that_is_not_json() -> None:
    xml = {**binary(), "content-type": "application/xml"}
    assert SOURCE.parse(b"<much/>", xml)[0].title == "t"
    assert SOURCE.parse(b"", binary())[0].title == "t"
    with pytest.raises(BadInput):
        SOURCE.parse(b"<much/>", binary())


def test_base64_that_is_none_leaves_the_event_without_data() -> None:
    for text in ("... not base64 ...", "AAEC", "\u20ac"):
        assert SOURCE.parse(body(event(data_base64=text)), STRUCTURED)[0].kind is EventKind.OTHER


def test_a_changed_workload_is_a_deploy_and_a_changed_secret_is_not() -> None:
    change = {"operation": "update", "kind": "Deployment", "description": "It was updated"}
    (deploy,) = SOURCE.parse(body(event(data=change)), STRUCTURED)
    assert (deploy.kind, deploy.title, deploy.status) == (EventKind.DEPLOY, "It was updated", None)
    (other,) = SOURCE.parse(body(event(data={**change, "kind": "Secret"})), STRUCTURED)
    assert other.kind is EventKind.OTHER


def test_a_delivery_is_known_by_source_and_id_together() -> None:
    def of(**attributes: Any) -> str | None:
        return SOURCE.delivery_id(body(event(**attributes)), STRUCTURED)

    assert of() == of(time="2026-05-04T10:00:00Z") == SOURCE.delivery_id(b"", binary())
    assert (
        len(
            {
                of(),
                of(id="2"),
                of(source="/t"),
                of(source="/s1"),
                of(source="/", id="s1"),
                of(source="/s", id="11"),
            }
        )
        == 6
    )
    assert SOURCE.delivery_id(body([event(), event(id="2")]), BATCHED) not in (None, of())
    assert of(id=None) is None
    assert SOURCE.delivery_id(b"\xff", {}) is None
    assert len(of(id="x" * 100_000) or "") == 64
