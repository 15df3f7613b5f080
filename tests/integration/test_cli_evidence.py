"""`andon evidence push`: what a file is, by its name or as the caller says, and what nobody can read is not kept."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import TOKENS, Andon, andon_by
from support.engine import Engine, running_engine

from bot.domain.events import Word


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli-evidence"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture(scope="module")
def release(engine: Engine) -> str:
    engine.protect("scores", stages=[{"name": "evaluation", "gates": []}], baseline="41")
    receipt = engine.order(Word.RELEASE_START, "scores", candidate="42", incumbent="41")
    assert not receipt.refused, receipt.message
    return receipt.records[0]


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


ROWS = b"label,score\n1,0.9\n"


@pytest.mark.parametrize(
    ("name", "words", "content", "media"),
    [
        ("rows.csv.gz", (), gzip.compress(ROWS, mtime=0), "text/csv"),
        ("rows.txt", ("--media", "text/csv"), ROWS, "text/csv"),
        ("rows.json", ("--media", "application/x-ndjson"), b'{"label": 1}\n', "application/x-ndjson"),
    ],
)
def test_the_ending_or_the_caller_says_what_a_file_is(
    andon: Andon, release: str, tmp_path: Path, name: str, words: tuple[str, ...], content: bytes, media: str
) -> None:
    (tmp_path / name).write_bytes(content)
    said = andon("evidence", "push", release, str(tmp_path / name), "--name", "evaluation", *words, "--json")
    assert said.code == 0, said.err
    assert said.json["media"] == media


def test_what_no_gate_could_read_is_not_kept(andon: Andon, release: str, tmp_path: Path, engine: Engine) -> None:
    def push(name: str, content: bytes, *words: str) -> str:
        (tmp_path / name).write_bytes(content)
        said = andon("evidence", "push", release, str(tmp_path / name), "--name", "broken", *words)
        assert said.is_problem(), said
        return said.err

    assert "Line 2 of the evidence" in push("rows.ndjson", b'{"label": 1}\n{"label": NaN}\n')
    assert "say --media" in push("rows.txt", ROWS)
    assert "of the type 'text/plain' is not taken" in push("rows.csv", ROWS, "--media", "text/plain")
    with engine.app.store.read() as tx:
        assert not tx.evidence_of(release, name="broken")
