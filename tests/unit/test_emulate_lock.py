"""The packages of the emulated Slack are pinned by hash, and their lock names no place to load them from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "support" / "emulate"


@pytest.fixture(scope="module")
def lock() -> str:
    return (FOLDER / "package-lock.json").read_text("utf-8")


def test_every_package_has_one_version_and_its_hash(lock: str) -> None:
    packages = {name: entry for name, entry in json.loads(lock)["packages"].items() if name}
    assert packages["node_modules/emulate"]["version"] == "0.12.2"
    for name, entry in packages.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"]), name
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]), name
        assert not entry.get("hasInstallScript"), name


def test_the_lock_fits_what_is_asked_for(lock: str) -> None:
    asked = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    assert asked == {"emulate": "0.12.2"}
    assert json.loads(lock)["packages"][""]["dependencies"] == asked


def test_the_lock_holds_no_address(lock: str) -> None:
    assert "://" not in lock
    assert "resolved" not in lock
