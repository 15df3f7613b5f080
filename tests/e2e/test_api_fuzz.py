"""Requests made up from the API's own document: whatever comes in, the answer is never a server error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.alert_bodies import firing, group
from support.installation import running_up
from support.ledger import running_ledger
from support.written_config import policy, write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

EXAMPLES = 25
"""Made up for each operation and phase."""


def test_no_request_that_the_document_suggests_is_answered_by_a_server_error(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_ledger(tmp_path) as ledger:
        config = write_config(tmp_path / "config", [policy(name, ledger.url) for name in ("one", "two")])
        with running_up(tmp_path, config) as up:
            receipt = up.api.alert(group(firing("one"), firing("two")))
            up.api.settled(receipt["runs"][0])
            said = fuzz(up.api.address, up.api.token, seed, tmp_path)
            with capsys.disabled():
                print(f"\n{said[said.index('Test cases:') :].strip()}")
            assert up.api.is_ready()
            assert up.api.get("/audit/verify")["ok"]
            log = (tmp_path / "andon.log").read_text()
            assert "Traceback" not in log, log[-3000:]


def fuzz(address: str, token: str, seed: int, folder: Path) -> str:
    """Run schemathesis against a running installation; what it said. Fails where it found something."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{address}/openapi.json",
        "--header",
        f"Authorization: Bearer {token}",
        "--checks",
        "not_a_server_error,response_schema_conformance,content_type_conformance",
        "--max-examples",
        str(EXAMPLES),
        "--seed",
        str(seed),
        "--no-color",
        "--continue-on-failure",
    ]
    hooks = {"SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("fuzz_hooks.py"))}
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=400, cwd=folder, env=os.environ | hooks
    )
    assert ended.returncode == 0, json.dumps({"out": ended.stdout[-6000:], "err": ended.stderr[-2000:]}, indent=1)
    return ended.stdout
