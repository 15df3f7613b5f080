"""The gate `prometheus` against Prometheus as its makers built it, over samples that were written beforehand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support.asking_gates import AskingGate
from support.installation import free_port
from support.step_stage import BoundHttp
from support.third_party import started

from bot.adapters.http import HttpxHttp
from bot.asking.pulling import pull
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.gates import GateVerdict, Judgement

pytestmark = pytest.mark.e2e

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


@dataclass(frozen=True)
class Past:
    """A server with a past, and the moment at which it is asked."""

    url: str
    now: datetime


def written(now: float) -> str:
    """Twenty minutes of samples, one each 10 s, in OpenMetrics."""
    lines: list[str] = []
    for name, value in {
        "good_ratio": lambda _age: "0.001",
        "broken_ratio": lambda age: "0.5" if 300 <= age < 320 else "0.001",
        "no_number_ratio": lambda age: "NaN" if 300 <= age < 320 else "0.001",
        # Longer than any look-back of the server.
        "holed_ratio": lambda age: "0.001" if age < 60 or age > 480 else "",
        "lately_ended_ratio": lambda age: "0.001" if age > 180 else "",
        "ended_ratio": lambda age: "0.001" if age > 400 else "",
    }.items():
        lines.append(f"# TYPE {name} gauge")
        lines += [f"{name} {value(age)} {now - age:.3f}" for age in range(1200, -10, -10) if value(age)]
        lines += ["# TYPE shared_ratio gauge"] if name == "ended_ratio" else []
    lines += [f'shared_ratio{{pod="{pod}"}} 0.001 {now:.3f}' for pod in ("a", "b")]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    if not all(map(shutil.which, ("prometheus", "promtool"))):
        absent = "Prometheus is not installed here; .ci/run installs it"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    folder = tmp_path_factory.mktemp("prometheus")
    now = datetime.now(UTC)
    (folder / "past").write_text(written(now.timestamp()))
    (folder / "prometheus.yml").write_text("{}")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "past"), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True)
    url = f"http://127.0.0.1:{free_port()}"
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command = ["prometheus", *options, f"--web.listen-address={url.removeprefix('http://')}"]
    with started(command, f"{url}/-/ready", folder / "log"):
        yield Past(url, now)


def judged(past: Past, query: str, **values: Any) -> Judgement:
    given = {"prometheus": past.url, "query": query, "condition": "value < 0.01", **values}
    # Asked shortly after the last sample, as a clock would.
    return AskingGate("prometheus", given, now=past.now + timedelta(milliseconds=7)).judged()


@pytest.mark.parametrize("step", ["10s", "7s", "1m", None])
def test_a_window_of_good_samples_passes_with_every_point(past: Past, step: str | None) -> None:
    window = "7m" if step == "7s" else "10m"
    found = judged(past, "good_ratio", window=window, step=step)

    assert (found.verdict, found.why[:22]) == (PASS, "`value < 0.01` holds: "), found
    (samples,) = [one.value for one in found.figures if one.name == "samples"]
    assert samples == {"10s": 61, "7s": 61, "1m": 11, None: 61}[step]


def test_a_good_number_now_passes(past: Past) -> None:
    assert judged(past, "good_ratio").verdict is PASS
    assert judged(past, "scalar(good_ratio)").verdict is PASS


def test_one_bad_moment_in_the_window_fails(past: Past) -> None:
    assert judged(past, "broken_ratio", window="10m", step="10s").verdict is FAIL
    assert judged(past, "broken_ratio", window="2m", step="10s").verdict is PASS


def test_what_is_missing_or_no_number_in_the_window_is_unknown(past: Past) -> None:
    for query in ("no_number_ratio", "holed_ratio", "ended_ratio", "nothing_of_that_name", "shared_ratio"):
        found = judged(past, query, window="10m", step="10s")
        assert found.verdict is UNKNOWN, (query, found)


def test_samples_that_ended_are_unknown_now(past: Past) -> None:
    assert judged(past, "ended_ratio").verdict is UNKNOWN


def test_the_greatest_age_bounds_how_far_the_server_looks_back(past: Past) -> None:
    asked = {"query": "vector(1)", "lookback_delta": "none"}
    if httpx.get(f"{past.url}/api/v1/query", params=asked, trust_env=False).status_code == 200:
        pytest.skip("this version of Prometheus takes no lookback_delta: it looks back 5 minutes, whatever is asked")
    assert judged(past, "lately_ended_ratio").verdict is UNKNOWN
    assert judged(past, "lately_ended_ratio", max_age="200s").verdict is PASS


def test_a_query_that_the_server_refuses_is_unknown_with_its_words(past: Past) -> None:
    found = judged(past, "sum(")

    assert found.verdict is UNKNOWN
    assert "parse error" in found.why


def test_several_series_are_unknown_and_one_made_of_them_passes(past: Past) -> None:
    assert "2 series" in judged(past, "shared_ratio").why
    assert judged(past, "max(shared_ratio)").verdict is PASS


def test_evidence_is_pulled_from_it(past: Past) -> None:
    source = EvidenceSource.model_validate(
        {
            "name": "ratio",
            "prometheus": {"prometheus": past.url, "query": "good_ratio", "window": "10m", "step": "10s"},
        }
    )
    http = HttpxHttp()
    try:
        found = pull(source, BoundHttp(http, ["127.0.0.1"]), None, past.now, timedelta(seconds=5))  # type: ignore[arg-type]
    finally:
        http.close()

    assert found.media == "application/json"
    assert found.content.count(b'"0.001"') == 61
