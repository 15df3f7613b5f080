"""The example that comments on pull requests is a valid workflow, and says only words that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from bot.cli.entry import build_parser

EXAMPLE = "examples/pipelines/github-policy-backtest.yml"


def test_the_workflow_is_valid(checkout: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, str(checkout / EXAMPLE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_says_words_of_andon_and_no_text_of_a_pull_request_in_a_shell(checkout: Path) -> None:
    text = (checkout / EXAMPLE).read_text("utf-8")
    said = re.findall(r"run: (andon .*)", text)
    targets = [build_parser().parse_args(shlex.split(line.partition(">")[0])[1:]).target for line in said]
    assert targets == ["bot.cli.checking:check", "bot.cli.policies:backtest"]
    runs = re.findall(r"run: (?:\|\n)?((?:.+\n?)(?: {10}.*\n)*)", text)
    assert runs
    assert not any("${{" in run for run in runs)
