"""A drill that could reach production is refused when it is loaded, with its line; what cannot pass is warned of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.drills import BACK, BREAK, UNPROVEN, rehearsed, serve
from support.written_config import policy, write_config

from bot.adapters.configuration import load_configuration
from bot.adapters.shipped import shipped_folder
from bot.domain.drill_rules import is_production
from bot.domain.errors import ConfigError
from bot.gates import load_gates
from playbooks.steps import load_steps

PRODUCTION, STAGING = "http://deploy.example.com", "http://deploy.staging.example.com"


def load(folder: Path, made: dict[str, Any], *others: dict[str, Any]) -> list[str]:
    """The warnings about it, each as `file:line: words`."""
    write_config(folder, [made, *others], [BACK, UNPROVEN])
    found = load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks"))
    return [str(one).rsplit("/", 1)[-1] for one in found.warnings]


def refused(folder: Path, made: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as failed:
        load(folder, made)
    return [str(one).removeprefix(str(folder / "policies") + "/") for one in failed.value.faults]


def line(folder: Path, words: str) -> int:
    """Where these words stand in the file of the policy."""
    text = (folder / "policies" / "fraud.yaml").read_text("utf-8").splitlines()
    return next(number for number, one in enumerate(text, 1) if words in one)


def made(**more: Any) -> dict[str, Any]:
    return rehearsed("fraud", PRODUCTION, STAGING, **more)


def test_a_drill_away_from_production_is_loaded_without_a_word(tmp_path: Path) -> None:
    assert load(tmp_path, made()) == []


@pytest.mark.parametrize("name", ["production", "Production", "PROD", "prd", "live"])
def test_a_drill_in_production_is_refused_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    wrong = made(drill={"environment": name})
    wrong["targets"][name] = wrong["targets"]["staging"]
    words = f"a drill never touches production, and {name!r} is production"
    assert f"fraud.yaml:{line_of(tmp_path, wrong, f'  environment: {name}')}: {words}" in refused(tmp_path, wrong)


def test_where_the_releases_of_a_policy_go_live_is_production(tmp_path: Path) -> None:
    stages = [{"name": "production", "environment": "eu-west"}]
    wrong = made(drill={"environment": "eu-west"}, stages=stages)
    wrong["targets"]["eu-west"] = wrong["targets"]["staging"]
    assert any("'eu-west' is production" in one for one in refused(tmp_path, wrong))


@pytest.mark.parametrize(
    ("production", "staging"),
    [
        ("deploy.example.com", "Deploy.Example.com."),
        ("deploy.example.com:443", "deploy.example.com"),
        ("127.0.0.1:80", "localhost:80"),
        ("10.0.0.1", "[::ffff:10.0.0.1]:8080"),
    ],
)
def test_an_environment_that_shares_a_host_with_production_is_refused_with_its_line(
    tmp_path: Path, production: str, staging: str
) -> None:
    wrong = made()
    wrong["targets"]["production"]["allow_hosts"] = ["deploy.example.com", production]
    wrong["targets"]["staging"]["allow_hosts"].append(staging)
    words = f"{staging} is a host of production too, so nothing can be rehearsed in 'staging'"
    found = refused(tmp_path, wrong)
    assert [one.partition(": ")[2] for one in found] == [words]
    text = (tmp_path / "policies" / "fraud.yaml").read_text("utf-8").splitlines()
    at = int(found[0].split(":")[1])
    assert "allow_hosts" in text[at - 1]
    assert at > line(tmp_path, "  staging:")


def test_an_injection_that_calls_what_its_environment_does_not_allow_is_refused(tmp_path: Path) -> None:
    step = {**BREAK, "with": {"method": "POST", "url": f"{PRODUCTION}/break"}}
    found = refused(tmp_path, made(drill={"inject": [step]}))
    assert len(found) == 1
    assert f"fraud.yaml:{line(tmp_path, f'{PRODUCTION}/break')}: step 'break' calls {PRODUCTION}" in found[0]


def test_an_undo_is_held_against_the_same_hosts(tmp_path: Path) -> None:
    undo = {"use": "http_request", "with": {"method": "POST", "url": f"{PRODUCTION}/undo"}}
    found = refused(tmp_path, made(drill={"inject": [{**BREAK, "undo": undo}]}))
    assert [one.partition(": ")[2].split(",")[0] for one in found] == [f"step 'break' calls {PRODUCTION}"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"inject": [{"id": "break", **serve("42")}]}, "step 'break' acts and declares no 'undo:'"),
        ({"playbook": "unproven", "alert": {}}, "nothing in 'unproven' verifies what it restores"),
        ({"alert": {"alertname": "Other"}}, "no rollback criterion holds for such an alert: this drill cannot pass"),
        ({"playbook": "unproven"}, "criterion 'divergence' chooses 'back': this drill cannot pass"),
    ],
)
def test_a_drill_that_cannot_pass_or_leaves_something_is_warned_of(
    tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    assert any(words in one for one in load(tmp_path, made(drill=more)))


def test_labels_that_the_policy_does_not_match_are_warned_of(tmp_path: Path) -> None:
    found = load(tmp_path, made(match='alert.labels.team == "fraud"'))
    assert any("'match:' does not take such an alert" in one for one in found)


def test_metrics_of_the_stable_state_verify_what_the_playbook_does_not(tmp_path: Path) -> None:
    metric = {"prometheus": "{{ target.ledger }}", "query": "errors", "condition": "value < 0.1"}
    policy = made(playbook="unproven", drill={"playbook": "unproven"}, stable={"metrics": [metric]})
    assert load(tmp_path, policy) == []


def test_a_host_that_is_production_for_another_service_is_warned_of(tmp_path: Path) -> None:
    other = policy("other", PRODUCTION, playbook="back")
    other["targets"]["production"]["allow_hosts"] = [
        "deploy.example.com",
        "deploy.staging.example.com:443",
        "127.0.0.1",
    ]
    found = load(tmp_path, made(), other)
    words = "deploy.staging.example.com is a host of production for 'other', so a drill never calls it"
    assert [one.partition(": ")[2] for one in found] == [words]


def line_of(folder: Path, wrong: dict[str, Any], words: str) -> int:
    """The same, before it was loaded."""
    write_config(folder, [wrong], [BACK, UNPROVEN])
    return line(folder, words)


@pytest.mark.parametrize("name", ["production", " Prod ", "prod-eu", "EU_PRD2", "live", "us.production.blue"])
def test_an_environment_that_sounds_like_production_is_it(name: str) -> None:
    assert is_production(None, name)


@pytest.mark.parametrize(
    "name", ["staging", "pre-prod", "non_production", "nonprod", "delivery", "olive", "reproduction"]
)
def test_an_environment_that_does_not_is_not(name: str) -> None:
    assert not is_production(None, name)
