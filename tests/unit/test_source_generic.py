"""The shape that Andon itself defines for senders without a source of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from handlers.alerts.generic import Generic


def parse(**body: Any) -> Alert:
    (alert,) = Generic().parse(json.dumps({"title": "Broken", **body}).encode(), {})
    return alert


@pytest.mark.parametrize(
    "body",
    [
        {"title": None},
        {"title": ""},
        {"title": " \t"},
        {"title": 5},
        {"status": "open"},
        {"status": ""},
        {"status": 1},
        {"labels": []},
        {"labels": "service=x"},
        {"annotations": 1},
        {"service": ["x"]},
        {"severity": {}},
        {"severity": True},
        {"fingerprint": 1},
        {"starts_at": "yesterday"},
        {"starts_at": "2026-05-04 10:00"},
        {"starts_at": 1714816800},
        {"link": 1},
    ],
)
def test_a_field_that_is_not_as_documented_is_named(body: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(body))):
        parse(**body)


def test_a_title_is_required() -> None:
    with pytest.raises(BadInput, match="title"):
        Generic().parse(b'{"status": "firing"}', {})


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (None, AlertStatus.FIRING),
        ("firing", AlertStatus.FIRING),
        ("Resolved", AlertStatus.RESOLVED),
        ("acknowledged", AlertStatus.ACKNOWLEDGED),
        ("no_data", AlertStatus.NO_DATA),
    ],
)
def test_each_status_is_understood_and_none_means_firing(word: str | None, status: AlertStatus) -> None:
    assert parse(status=word).status is status


def test_service_and_severity_are_found_where_policies_look() -> None:
    alert = parse(service="ranker", severity="critical", labels={"service": "other", "team": "risk"})
    assert alert.labels == {"service": "ranker", "severity": "critical", "team": "risk"}
    assert alert.severity == "critical"


def test_a_severity_given_as_a_label_or_a_number_counts_too() -> None:
    assert parse(labels={"severity": "page"}).severity == "page"
    assert parse(severity=2).severity == "2"
    assert parse(severity=2).labels == {"severity": "2"}


def test_null_and_empty_are_as_if_absent() -> None:
    names = ("fingerprint", "service", "severity", "labels", "annotations", "starts_at", "link")
    assert parse(**dict.fromkeys(names)) == parse()
    assert parse(fingerprint="", service="", severity="", starts_at="", link="") == parse()


def test_an_end_is_kept_for_a_resolved_alert_only() -> None:
    end = "2026-05-04T10:00:00Z"
    assert parse(ends_at=end).ends_at is None
    assert parse(ends_at=end, status="resolved").ends_at is not None
