"""Spoiled files: whatever is in them, loading gives a configuration or a ConfigError, never anything else."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from bot.adapters.configuration import load_configuration
from bot.adapters.shipped import shipped_folder
from bot.domain.errors import ConfigError, Fault
from bot.gates import load_gates
from playbooks.steps import load_steps

FILES = ("policies/fraud-model.yaml", "playbooks/rollback_model.yaml")
GOOD = Path(__file__).parent.parent / "data/configuration"
NOISE = (
    "null", "[]", "{}", "1", "1.5", "true", '"{{ x }}"', '"{{"', "[1]", "{a: 1}", "-", '"\\ud83d"', "[[[]]]", "x: y",
    "\n", "  ", ": ", "{", "}", '"', "'", "&a", "*a", "!!x", "9" * 30, "[{}]", '""', "{use: 1}", "{{ secret('a') }}",
)  # fmt: skip
VALUE = re.compile(r"(?<=: )[^\n,{}\[\]]+|\[[^\]\n]*\]|\{[^}\n]*\}")


def spoiled(text: str, choices: random.Random) -> str:
    """The text with one value, or a few characters anywhere, replaced by noise."""
    if choices.random() < 0.6:
        start, end = choices.choice(list(VALUE.finditer(text))).span()
    else:
        start = choices.randrange(len(text))
        end = start + choices.randint(0, 30)
    return text[:start] + choices.choice(NOISE) + text[end:]


@pytest.mark.parametrize("seed", range(8))
def test_spoiled_files_give_faults_of_one_line_and_nothing_else(tmp_path: Path, seed: int) -> None:
    steps, gates = load_steps(), load_gates()
    refused: list[tuple[Fault, ...]] = []
    for round_ in range(40):
        choices = random.Random(f"{seed}-{round_}")
        for name in FILES:
            text = (GOOD / name).read_text(encoding="utf-8")
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(spoiled(text, choices), encoding="utf-8")
        try:
            load_configuration(tmp_path, steps=steps, gates=gates, shipped=shipped_folder("playbooks"))
        except ConfigError as error:
            refused.append(error.faults)
    assert len(refused) > 20
    assert all(refused)
    assert not [fault for faults in refused for fault in faults if "\n" in fault.message or fault.line < 0]
