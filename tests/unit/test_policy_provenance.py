"""Who wrote a policy and who read it, as real git repositories tell it, and what nobody can make git do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.git_repositories import BOT, LENA, OMAR, Repository, repository

from bot.adapters.configuration.provenance import Origins, Stated, config_files
from bot.domain.policy_versions import FileKind, Provenance, same_person

KEY = (FileKind.POLICY, "fraud")
READ = f"Reviewed-by: {OMAR}"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """The configuration lies in a folder of a repository that has other things too."""
    made = repository(tmp_path / "repo")
    write(made, "service: fraud\n")
    (made.root / "README.md").write_text("hello\n", "utf-8")
    return made


def folder(repo: Repository) -> Path:
    return repo.root / "deploy" / "config"


def write(repo: Repository, text: str, name: str = "policies/fraud.yaml") -> None:
    path = folder(repo) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def found(repo: Repository, stated: Stated | None = None) -> Provenance:
    return Origins(folder(repo), stated).of(config_files(folder(repo)))[KEY]


def test_a_trailer_by_another_person_is_a_review(repo: Repository) -> None:
    commit = repo.commit("policy", READ)
    repo.commit("something else", by=OMAR)
    origin = found(repo)
    assert (origin.commit, origin.author, origin.reviewer) == (commit, LENA, OMAR)
    assert origin.is_reviewed
    assert not origin.dirty
    assert origin.committed_at is not None
    assert origin.committed_at.isoformat() == "2026-11-20T09:00:00+00:00"


@pytest.mark.parametrize(
    ("trailers", "why"),
    [
        ((), "names no reviewer"),
        ((f"Reviewed-by: {LENA}",), "the same person"),
        (("Reviewed-by: Lena Other <lena@EXAMPLE.com>",), "the same person"),
        (("Reviewed-by: Lena <private@example.org>",), "the same person"),
        (("Co-authored-by: Omar <omar@example.com>",), "names no reviewer"),
    ],
)
def test_without_another_person_there_is_no_review(repo: Repository, trailers: tuple[str, ...], why: str) -> None:
    repo.commit("policy", *trailers)
    assert why in found(repo).why


def test_one_of_several_reviewers_is_enough_where_that_is_another_person(repo: Repository) -> None:
    repo.commit("policy", f"Reviewed-by: {LENA}", f"Approved-by: {OMAR}")
    assert found(repo).reviewer == OMAR
    assert found(repo).is_reviewed


def test_persons_of_any_policy_say_which_ids_are_one_person(repo: Repository) -> None:
    write(
        repo, "service: other\npersons: {lena: [lena@example.com, Omar@example.com, U0LENA]}\n", "policies/other.yaml"
    )
    repo.commit("policy", READ)
    assert "the same person" in found(repo).why


def test_a_file_that_differs_from_its_commit_is_not_reviewed(repo: Repository) -> None:
    repo.commit("policy", READ)
    write(repo, "service: fraud\n# changed\n")
    assert found(repo).dirty
    assert "differs from commit" in found(repo).why
    repo.git("update-index", "--assume-unchanged", "deploy/config/policies/fraud.yaml")
    assert found(repo).dirty, "no flag hides a change"


def test_a_staged_change_and_a_new_file_are_in_no_commit(repo: Repository) -> None:
    repo.commit("policy", READ)
    write(repo, "service: new\n", "policies/new.yaml")
    repo.git("add", "-A")
    origin = Origins(folder(repo)).of(config_files(folder(repo)))[FileKind.POLICY, "new"]
    assert (origin.dirty, origin.why) == (True, "it is in no commit")


def test_a_merge_by_another_person_is_a_review(repo: Repository) -> None:
    repo.commit("start", READ)
    repo.git("checkout", "--quiet", "-b", "change")
    write(repo, "service: fraud\n# better\n")
    commit = repo.commit("better")
    repo.git("checkout", "--quiet", "main")
    repo.commit("meanwhile")
    assert repo.git("merge", "--quiet", "--no-ff", "-m", "Merge change", "change", by=OMAR) == ""
    repo.commit("later")
    origin = found(repo)
    assert (origin.commit, origin.author, origin.reviewer) == (commit, LENA, OMAR)
    assert origin.is_reviewed


def test_a_merge_by_the_author_is_none_and_its_trailers_count(repo: Repository) -> None:
    repo.commit("start", READ)
    for number, trailer, reviewed in ((1, "", False), (2, f"\n\nApproved-by: {OMAR}", True)):
        repo.git("checkout", "--quiet", "-b", f"change-{number}")
        write(repo, f"service: fraud\n# better {number}\n")
        repo.commit("better")
        repo.git("checkout", "--quiet", "main")
        repo.git("merge", "--quiet", "--no-ff", "-m", f"Merge change{trailer}", f"change-{number}")
        assert found(repo).is_reviewed is reviewed


def test_a_later_merge_of_something_else_reviews_nothing(repo: Repository) -> None:
    repo.git("commit", "--quiet", "--allow-empty", "-m", "start")
    repo.git("checkout", "--quiet", "-b", "other")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "other work")
    repo.git("checkout", "--quiet", "main")
    repo.commit("straight to main")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge other", "other", by=OMAR)
    assert not found(repo).is_reviewed


def test_a_squash_merge_needs_a_trailer(repo: Repository) -> None:
    repo.git("add", "-A")
    repo.git("commit", "--quiet", "-m", "policy (#7)", by=BOT)
    assert not found(repo).is_reviewed


def test_a_shallow_clone_does_not_know_the_last_change(repo: Repository, tmp_path: Path) -> None:
    repo.commit("policy")
    repo.git("commit", "--quiet", "--allow-empty", "-m", f"readme\n\n{READ}")
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(clone))
    assert "shallow" in found(Repository(clone)).why


def test_a_file_that_git_would_rewrite_is_compared_byte_by_byte(repo: Repository) -> None:
    write(repo, "fraud.yaml text eol=lf\n", "policies/.gitattributes")
    (folder(repo) / "policies" / "fraud.yaml").write_bytes(b"service: fraud\r\n")
    repo.commit("policy", READ)
    assert found(repo).dirty


def test_nothing_in_the_repository_is_carried_out(repo: Repository, tmp_path: Path) -> None:
    repo.commit("policy", READ)
    mark = tmp_path / "was-run"
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n", "utf-8")
    script.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "diff.external",
        "filter.x.clean",
        "gpg.program",
        "core.pager",
        "core.sshCommand",
    ):
        repo.git("config", setting, str(script))
    repo.git("config", "log.showSignature", "true")
    hooks = repo.root / ".git" / "hooks"
    shutil.copy(script, hooks / "post-index-change")
    write(repo, "* filter=x diff=x\n", "policies/.gitattributes")
    assert found(repo).is_reviewed
    assert not mark.exists()


def test_what_the_environment_says_of_git_counts_for_nothing(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("policy")
    other = repository(tmp_path / "other")
    write(other, "service: fraud\n")
    other.commit("policy", READ)
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    assert "names no reviewer" in found(repo).why


def test_without_git_the_environment_states_it(tmp_path: Path) -> None:
    plain = Repository(tmp_path / "plain")
    write(plain, "service: fraud\npersons: {lena: [lena, token-lena]}\n")
    assert "git knows nothing of the folder" in found(plain).why
    said = found(plain, Stated("4f0c", LENA, OMAR))
    assert (said.commit, said.author, said.reviewer, said.is_reviewed) == ("4f0c", LENA, OMAR, True)
    assert "same person" in found(plain, Stated("4f0c", "lena", "token-lena")).why
    assert "ANDON_POLICY_COMMIT" in found(plain, Stated(None, LENA, OMAR)).why
    assert "names no reviewer" in found(plain, Stated("4f0c", LENA)).why


def test_git_is_believed_rather_than_the_environment(repo: Repository) -> None:
    repo.commit("policy")
    assert not found(repo, Stated("4f0c", LENA, OMAR)).is_reviewed


def test_a_repository_without_a_commit_has_reviewed_nothing(repo: Repository) -> None:
    assert not found(repo).is_reviewed


@pytest.mark.parametrize("make", [lambda path: path.write_text("exit 1"), lambda path: path.mkdir()])
def test_a_broken_repository_is_said_and_reviews_nothing(repo: Repository, make: Callable[[Path], object]) -> None:
    repo.commit("policy", READ)
    shutil.rmtree(repo.root / ".git" / "objects")
    make(repo.root / ".git" / "objects")
    assert found(repo).why


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_repository_of_another_user_is_not_believed_until_it_is_listed_as_safe(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("policy", READ)
    for path in (repo.root, repo.root / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "belongs to another user" in found(repo).why
    assert "safe.directory" in found(repo).why
    (tmp_path / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repo.root}\n", "utf-8")
    assert found(repo).is_reviewed


def test_git_has_a_bounded_time(repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("policy", READ)
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
    origin = Origins(folder(repo), seconds=0.3).of(config_files(folder(repo)))[KEY]
    assert "within 0.3 s" in origin.why


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (LENA, OMAR, False),
        (LENA, "lena@example.com", True),
        ("U0LENA", "token-lena", True),
        ("U0LENA", "Somebody <L@example.com>", True),
        ("lena", "U0LENA", True),
        ("U0OMAR", "token-lena", False),
        ("", "", False),
    ],
)
def test_persons_are_compared_and_not_ids(one: str, other: str, same: bool) -> None:
    assert same_person(one, other, {"lena": ("U0LENA", "token-lena", "l@example.com")}) is same
