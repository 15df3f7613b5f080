"""`andon demo --canary` as somebody sees it who types it, with and without NumPy."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support.installation import environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WITHOUT_NUMPY = (
    "import sys; sys.modules['numpy'] = None; from bot.cli.entry import run; sys.exit(run(['demo', '--canary']))"
)


def ended(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env=environment(), capture_output=True, text=True, timeout=150, check=False
    )


def test_the_canary_story_is_told_drawn_and_proven() -> None:
    done = ended("-m", "bot", "demo", "--canary")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "run succeeded; 41 is serving, 43 has 0 %" in done.stdout
    assert " tol " in done.stdout, "the drawing marks what is tolerated"
    crossed = re.search(r"pair (\d+) crossed the bound, (\d+) pairs after", done.stdout)
    assert crossed is not None
    assert int(crossed[1]) > int(crossed[2]) > 0
    seconds = re.search(r"first action after ([\d.]+) s, restored and verified after ([\d.]+) s", done.stdout)
    assert seconds is not None
    assert 0 < float(seconds[1]) < float(seconds[2]) < 60


def test_without_numpy_the_extra_is_named_and_nothing_is_started() -> None:
    done = ended("-c", WITHOUT_NUMPY)
    assert done.returncode == 1
    assert "andon[stats]" in done.stderr
    assert done.stdout == ""
