"""The rules by which Prometheus watches Andon, judged by Prometheus' own tool."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_the_shipped_rules_fire_when_andon_is_absent_or_unwell_and_only_then(checkout: Path) -> None:
    if shutil.which("promtool") is None:
        absent = "promtool is not installed here; .ci/run installs it"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    folder = checkout / "tests" / "data"
    command = ["promtool", "test", "rules", "andon_rules_test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
