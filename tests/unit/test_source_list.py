"""The list of sources, and what holds for every source on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handlers.alerts
from bot.domain.alert_json import alert_json
from bot.domain.errors import BadInput, ConfigError
from bot.plugins import AlertSource
from handlers.alerts import SOURCES, load_sources

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parent.parent / "payloads"
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "sources.md"
LOADED = load_sources()

every_source = pytest.mark.parametrize("source", LOADED.values(), ids=LOADED.keys())


def expected() -> dict[str, list[dict[str, Any]]]:
    meanings: dict[str, list[dict[str, Any]]] = json.loads((PAYLOADS / "expected.json").read_text("utf-8"))
    return meanings


def test_every_file_of_the_folder_is_on_the_list_under_its_own_name() -> None:
    files = {path.stem for path in Path(handlers.alerts.__file__).parent.glob("*.py")} - {"__init__"}
    assert {place.partition(":")[0].rpartition(".")[2] for place in SOURCES} == files
    assert set(LOADED) == files


def test_every_source_is_documented_and_has_a_payload() -> None:
    document = DOCUMENT.read_text("utf-8")
    for name in LOADED:
        assert f"## `{name}`" in document
        assert list(PAYLOADS.glob(f"{name}__*.json")), name


def test_two_sources_of_one_name_stop_the_start() -> None:
    with pytest.raises(ConfigError, match="alertmanager"):
        load_sources((*SOURCES, "handlers.alerts.alertmanager:Alertmanager"))


def test_every_payload_has_an_expectation_and_the_other_way_round() -> None:
    assert set(expected()) == {path.name for path in PAYLOADS.glob("*__*.json")}


@pytest.mark.parametrize("name", sorted(expected()))
def test_a_recorded_body_means_what_is_written_down(name: str) -> None:
    source = LOADED[name.partition("__")[0]]
    assert [alert_json(alert) for alert in source.parse((PAYLOADS / name).read_bytes(), {})] == expected()[name]


HOSTILE = {
    "nothing": b"",
    "words": b"hello",
    "not UTF-8": b"\xff\xfe",
    "null": b"null",
    "a number": b"7",
    "a string": b'"firing"',
    "an empty object": b"{}",
    "an empty list": b"[]",
    "a list of nothing": b"[null]",
    "a duplicate key": b'{"status": "resolved", "status": "firing"}',
    "100,000 brackets": b"[" * 100_000,
}


@every_source
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_body_that_says_nothing_is_the_senders_fault(source: AlertSource, raw: bytes) -> None:
    with pytest.raises(BadInput):
        source.parse(raw, {})


def bodies() -> st.SearchStrategy[bytes]:
    """Recorded bodies with one value somewhere replaced by another of any type."""
    recorded = [json.loads(path.read_text("utf-8")) for path in sorted(PAYLOADS.glob("*__*.json"))]
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(), scalars, max_size=3)

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path, *(place for key, one in inner for place in places(one, (*path, key)))]

    def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
        if not path:
            return new
        copy = dict(value) if isinstance(value, dict) else list(value)
        copy[path[0]] = replaced(value[path[0]], path[1:], new)
        return copy

    return (
        st.sampled_from(recorded)
        .flatmap(lambda body: st.tuples(st.just(body), st.sampled_from(places(body)), values))
        .map(lambda parts: json.dumps(replaced(*parts)).encode())
    )


headers = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "authorization",
            "ce-specversion",
            "ce-id",
            "ce-source",
            "ce-type",
            "ce-time",
            "ce-data",
            "ce-datacontenttype",
            "ce-x",
            "x-grafana-alerting-signature",
            "x-grafana-alerting-timestamp",
        ]
    ),
    st.text(max_size=80)
    | st.sampled_from(["1.0", "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"])
    | st.integers().map(str)
    | st.just("9" * 5000)
    | st.text("0123456789abcdef", min_size=64, max_size=64),
)


@every_source
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(raw=bodies() | st.binary(max_size=100), headers=headers)
def test_any_request_is_understood_or_refused_and_what_is_understood_can_be_stored(
    source: AlertSource, raw: bytes, headers: dict[str, str]
) -> None:
    source.delivery_id(raw, headers)
    try:
        alerts = source.parse(raw, headers)
    except BadInput:
        return
    assert alerts
    for alert in alerts:
        text = json.dumps(alert_json(alert), ensure_ascii=False)
        assert "\\u0000" not in text
        text.encode("utf-8")
        assert alert.identity
        assert alert.name
        assert all(isinstance(value, str) for value in alert.labels.values())
        assert alert.link is None or alert.link.lower().startswith(("http://", "https://"))


@every_source
@settings(max_examples=150)
@given(
    raw=st.binary(max_size=100), headers=headers, secrets=st.lists(st.text(st.characters(codec="utf-8")), max_size=3)
)
def test_no_header_makes_a_verifier_raise_or_say_yes(
    source: AlertSource, raw: bytes, headers: dict[str, str], secrets: list[str]
) -> None:
    assert source.verify(raw, headers, secrets, NOW) is False


@every_source
def test_without_a_secret_nobody_is_vouched_for(source: AlertSource) -> None:
    assert source.verify(b"{}", {"x-grafana-alerting-signature": "00" * 32}, (), NOW) is False
