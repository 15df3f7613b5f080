"""The words about policies on a real store and a real repository: what is in force, and what a change would mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.cli import Andon, andon_by
from support.engine import Engine, running_engine
from support.git_repositories import LENA, OMAR, Repository, repository
from support.installation import TOKENS
from support.written_config import policy, write_config

READ = f"Reviewed-by: {OMAR}"


@dataclass
class House:
    """An engine whose configuration folder is a repository, with the commits that were made."""

    engine: Engine
    repo: Repository
    first: str
    second: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """`scores` rolls back for Divergence; the second commit asks instead, and acts for Latency by itself."""
    with running_engine(tmp_path_factory.mktemp("cli-policies"), ANDON_API_TOKENS=TOKENS) as engine:
        repo = repository(engine.config)
        engine.protect("scores")
        first = repo.commit("policies", READ)
        engine.app.configuration.reload()
        engine.app.sweep.look()
        for receipt in (engine.alert(firing("scores")), engine.alert(firing("scores", "Latency"))):
            assert receipt.incidents
        engine.protect("scores", rollback=changed())
        second = repo.commit("ask first", READ)
        engine.app.configuration.reload()
        engine.app.sweep.look()
        yield House(engine, repo, first, second)


def changed() -> list[dict[str, Any]]:
    rules = (("Divergence", "rollback_authority"), ("Latency", "automatic"))
    return [
        {"name": name, "when": f'alert.labels.alertname == "{name}"', "playbook": "by_key", "authority": authority}
        for name, authority in rules
    ]


@pytest.fixture
def andon(house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(house.engine, monkeypatch, capfd)


def test_list_shows_what_is_in_force_and_whose_it_is(andon: Andon, house: House) -> None:
    items = {(one["kind"], one["name"]): one for one in andon("policy", "list", "--json").json["items"]}
    scores = items["policy", "scores"]
    assert (scores["commit"], scores["author"], scores["reviewer"]) == (house.second, LENA, OMAR)
    assert (scores["reviewed"], scores["in_force"], scores["dirty"]) == (True, True, False)
    assert items["playbook", "by_key"]["commit"] == house.first
    said = andon("policy", "list")
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("scores")]
    assert all(word in line for word in (scores["digest"], house.second[:12], LENA, OMAR, "yes"))


def test_list_names_files_that_are_not_in_force_yet(andon: Andon, house: House) -> None:
    path = house.engine.config / "policies" / "unrelated.yaml"
    before = path.read_text("utf-8")
    path.write_text(before + "# more\n", "utf-8")
    write_config(house.engine.config, [policy("fresh", house.engine.ledger.url)])
    try:
        out = andon("policy", "list").out
    finally:
        path.write_text(before, "utf-8")
        (house.engine.config / "policies" / "fresh.yaml").unlink()
    assert "unrelated.yaml is another version" in out
    assert "fresh.yaml was not in force yet" in out


def test_show_gives_the_text_that_decided_and_the_change_since(andon: Andon, house: House) -> None:
    now = andon("policy", "show", "scores", "--json").json
    assert [one["digest"] for one in now["versions"]] == [now["digest"], now["previous"]]
    assert {"-  within: 5m", "+  authority: rollback_authority"} <= set(now["diff"].splitlines())
    then = andon("policy", "show", "scores", "--version", now["previous"]).out
    assert "authority: automatic" in then
    assert f"version {now['previous']}" in then
    assert "until" in then
    assert "# reviewed by Omar" in then
    assert "playbook: by_key" in andon("policy", "show", "by_key", "--playbook").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nobody"), "No policy 'nobody' was ever in force"),
        (("show", "scores", "--version", "f" * 16), "No version"),
        (("backtest", "--from", "HEAD", "--to", "no-such-branch"), "'no-such-branch' is no folder"),
        (("backtest", "--from", "--", "--to", "HEAD"), "expected one argument"),
        (("backtest", "--from", "HEAD", "--to", "HEAD", "--since", "soon"), "not a duration"),
        (("backtest", "--from", "HEAD", "--to", "HEAD", "--service", "nobody"), "Neither of the two"),
        (("backtest", "--from", "HEAD", "--to", "HEAD", "--json", "--markdown"), "exclude each other"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(andon: Andon, words: tuple[str, ...], said: str) -> None:
    answer = andon("policy", *words)
    assert answer.code in (1, 2)
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_an_option_for_git_is_no_revision(andon: Andon, house: House, tmp_path: Path) -> None:
    mark = tmp_path / "written"
    answer = andon("policy", "backtest", f"--from=--output={mark}", "--to", "HEAD")
    assert answer.is_problem("is no folder, no revision")
    assert not mark.exists()


def test_backtest_between_two_commits_says_what_is_gained_and_lost(andon: Andon, house: House) -> None:
    found = andon("policy", "backtest", "--from", "HEAD~1", "--to", house.second, "--json").json
    assert found["alerts"] == 2
    assert found["gained"] == {"rollbacks": 1, "asks": 1, "halts": 0, "unknown_promotions": 0}
    assert found["lost"] == {"rollbacks": 1, "asks": 0, "halts": 0, "unknown_promotions": 0}
    (scores,) = [one for one in found["services"] if one["differences"]]
    assert {(one["about"], one["what"], one["gained"]) for one in scores["differences"]} == {
        ("Divergence of scores", "rollback", False),
        ("Divergence of scores", "ask", True),
        ("Latency of scores", "rollback", True),
    }
    text = andon("policy", "backtest", "--from", "HEAD~1", "--to", "HEAD").out
    assert "rollback gained" in text
    comment = andon("policy", "backtest", "--from", "HEAD~1", "--to", "HEAD", "--markdown").out
    assert comment.startswith("### Policy backtest")
    assert "**1 rollback gained, 1 rollback lost, 1 ask gained**" in comment


def test_a_folder_and_a_digest_stand_for_policies_too(andon: Andon, house: House, tmp_path: Path) -> None:
    house.repo.git("worktree", "add", "--quiet", str(tmp_path / "old"), house.first)
    old = str(tmp_path / "old")
    with_folder = andon("policy", "backtest", "--from", old, "--to", "HEAD", "--json").json
    digest = andon("policy", "show", "scores", "--json").json["previous"]
    with_digest = andon("policy", "backtest", "--from", digest, "--to", "HEAD", "--json").json
    assert (
        with_digest["gained"]
        == with_folder["gained"]
        == {"rollbacks": 1, "asks": 1, "halts": 0, "unknown_promotions": 0}
    )
    assert [one["service"] for one in with_digest["services"]] == ["scores"]
    (tmp_path / "old" / "playbooks" / "by_key.yaml").unlink()
    answer = andon("policy", "backtest", "--from", old, "--to", "HEAD")
    assert (answer.code, "unknown playbook 'by_key'" in answer.err) == (1, True)


def test_a_revision_that_is_not_valid_is_refused_by_file_and_line(andon: Andon, house: House) -> None:
    house.repo.git("checkout", "--quiet", "-b", "broken")
    (house.engine.config / "policies" / "scores.yaml").write_text("service: scores\nnonsense: 1\n", "utf-8")
    house.repo.commit("broken")
    house.repo.git("checkout", "--quiet", "main")
    answer = andon("policy", "backtest", "--from", "HEAD", "--to", "broken")
    assert answer.code == 1
    assert "broken:policies/scores.yaml:2: " in answer.err
    assert "/tmp/" not in answer.err


def test_only_what_was_recorded_since_is_replayed(andon: Andon) -> None:
    found = andon("policy", "backtest", "--from", "HEAD~1", "--to", "HEAD", "--since", "0s", "--json").json
    assert (found["alerts"], found["gained"]["rollbacks"]) == (0, 0)


def test_policies_can_be_read_while_the_files_are_broken(andon: Andon, house: House) -> None:
    path = house.engine.config / "policies" / "scores.yaml"
    before = path.read_text("utf-8")
    path.write_text("service: [", "utf-8")
    try:
        assert andon("policy", "show", "scores").code == 0
        assert andon("policy", "list").code == 0
        assert andon("policy", "backtest", "--from", "HEAD~1", "--to", "HEAD").code == 0
    finally:
        path.write_text(before, "utf-8")


def test_check_strict_shows_what_strict_mode_would_refuse(andon: Andon, house: House, tmp_path: Path) -> None:
    assert andon("check", "--strict").code == 0
    other = repository(tmp_path)
    write_config(tmp_path, [policy("scores", house.engine.ledger.url, rollback=[])])
    other.commit("policy")
    assert andon("check", str(tmp_path)).code == 0
    said = andon("check", str(tmp_path), "--strict")
    assert said.code == 1
    assert "policies/scores.yaml:0: not reviewed: its last change, by Lena" in said.out
    assert "Reviewed-by:" in said.out
    faults = andon("check", str(tmp_path), "--strict", "--json").json["faults"]
    assert [fault["message"].startswith("not reviewed") for fault in faults] == [True] * len(faults)


def test_without_a_database_there_is_nothing_to_show(andon: Andon, tmp_path: Path) -> None:
    assert andon("policy", "list", "--data", str(tmp_path)).is_problem("no database")
