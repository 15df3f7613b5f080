"""Strict mode: what nobody else has read does not come into force, and a restart at night brings back what was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.git_repositories import LENA, OMAR, Repository, repository
from support.installation import environment
from support.written_config import BY_KEY, policy, write_config

from bot.app import App, build_app
from bot.domain.errors import ConfigError
from bot.domain.policy_versions import FileKind
from bot.settings import Settings

READ = f"Reviewed-by: {OMAR}"
LEDGER = "http://127.0.0.1:9"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = repository(tmp_path / "repo")
    put(made, "scores")
    return made


def put(repo: Repository, service: str, **more: Any) -> None:
    write_config(repo.root / "config", [policy(service, LEDGER, **more)], [BY_KEY])


@contextmanager
def started(repo: Repository, **values: str) -> Iterator[App]:
    """A process with this configuration, on the same database each time."""
    given = {"ANDON_STRICT": "true", **values}
    env = environment(ANDON_DATA=str(repo.root.parent / "var"), ANDON_CONFIG=str(repo.root / "config"), **given)
    app = build_app(Settings.from_environment(env))
    app.store.upgrade()
    app.configuration.keep()
    try:
        yield app
    finally:
        app.close()


def cooldown(app: App, service: str = "scores") -> float:
    return app.configuration.current.policy(service).cooldown.total_seconds() / 60


def refused(repo: Repository, **values: str) -> list[str]:
    with pytest.raises(ConfigError) as caught, started(repo, **values):
        pass
    return [str(fault) for fault in caught.value.faults]


def test_a_reviewed_set_comes_into_force_and_is_recorded_with_its_people(repo: Repository) -> None:
    commit = repo.commit("policy", READ)
    with started(repo) as app, app.store.read() as tx:
        assert app.configuration.current.warnings == ()
        (version,) = tx.policy_versions((FileKind.POLICY, "scores"))
    assert (version.commit, version.author, version.reviewer) == (commit, LENA, OMAR)
    assert version.is_reviewed


def test_a_first_start_with_what_nobody_has_read_is_refused_with_file_reason_and_remedy(repo: Repository) -> None:
    repo.commit("policy")
    faults = refused(repo)
    assert len(faults) == 2, "the playbook decides as much as the policy does"
    assert all("names no reviewer" in fault and "Reviewed-by:" in fault for fault in faults)
    assert any("policies/scores.yaml:0: " in fault for fault in faults)


def test_on_reload_the_old_set_stays(repo: Repository) -> None:
    repo.commit("policy", READ)
    with started(repo) as app:
        put(repo, "scores", cooldown="1m")
        with pytest.raises(ConfigError, match="differs from commit"):
            app.configuration.reload()
        assert cooldown(app) == 30
        repo.commit("shorter", READ)
        app.configuration.reload()
        assert cooldown(app) == 1


def test_a_restart_brings_back_what_was_in_force_and_says_so(repo: Repository) -> None:
    repo.commit("policy", READ)
    with started(repo):
        pass
    put(repo, "scores", cooldown="1m")
    repo.commit("shorter")
    put(repo, "fresh")
    with started(repo) as app, app.store.read() as tx:
        assert cooldown(app) == 30
        assert set(app.configuration.current.policies) == {"scores"}
        told = [str(one) for one in app.configuration.current.warnings]
        assert any("fresh.yaml" in one and "it is left out" in one for one in told)
        assert any("scores.yaml" in one and "stays until it is" in one for one in told)
        (version,) = tx.policy_versions((FileKind.POLICY, "scores"))
        assert version.is_reviewed
        with pytest.raises(ConfigError):
            app.configuration.reload()


def test_a_broken_file_that_nobody_has_read_keeps_no_restart_from_its_work(repo: Repository) -> None:
    repo.commit("policy", READ)
    with started(repo):
        pass
    (repo.root / "config" / "policies" / "scores.yaml").write_text("service: [", "utf-8")
    with started(repo) as app:
        assert cooldown(app) == 30


def test_a_policy_does_not_vanish_because_its_file_did(repo: Repository) -> None:
    put(repo, "other")
    repo.commit("policies", READ)
    path = repo.root / "config" / "policies" / "scores.yaml"
    with started(repo) as app:
        path.unlink()
        with pytest.raises(ConfigError, match="no commit deleted it"):
            app.configuration.reload()
    with started(repo) as app:
        assert cooldown(app) == 30
    repo.commit("away")
    with started(repo) as app:
        assert cooldown(app) == 30
        with pytest.raises(ConfigError, match="it was deleted, and its last change, by Lena"):
            app.configuration.reload()
    repo.git("commit", "--quiet", "--amend", "-m", f"away\n\n{READ}")
    with started(repo) as app:
        assert set(app.configuration.current.policies) == {"other"}


def test_what_was_in_force_unread_is_no_way_around(repo: Repository) -> None:
    repo.commit("policy")
    with started(repo, ANDON_STRICT="false"):
        pass
    assert refused(repo)
    put(repo, "scores", cooldown="1m")
    assert refused(repo)


def test_a_record_that_was_tampered_with_is_not_used(repo: Repository) -> None:
    repo.commit("policy", READ)
    with started(repo) as app, app.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE policy_versions SET text = replace(text, '30m', '99d') WHERE name='scores'")
    put(repo, "scores", cooldown="1m")
    assert refused(repo)


def test_a_database_that_is_away_is_not_needed_for_what_was_reviewed(repo: Repository) -> None:
    repo.commit("policy", READ)
    away = "postgresql://nobody:x@127.0.0.1:1/none"
    env = environment(ANDON_STRICT="1", ANDON_DATABASE_URL=away, ANDON_CONFIG=str(repo.root / "config"),
                      ANDON_DATA=str(repo.root.parent / "var"))  # fmt: skip
    build_app(Settings.from_environment(env)).close()
    put(repo, "scores", cooldown="1m")
    with pytest.raises(ConfigError, match="what was in force before is not known"):
        build_app(Settings.from_environment(env))


def test_an_image_without_its_repository_states_its_review(tmp_path: Path) -> None:
    plain = Repository(tmp_path / "repo")
    put(plain, "scores")
    assert any("git knows nothing of the folder" in fault for fault in refused(plain))
    said = {"ANDON_POLICY_COMMIT": "4f0c", "ANDON_POLICY_AUTHOR": LENA}
    assert any("names no reviewer" in fault for fault in refused(plain, **said))
    with started(plain, **said, ANDON_POLICY_REVIEWER=OMAR) as app, app.store.read() as tx:
        (version,) = tx.policy_versions((FileKind.POLICY, "scores"))
    assert (version.commit, version.author, version.reviewer, version.is_reviewed) == ("4f0c", LENA, OMAR, True)


def test_a_review_that_comes_later_is_recorded_without_a_change(repo: Repository) -> None:
    repo.commit("policy")
    with started(repo, ANDON_STRICT="false"):
        pass
    repo.git("commit", "--quiet", "--amend", "-m", f"policy\n\n{READ}")
    with started(repo) as app:
        app.sweep.look()
        with app.store.read() as tx:
            (version,) = tx.policy_versions((FileKind.POLICY, "scores"))
            actions = [row.action for _, row in tx.audit_entries(limit=100) if row.subject == "policy:scores"]
    assert version.is_reviewed
    assert actions == ["policy.in_force", "policy.provenance"]
