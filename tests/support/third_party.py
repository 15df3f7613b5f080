"""Prometheus and Alertmanager as their makers built them, on free ports, with the files that Andon ships for them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from support.installation import end_all, family_of, free_port, until

ROOT = Path(__file__).parents[2]
NAMES = ("prometheus", "prometheus-alertmanager")
"""What Debian calls them."""


def missing() -> list[str]:
    """The servers that are not on PATH."""
    return [name for name in NAMES if shutil.which(name) is None]


@contextmanager
def started(command: Sequence[str], ready: str, log: Path) -> Iterator[None]:
    """A server that answers at `ready`; killed afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(f"{command[0]} is ready", lambda: process.poll() is not None or _answers(ready), seconds=60)
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield
    finally:
        end_all(family_of(process.pid))
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def alertmanager(folder: Path, andon: str, secret: str) -> Iterator[str]:
    """Alertmanager with the shipped file, its receiver at `andon`; its address."""
    folder.mkdir()
    (folder / "token").write_text(secret)
    config = yaml.safe_load((ROOT / "deploy" / "alertmanager.yml").read_text())
    config["route"]["group_interval"] = "1s"
    hook = config["receivers"][0]["webhook_configs"][0]
    hook["url"] = f"{andon}/webhooks/alertmanager"
    hook["http_config"]["authorization"]["credentials_file"] = str(folder / "token")
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    options = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": folder / "data",
        "web.listen-address": address,
        "cluster.listen-address": "",
    }
    command = [NAMES[1], *(f"--{key}={value}" for key, value in options.items())]
    with started(command, f"http://{address}/-/ready", folder / "log"):
        yield address


@contextmanager
def prometheus(folder: Path, target: str, manager: str, rules: Sequence[dict[str, Any]], *, at: str) -> Iterator[None]:
    """Prometheus with the shipped file at the address `at`, looking at `target` each half second."""
    folder.mkdir()
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"}
    config["rule_files"] = [str(folder / "rules.yml")]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [manager]}]
    config["scrape_configs"] = [{"job_name": "models", "static_configs": [{"targets": [target]}]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "releases", "rules": list(rules)}]}))
    address = at.removeprefix("http://")
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    command = [NAMES[0], *(f"--{key}={value}" for key, value in options.items())]
    with started(command, f"{at}/-/ready", folder / "log"):
        yield
