"""Grafana's signature and its legacy bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import BadInput
from bot.domain.events import AlertStatus
from handlers.alerts.grafana import Grafana

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"alerts": []}'
SECRETS = ("old-secret", "new-secret")
SIGNATURE, TIMESTAMP = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp"
GRAFANA = Grafana()


def sign(message: bytes, secret: str = "new-secret") -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_authentic(raw: bytes = BODY, now: datetime = NOW, **headers: str) -> bool:
    named = {"signature": SIGNATURE, "timestamp": TIMESTAMP}
    return GRAFANA.verify(raw, {named[name]: value for name, value in headers.items()}, SECRETS, now)


def test_the_digest_is_the_one_that_a_fixed_vector_gives() -> None:
    # Computed with `printf '{"a":1}' | openssl dgst -sha256 -hmac key`.
    vector = "88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342"
    assert GRAFANA.verify(b'{"a":1}', {SIGNATURE: vector}, ["key"], NOW)


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_counts_while_they_are_rotated(secret: str) -> None:
    assert is_authentic(signature=sign(BODY, secret))
    assert is_authentic(signature=sign(BODY, secret).upper())


def test_a_signed_timestamp_counts_for_five_minutes_either_way() -> None:
    signature = sign(STAMP.encode() + b":" + BODY)
    for age, authentic in [(0, True), (300, True), (-300, True), (301, False), (-301, False), (10**9, False)]:
        assert is_authentic(now=NOW + timedelta(seconds=age), signature=signature, timestamp=STAMP) is authentic


def test_a_timestamp_can_be_neither_taken_away_nor_added() -> None:
    assert not is_authentic(signature=sign(STAMP.encode() + b":" + BODY))
    assert not is_authentic(signature=sign(BODY), timestamp=STAMP)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0" * 64,
        sign(BODY, "another"),
        sign(BODY + b" "),
        sign(BODY)[:-1],
        sign(BODY)[:-2],
        sign(BODY) + "00",
        " " + sign(BODY),
        sign(BODY)[:2] + " " + sign(BODY)[2:],
        "sha256=" + sign(BODY),
        "ä" * 64,
        "\uff10" * 64,
        "f" * 100_000,
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    assert not is_authentic(signature=signature)


@pytest.mark.parametrize(
    "timestamp", ["", "abc", "1e9", "-5", "9" * 5000, f" {STAMP}", STAMP + ".0", "٣" * 10, "\ud800"]
)
def test_any_other_timestamp_is_refused(timestamp: str) -> None:
    signature = sign(timestamp.encode("utf-8", "surrogatepass") + b":" + BODY)
    assert not is_authentic(signature=signature, timestamp=timestamp)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("alerting", AlertStatus.FIRING),
        ("ok", AlertStatus.RESOLVED),
        ("no_data", AlertStatus.NO_DATA),
        ("pending", AlertStatus.PENDING),
        ("paused", None),
    ],
)
def test_each_legacy_state_has_its_status(state: str, status: AlertStatus | None) -> None:
    (alert,) = GRAFANA.parse(json.dumps({"state": state, "ruleId": "7", "ruleName": "Rule"}).encode(), {})
    assert (alert.status, alert.title, alert.fingerprint) == (status, "Rule", "7")


@pytest.mark.parametrize(
    "body",
    [
        {"state": "ok"},
        {"state": 1, "title": "x"},
        {"state": "", "title": "x"},
        {"title": "x"},
        {"state": "ok", "title": "x", "ruleId": []},
    ],
)
def test_a_legacy_body_without_a_state_or_a_title_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        GRAFANA.parse(json.dumps(body).encode(), {})
