"""The page about commands and settings knows every word and every variable, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli.grammar import WORDS
from bot.settings import Settings

FAMILIES = {"webhook_secrets": "ANDON_WEBHOOK_SECRET_<SOURCE>", "playbook_secrets": "ANDON_SECRET_<NAME>"}


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_has_its_line_with_the_words_of_its_help(page: str) -> None:
    lines = dict(re.findall(r"^\| `andon ([a-z -]+?)(?: [\[A-Z-].*?| off.*?)?` \| (.*) \|$", page, re.MULTILINE))
    assert lines == {word.path: word.help for word in WORDS}


def test_every_argument_of_a_command_is_on_its_line(page: str) -> None:
    for word in WORDS:
        line = next(line for line in page.splitlines() if line.startswith(f"| `andon {word.path}"))
        options = {name for argument in word.arguments for name in argument.names if name.startswith("--")}
        shared = {"--json", "--config"}
        assert {name for name in options - shared if name not in line} == set(), word.path


def test_every_setting_has_its_line(page: str) -> None:
    rows = "".join(line for line in page.splitlines() if line.startswith("| `ANDON_"))
    named = set(re.findall(r"`(ANDON_[A-Z_]+(?:<[A-Z]+>)?)`", rows))
    real = {FAMILIES.get(name, f"ANDON_{name.upper()}") for name in Settings.model_fields}
    assert real - named == {"ANDON_CRASH_AT"} & real  # a switch of tests, not for users
    assert named <= real
