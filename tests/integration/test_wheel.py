"""The wheel works away from the checkout: it carries templates, playbooks and migrations, and `andon up` answers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installation:
    """A fresh environment with the wheel in it, and a folder to work in that is not the checkout."""

    bin: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ANDON_", "COV"))}
        return {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.folder), "NO_COLOR": "1"}

    def andon(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / "andon", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, with the build back-end that is installed already: no network is needed."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("bot", "handlers", "playbooks", "templates"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tree)
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(tree)]
    subprocess.run(build, check=True, capture_output=True, text=True, timeout=100)
    [made] = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel alone is installed; what it depends on is borrowed from the environment of the tests by path."""
    home = tmp_path_factory.mktemp("w")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True, timeout=60)
    python = home / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True, timeout=100)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv"), "platbase": str(home / "venv")}))
    # A plain path entry: unlike in a real site folder, the .pth file of the editable checkout is not read there.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    folder = tmp_path_factory.mktemp("away")
    return Installation(python.parent, folder)


def test_the_wheel_carries_all_that_is_no_code(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"bot/shipped/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*") if path.is_file()}
    playbooks = {str(path.relative_to(ROOT)) for path in (ROOT / "playbooks").glob("*.yaml")}
    migrations = {
        str(path.relative_to(ROOT)) for path in (ROOT / "bot/adapters").rglob("*.py") if "migrations" in path.parts
    }
    static = {str(path.relative_to(ROOT)) for path in (ROOT / "bot/web").rglob("*.css")}
    for needed in (templates, playbooks, migrations, static):
        assert needed
        assert needed <= names
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_the_wheel_carries_nothing_of_the_checkout_around_it(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bot", "handlers", "playbooks"}


def test_the_installed_code_is_not_that_of_the_checkout(installation: Installation) -> None:
    shown = subprocess.run(
        [installation.bin / "python", "-c", "import bot, handlers, playbooks; print(bot.__file__)"],
        cwd=installation.folder,
        env=installation.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith(str(installation.bin.parent))


def test_init_writes_what_check_accepts(installation: Installation) -> None:
    made = installation.andon("init", "made")
    assert made.returncode == 0, made.stderr
    checked = installation.andon("check", "made")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def running(installation: Installation, short_tmp: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`andon up` on a port of its choice, with its words in a file; nothing of it is left afterwards."""
    assert installation.andon("init", str(short_tmp / "config")).returncode == 0
    said = short_tmp / "said"
    with said.open("wb") as words:
        process = subprocess.Popen(
            [installation.bin / "andon", "up", "--config", str(short_tmp / "config"), "--port", "0"],
            cwd=installation.folder,
            env={**installation.environment, "ANDON_DATA": str(short_tmp / "var")},
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    family = []
    try:
        yield process, said
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        for child in family:
            if child.is_running():
                child.kill()


def address_in(said: Path, process: subprocess.Popen[bytes], *, seconds: float = 40) -> str:
    """The address at which `up` says that it listens, once it answers there."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        text = said.read_text("utf-8", "replace")
        assert process.poll() is None, text
        for address in re.findall(r"http://127\.0\.0\.1:[1-9]\d*", text):
            try:
                with urlopen(f"{address}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return str(address)
            except (HTTPError, OSError):
                pass
        pause.wait(0.1)
    raise AssertionError(f"not ready within {seconds} s:\n{said.read_text('utf-8', 'replace')}")


def test_up_answers_away_from_the_checkout_and_leaves_nothing_behind(
    running: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, said = running
    address = address_in(said, process)
    with urlopen(f"{address}/healthz", timeout=5) as answer:
        assert answer.status == 200
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 5, "redis, web, clock and workers"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, said.read_text("utf-8", "replace")
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
