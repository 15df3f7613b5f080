"""What is said of a policy's `canary:` when it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.written_config import Tree, acting, playbook, policy, write_config

from bot.adapters.configuration import load_configuration
from bot.adapters.shipped import shipped_folder
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError
from bot.gates import load_gates
from playbooks.steps import load_steps

HALT = playbook("stop_it", acting("repeat"), kind="halt")
RULE: Tree = {"output": "classes", "tolerance": 0.02, "on_divergence": {"playbook": "by_key"}}


def loaded(folder: Path, **more: object) -> Configuration:
    from support.written_config import WAYS

    made = policy("scored", "http://127.0.0.1:9", **{"canary": RULE, **more})
    config = write_config(folder, [made], [*WAYS.values(), HALT])
    return load_configuration(config, steps=load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks"))


def said(configuration: Configuration) -> list[str]:
    return [one.message for one in configuration.warnings if "canary" in one.message or "cooldown" in one.message]


def test_a_canary_is_acted_on_and_needs_no_word(tmp_path: Path) -> None:
    assert said(loaded(tmp_path)) == []


@pytest.mark.parametrize(
    ("on_divergence", "fault"),
    [
        ({"playbook": "nobody"}, "unknown playbook 'nobody'"),
        ({"playbook": "stop_it"}, "is of kind halt; here it must be one of rollback"),
        ({"playbook": "by_key", "authority": "nobody"}, "unknown role 'nobody'"),
    ],
)
def test_a_divergence_names_a_rollback_and_a_role_that_there_are(
    tmp_path: Path, on_divergence: Tree, fault: str
) -> None:
    with pytest.raises(ConfigError) as found:
        loaded(tmp_path, canary={**RULE, "on_divergence": on_divergence})
    assert fault in str(found.value)


def test_a_divergence_that_acts_needs_to_know_where(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which say where its playbook acts"):
        loaded(tmp_path, targets={}, rollback=[])


def test_an_automatic_divergence_warns_where_nobody_could_be_asked_inside_the_cooldown(tmp_path: Path) -> None:
    (warning,) = said(loaded(tmp_path, roles={"rollback_authority": [], "endorser": ["olga"]}, rollback=[]))
    assert "inside the cooldown it asks the role rollback_authority" in warning
