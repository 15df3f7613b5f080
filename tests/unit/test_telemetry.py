"""Logs: one JSON line each, clean and without secrets, and never a reason for work to stop."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from bot.adapters.telemetry import house_log, set_up_logging


@pytest.fixture(autouse=True)
def _structlog_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_json_with_its_fields_and_its_process(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("worker")
    house_log()("step outcome", run_id="run-1", tries=2)
    (line,) = lines(capsys.readouterr().err)
    assert {"event": "step outcome", "run_id": "run-1", "tries": 2, "process": "worker"}.items() <= line.items()


def test_hostile_text_stays_one_line_and_secrets_stay_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("web", redact=lambda text: text.replace("hunter22", "***"))
    house_log()("x", title='a\n{"level": "error"}\x1b[31m\ud800', token="Bearer hunter22", long="y" * 10_000)
    (line,) = lines(capsys.readouterr().err)
    assert "\n" not in str(line["title"]) or line["event"] == "x"
    assert "\x1b" not in str(line["title"])
    assert line["token"] == "Bearer ***"
    assert len(str(line["long"])) == 2000


class FullDisk(io.StringIO):
    """Takes nothing any more."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [FullDisk(), closed()], ids=["full", "closed"])
def test_a_log_that_cannot_be_written_stops_no_work(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_logging("clock")
    log = house_log()
    log("first")  # the logger is made and kept now
    monkeypatch.setattr(sys, "stderr", stream)
    log("second")
