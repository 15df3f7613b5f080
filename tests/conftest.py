"""What holds for every test: a clean environment, a printed seed, and folders short enough for unix sockets."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_SOCKET_PATH = 107
"""Bytes that the kernel allows for the address of a unix socket."""


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected: what the caller exported for an Andon of their own must not reach a test."""
    for name in [key for key in os.environ if key.startswith("ANDON_") and key != "ANDON_TEST_SEED"]:
        del os.environ[name]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
    # Workers of xdist inherit the variable, so that all of them print and use the same seed.
    os.environ.setdefault("ANDON_TEST_SEED", str(secrets.randbits(32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How to run the same random choices again; the header would not be shown in quiet runs."""
    terminalreporter.write_line(f"random choices: ANDON_TEST_SEED={os.environ['ANDON_TEST_SEED']}")


@pytest.fixture
def seed() -> int:
    """The seed of this run, printed when the test fails."""
    number = int(os.environ["ANDON_TEST_SEED"])
    print(f"ANDON_TEST_SEED={number}")
    return number


@pytest.fixture
def rng(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Random choices that depend on the seed and on the name of the test only."""
    return random.Random(f"{seed}:{request.node.nodeid}")


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A fresh folder whose path leaves room for the name of a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="an", dir="/tmp"))
    assert len(bytes(folder)) + 60 < LONGEST_SOCKET_PATH
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
