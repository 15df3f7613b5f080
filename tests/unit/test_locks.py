"""The check of the locks sees what is out of step."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def in_step() -> ModuleType:
    spec = importlib.util.spec_from_file_location("in_step", ROOT / "requirements" / "in_step.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that the check reads, free to be changed."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def change(file: Path, pattern: str, replacement: str) -> None:
    before = file.read_text("utf-8")
    after = re.sub(pattern, replacement, before, count=1, flags=re.M)
    assert after != before
    file.write_text(after, "utf-8")


def test_the_locks_are_in_step_with_the_project(in_step: ModuleType) -> None:
    assert list(in_step.faults()) == []


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "told"),
    [
        (
            "pyproject.toml",
            r'^  "jinja2>=3.1.6,<4",$',
            '  "jinja2>=3.1.6,<4",\n  "tenacity>=9",',
            "tenacity is not pinned",
        ),
        ("pyproject.toml", r'"rq>=2.12,<2.13"', '"rq>=2.13,<2.14"', "outside"),
        ("requirements/runtime.txt", r"^httpcore==.*\n(    --hash.*\n)+", "", "httpcore is not pinned"),
        ("requirements/runtime.txt", r"^(httpcore==\S+) \\\n(    --hash.*\n)+", r"\1\n", "neither a pin, a hash"),
        ("requirements/runtime.txt", r"^async-timeout==.*\n(    --hash.*\n)+", "", "not pinned for Python 3.11.2"),
        ("requirements/ci.txt", r"\A", "--extra-index-url https://pypi.example.com/simple\n", "neither a pin, a hash"),
        ("requirements/ci.txt", r"^pytest==.*", r"pytest @ https://example.com/pytest.whl \\", "neither a pin, a hash"),
        ("requirements/build.txt", r"^pluggy==.*\n(    --hash.*\n)+", "", "pluggy is not pinned"),
    ],
)
def test_a_lock_that_is_out_of_step_is_named(
    in_step: ModuleType, copy: Path, file: str, pattern: str, replacement: str, told: str
) -> None:
    change(copy / file, pattern, replacement)
    faults = list(in_step.faults(copy))
    assert any(told in fault for fault in faults), faults
