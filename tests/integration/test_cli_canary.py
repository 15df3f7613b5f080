"""`andon canary …`: files are compared with the exit codes of the contract, releases are shown, sent to and saved."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.canaries import QUIET, ndjson, whole
from support.cli import Andon, andon_by
from support.engine import Engine, running_engine
from support.installation import TOKENS

CHECK = ("--output", "classes", "--tolerance", "0.02")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        engine.protect("scored", rollback=[], canary=QUIET)
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


@pytest.mark.parametrize(
    ("count", "every", "code", "verdict"),
    [(3000, 400, 0, "equivalent"), (600, 8, 1, "diverged"), (100, 0, 3, "unknown")],
)
def test_a_file_is_compared_and_the_exit_code_is_the_verdict(
    andon: Andon, tmp_path: Path, count: int, every: int, code: int, verdict: str
) -> None:
    file = tmp_path / "pairs.ndjson"
    file.write_bytes(ndjson(whole(count, every)))
    said = andon("canary", "check", str(file), *CHECK)
    assert said.code == code
    assert f"verdict   {verdict}" in said.out
    view = andon("canary", "check", str(file), *CHECK, "--json").json
    assert (view["verdict"], view["pairs"], view["tolerance"]) == (verdict, count, 0.02)


def test_ndjson_csv_and_parquet_of_the_same_pairs_say_the_same(andon: Andon, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(whole(700, 40))
    (tmp_path / "a.ndjson").write_bytes(ndjson(rows))
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(ndjson(rows)))
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = [
        andon("canary", "check", str(tmp_path / name), *CHECK, "--json").json
        for name in ("a.ndjson", "a.ndjson.gz", "a.csv", "a.parquet")
    ]
    assert {(one["verdict"], one["pairs"], one["estimate"], *one["interval"]) for one in found} == {
        (found[0]["verdict"], 700, found[0]["estimate"], *found[0]["interval"])
    }


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((*CHECK, "--alpha", "2"), "is not a share"),
        (("--output", "words", "--tolerance", "0.02"), "no --output"),
        (("--output", "classes"), "required: --tolerance"),
        (("--output", "classes", "--tolerance", "much"), "is not a share"),
    ],
)
def test_wrong_usage_is_exit_code_2(andon: Andon, words: tuple[str, ...], hint: str) -> None:
    said = andon("canary", "check", "pairs.ndjson", *words)
    assert said.code == 2
    assert hint in said.err


@pytest.mark.parametrize(
    ("content", "words", "hint"),
    [
        (None, CHECK, "cannot be read"),
        (b"", CHECK, "is empty"),
        (b"not json\n", CHECK, "not NDJSON"),
        (b'{"key": "1"}\n', ("--output", "numbers", "--tolerance", "0.1"), "when do two of them differ?"),
    ],
)
def test_a_file_that_cannot_be_compared_is_one_line_and_exit_code_1(
    andon: Andon, tmp_path: Path, content: bytes | None, words: tuple[str, ...], hint: str
) -> None:
    file = tmp_path / "pairs.ndjson"
    if content is not None:
        file.write_bytes(content)
    assert andon("canary", "check", str(file), *words).is_problem(hint)


def test_a_file_is_sent_to_a_release_shown_and_what_was_affected_is_saved(
    andon: Andon, engine: Engine, tmp_path: Path
) -> None:
    file, saved = tmp_path / "pairs.ndjson", tmp_path / "affected.ndjson"
    file.write_bytes(ndjson(whole(500, 100)))
    assert "500 lines were stored" in andon("canary", "push", "scored", str(file), by="olga").out
    assert andon("canary", "push", "scored", str(file), "--json").json["batches"][0]["duplicate"] is True
    engine.work()
    said = andon("canary", "show", "scored", by=None)
    assert said.code == 0
    assert "42 against 41" in said.out
    assert "500; affected 5; missing 0" in said.out
    assert andon("canary", "show", "scored", "--json").json["pairs"] == 500
    assert "5 affected predictions" in andon("canary", "affected", "scored", "--output", str(saved)).out
    assert [json.loads(line)["key"] for line in saved.read_text().splitlines()] == [f"k{n}99" for n in ("", 1, 2, 3, 4)]
    assert len(andon("canary", "affected", "scored", "--output", "-").out.splitlines()) == 5


def test_nobody_in_particular_may_read_but_send_nothing(andon: Andon, tmp_path: Path) -> None:
    file = tmp_path / "pairs.ndjson"
    file.write_bytes(ndjson(whole(5)))
    assert andon("canary", "push", "scored", str(file), by=None).is_problem("needs the role operator")


def test_a_release_that_there_is_not_is_said_in_one_line(andon: Andon, tmp_path: Path) -> None:
    assert andon("canary", "show", "nobody").is_problem("No release nobody")
    assert andon("canary", "affected", "nobody", "--output", str(tmp_path / "x")).is_problem("No release nobody")


LIGHT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.web_server import build_head
from bot.web.application import create_web
import bot.app, bot.worker, bot.cli.entry, bot.cli.canaries, bot.web.canary_plot
head = build_head(Path({folder!r}))
create_web(head)
from bot.flow.observing import look_at
taken = head.observing.take([look_at("scored-model", b'{{"key": "1", "incumbent": "a", "candidate": "a"}}')])
print(taken[0].release, sorted({{"numpy", "scipy", "pyarrow"}} & set(sys.modules)))
"""


def test_neither_the_command_line_nor_the_web_process_loads_the_mathematics(tmp_path: Path, checkout: Path) -> None:
    program = LIGHT.format(tests=str(checkout / "tests"), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    release, loaded = done.stdout.splitlines()[-1].split(" ", 1)
    assert release.startswith("rel-")
    assert loaded == "[]"


WITHOUT = """
import sys
sys.modules["numpy"] = None
from bot.cli.entry import run
sys.exit(run(sys.argv[1:]))
"""


def test_without_the_extra_the_check_of_a_policy_and_of_a_file_name_it(
    engine: Engine, tmp_path: Path, checkout: Path
) -> None:
    file = tmp_path / "pairs.ndjson"
    file.write_bytes(ndjson(whole(5)))

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", WITHOUT, *words]
        return subprocess.run(program, capture_output=True, text=True, cwd=checkout, check=False)

    checked = said("check", str(engine.config))
    assert checked.returncode == 0
    assert "scored.yaml" in checked.stdout
    assert "pip install 'andon[stats]'" in checked.stdout
    compared = said("canary", "check", str(file), *CHECK)
    assert compared.returncode == 1
    assert compared.stderr.count("\n") == 1
    assert "pip install 'andon[stats]'" in compared.stderr
