"""The commands about releases: exit codes for pipelines, JSON for programs, and one line where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import Andon, Said, andon_by
from support.driven_engine import fresh_name
from support.engine import Engine, running_engine
from support.installation import TOKENS
from support.staged_services import BAD, F1, GOOD, ROLES, SHIFT, STAGES

from bot.domain.events import Word

RELEASE_ID = "rel-01aaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


@pytest.fixture
def service(engine: Engine) -> str:
    name = fresh_name("piped")
    more: dict[str, Any] = {"stages": list(STAGES), "roles": ROLES, "baseline": "41"}
    engine.protect(name, SHIFT, **more)
    return name


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def started(andon: Andon, service: str, *more: str) -> str:
    said = andon("release", "start", service, "--candidate", "42", "--json", *more, by="olga")
    assert said.code == 0, said.err
    return str(said.json["records"][0])


def pushed(andon: Andon, folder: Path, release: str, document: Any) -> Said:
    file = written(folder, "evaluation.json", json.dumps(document))
    return andon("evidence", "push", release, file, "--name", "evaluation", by="olga")


def test_a_gate_tells_pipelines_by_its_exit_code(andon: Andon, engine: Engine, service: str, tmp_path: Path) -> None:
    release = started(andon, service)
    unknown = andon("gate", service, by="olga")
    assert (unknown.code, unknown.err) == (3, "")
    assert unknown.out.splitlines()[-1].startswith("unknown: evaluation is unknown")
    pushed(andon, tmp_path, release, GOOD)
    passing = andon("gate", service, by="olga")
    assert passing.code == 0
    assert passing.out.splitlines()[-1].startswith("pass: every gate of evaluation passes")
    engine.order(Word.HALT, service)
    halted = andon("gate", service, by="olga")
    assert halted.code == 1
    assert "halted by olga" in halted.out


def test_a_failed_gate_exits_with_1_and_halts(andon: Andon, engine: Engine, service: str, tmp_path: Path) -> None:
    release = started(andon, service)
    pushed(andon, tmp_path, release, BAD)
    said = andon("gate", service, by="olga")
    assert said.code == 1
    assert "0.71" in said.out
    assert engine.service(service)["state"] == "halted"
    assert andon("release", "promote", release, by="ada").is_problem("halted")


def test_promotion_exits_as_its_gates_say(andon: Andon, service: str, tmp_path: Path) -> None:
    release = started(andon, service)
    first = andon("release", "promote", release, by="olga")
    assert first.code == 3, "the gates were looked at for it, and nothing was measured"
    assert andon("release", "promote", release, by="olga").is_problem("does not pass evaluation", "evidence")
    pushed(andon, tmp_path, release, GOOD)
    went_on = andon("release", "promote", release, "--json", by="olga")
    assert (went_on.code, went_on.json["verdict"]) == (0, "pass")
    assert andon("release", "show", release, "--json", by="olga").json["stage"] == "staging"
    waiting = andon("release", "promote", release, "--json", by="olga")
    assert (waiting.code, waiting.json["verdict"], waiting.json["stage"]) == (3, "unknown", "staging")
    assert "not signed" in waiting.json["gates"][0]["why"]


def test_json_of_a_gate_has_all_that_a_verdict_rests_on(andon: Andon, service: str, tmp_path: Path) -> None:
    release = started(andon, service)
    pushed(andon, tmp_path, release, GOOD)
    told = andon("gate", service, "--json", by="olga").json
    assert {key: told[key] for key in ("service", "release_id", "stage", "verdict")} == {
        "service": service, "release_id": release, "stage": "evaluation", "verdict": "pass",
    }  # fmt: skip
    gate = told["gates"][0]
    assert set(gate) == {
        "id", "use", "name", "verdict", "why", "at", "figures", "details", "query", "evidence_ids", "code_version",
    }  # fmt: skip
    figure = gate["figures"][0]
    assert (figure["value"], figure["low"], figure["high"], figure["n"]) == (0.95, 0.94, 0.96, 2000)
    assert figure["threshold"]


def test_a_service_without_a_release_is_unknown_and_says_what_to_do(andon: Andon, engine: Engine) -> None:
    engine.protect(fresh_name("quiet"), release=None)
    name = fresh_name("quiet")
    engine.protect(name, stages=[{"name": "evaluation", "gates": [F1]}])
    said = andon("gate", name, by="olga")
    assert said.code == 3, "the policy names its release, so it is started by this"
    assert "evidence" in said.out
    assert andon("gate", "nosuch", by="olga").is_problem("nosuch", "known")


TYPES = {
    "figures.json": json.dumps(GOOD),
    "rows.ndjson": '{"label": 1, "prediction": 1}\n{"label": 0, "prediction": 1}\n',
    "rows.jsonl": '{"label": 1, "prediction": 1}\n',
    "rows.csv": "label,prediction\n1,1\n0,0\n",
    "rows.parquet": b"PAR1 whatever it holds, it is kept as it came",
}


@pytest.mark.parametrize("name", TYPES)
def test_evidence_of_each_type_is_pushed_by_its_ending(andon: Andon, service: str, tmp_path: Path, name: str) -> None:
    release = started(andon, service)
    file = written(tmp_path, name, TYPES[name])
    said = andon("evidence", "push", service, file, "--name", "rows", "--about", "incumbent", "--json", by="olga")
    assert said.code == 0, said.err
    kept = said.json
    assert (kept["name"], kept["about"], kept["version"]) == ("rows", "incumbent", "41")
    assert kept["size"] == Path(file).stat().st_size
    assert kept["id"] in [one["id"] for one in andon("release", "show", release, "--json").json["evidence"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evidence", "push", "SERVICE", "rows.xlsx", "--name", "rows"), "no type that is known"),
        (("evidence", "push", "SERVICE", "nowhere.json", "--name", "rows"), "cannot be read"),
        (("evidence", "push", "SERVICE", "EMPTY", "--name", "rows"), "empty"),
        (("evidence", "push", "SERVICE", "GOOD", "--name", "judged:f1"), "no name of evidence"),
        (("evidence", "push", RELEASE_ID, "GOOD", "--name", "rows"), RELEASE_ID),
        (("release", "start", "SERVICE", "--candidate", "4 2"), "without spaces"),
        (("release", "start", "SERVICE", "--candidate", "41"), "both 41"),
        (("release", "start", "SERVICE", "--candidate", "43", "--incumbent", "evil"), "known are 41"),
        (("release", "start", "SERVICE", "--candidate", "43", "--emergency"), "declares no emergency"),
        (("release", "start", "nosuch", "--candidate", "43"), "nosuch"),
        (("release", "start", "SERVICE", "--candidate", "43", "--manifest", "nowhere.yaml"), "nowhere.yaml"),
        (("release", "start", "SERVICE", "--candidate", "43", "--manifest", "WRONG"), "objectve"),
        (("release", "start", "SERVICE", "--candidate", "43", "--manifest", "TWICE"), "objective"),
        (("release", "show", RELEASE_ID), "andon release list"),
        (("release", "promote", RELEASE_ID), RELEASE_ID),
        (("release", "sign", "RELEASE"), "Say what is signed"),
        (("release", "sign", "RELEASE", "--item", "runbook", "--role", "endorser"), "does not hold endorser"),
        (("release", "unsign", "RELEASE", "--item", "runbook"), "has not signed"),
        (("release", "second", "RELEASE"), "no emergency"),
        (("release", "endorse", "RELEASE", "--reason", "good"), "not a member of endorser"),
        (("release", "retrospective", "RELEASE", "--reason", "learned"), "no emergency"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_1(
    andon: Andon, service: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    places = {
        "SERVICE": service,
        "RELEASE": started(andon, service),
        "GOOD": written(tmp_path, "good.json", "{}"),
        "EMPTY": written(tmp_path, "empty.json", ""),
        "WRONG": written(tmp_path, "wrong.yaml", "objectve: x\n"),
        "TWICE": written(tmp_path, "twice.yaml", "objective: x\nobjective: y\n"),
    }
    told = andon(*(places.get(word, word) for word in words), by="olga")
    assert told.is_problem(said), told.err


@pytest.mark.parametrize(
    "words",
    [
        ("release", "start", "SERVICE", "--candidate", "43"),
        ("release", "promote", "RELEASE"),
        ("release", "sign", "RELEASE", "--item", "runbook"),
        ("release", "abandon", "RELEASE", "--reason", "over"),
        ("release", "endorse", "RELEASE", "--reason", "good"),
    ],
)
def test_without_a_token_nobody_gives_an_order(
    andon: Andon, engine: Engine, service: str, words: tuple[str, ...]
) -> None:
    places = {"SERVICE": service, "RELEASE": started(andon, service)}
    assert andon(*(places.get(word, word) for word in words), by=None).is_problem("operator", "ANDON_TOKEN")
    with engine.app.store.read() as tx:
        assert tx.latest_releases([service])[service].id == places["RELEASE"]


def test_without_a_token_nobody_hands_evidence_in(andon: Andon, service: str, tmp_path: Path) -> None:
    release = started(andon, service)
    file = written(tmp_path, "good.json", json.dumps(GOOD))
    assert andon("evidence", "push", release, file, "--name", "evaluation", by=None).code == 1
    assert andon("release", "show", release, "--json").json["evidence"] == []


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_manifest_comes_in_yaml_or_json(andon: Andon, service: str, tmp_path: Path, suffix: str) -> None:
    manifest = {"objective": "Fewer false alarms", "author": "otto"}
    text = json.dumps(manifest) if suffix == "json" else "objective: Fewer false alarms\nauthor: otto\n"
    release = started(andon, service, "--manifest", written(tmp_path, f"manifest.{suffix}", text))
    shown = andon("release", "show", release)
    assert "Fewer false alarms" in shown.out
    assert andon("release", "show", release, "--json").json["author"] == "otto"


def test_the_list_and_the_words_of_a_release_say_where_it_is(andon: Andon, service: str) -> None:
    release = started(andon, service)
    line = andon("release", "list", "--service", service).out.splitlines()
    assert line[0].startswith(release)
    assert line[0].endswith("41 -> 42  evaluation")
    shown = andon("release", "show", release).out
    assert " > evaluation" in shown
    assert "production, then shift_it" in shown
    assert andon("release", "abandon", release, "--reason", "no longer wanted", by="olga").code == 0
    assert andon("release", "list", "--service", service).out.splitlines()[0].endswith("abandoned")
