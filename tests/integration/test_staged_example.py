"""The example `examples/staged-release`: its configuration is sound, and its README is walked through as it stands."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.driven_engine import AWAY, MovableClock
from support.installation import environment, until

from bot.adapters.configuration import load_configuration
from bot.adapters.shipped import shipped_folder
from bot.app import App, build_app
from bot.cli.entry import run
from bot.domain.canaries import Canary, CanaryVerdict
from bot.flow.release_audit import verify_releases
from bot.gates import load_gates
from bot.ports import JobName, Lane
from bot.settings import Settings
from playbooks.steps import load_steps

EXAMPLE = Path(__file__).parents[2] / "examples/staged-release"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
SERVICE = "churn-model"
EQUIVALENT = {"verdict": "equivalent", "pairs": 3000, "estimate": 0.005, "interval": [0.004, 0.006], "tolerance": 0.05}


def module(name: str) -> ModuleType:
    """A program of the example."""
    spec = importlib.util.spec_from_file_location(f"staged_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@contextmanager
def running_deployer() -> Iterator[Any]:
    """The pretended deployer, on a free port."""
    server = module("deployer").Deployer(0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Example:
    """The program with the example's configuration, and the deployer beside it."""

    app: App
    clock: MovableClock
    deployer: Any

    def work(self) -> None:
        """Do all that is due, until no run is under way."""
        app = self.app
        calls = {
            JobName.ADVANCE_RUN: app.runner.advance,
            JobName.SEND_NOTICE: app.notices.send,
            JobName.JUDGE_RELEASE: app.judge.judge,
        }

        def done() -> bool:
            while bells := [one for lane in Lane for one in app.due.of(lane) if one.job in calls]:
                for one in bells:
                    calls[one.job](one.id)
            with app.store.read() as tx:
                return not tx.active_runs([SERVICE])

        until("no run is under way", done)

    @property
    def state(self) -> str:
        """Of the newest release; empty before there is one."""
        with self.app.store.read() as tx:
            found = tx.latest_releases([SERVICE]).get(SERVICE)
        return found.state if found else ""

    @property
    def release(self) -> str:
        """Its id."""
        with self.app.store.read() as tx:
            return tx.latest_releases([SERVICE])[SERVICE].id


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Example]:
    with running_deployer() as deployer:
        config = tmp_path / "config"
        shutil.copytree(EXAMPLE / "config", config)
        file = config / "policies/churn-model.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("9400", str(deployer.server_port)), encoding="utf-8")
        values = {"ANDON_CONFIG": str(config), "ANDON_DATA": str(tmp_path / "var"), "ANDON_REDIS_URL": AWAY}
        clock = MovableClock()
        app = build_app(Settings.from_environment(environment(**values)), clock=clock)
        app.store.upgrade()
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(EXAMPLE.parents[1])
        try:
            yield Example(app, clock, deployer)
        finally:
            app.close()


def commands() -> list[str]:
    """The lines of the README that are commands of Andon, in order, each at once."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("andon ") and not line.startswith("andon up")]


def test_the_configuration_has_no_fault_and_its_parts_are_what_the_readme_says() -> None:
    configuration = load_configuration(
        EXAMPLE / "config", steps=load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks")
    )
    policy = configuration.policy(SERVICE)
    assert [stage.name for stage in policy.stages] == ["evaluation", "share", "canary", "production", "watch"]
    assert [gate.use for gate in policy.stages[0].gates] == ["metric", "schema", "documents"]
    assert policy.live_stage == "production"
    assert {configuration.playbook(name).kind for name in ("shift_share", "shift_all")} == {"promote"}
    assert configuration.playbook("all_back").kind == "rollback"


def say(capfd: pytest.CaptureFixture[str], line: str, release: str) -> int:
    """The exit code of one command; what it says is not printed again."""
    code = run(shlex.split(line.replace("$RELEASE", release))[1:])
    capfd.readouterr()
    return code


def test_the_readme_is_walked_through_from_start_to_endorsement(
    example: Example, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[str, int, str]] = []
    for line in commands():
        if line.startswith("andon release endorse"):
            assert example.state == "live"
            watch(example)
        release = example.release if "$RELEASE" in line else ""
        if line.startswith("andon gate") and example.state == "canary":
            answer_alike(example)
        code = say(capfd, line, release)
        example.work()
        told.append((" ".join(line.split()[1:3]).removesuffix(" churn-model"), code, example.state))
    assert told == [
        ("check", 0, ""),
        ("release start", 0, "evaluation"),
        ("release show", 0, "evaluation"),
        ("gate", 3, "evaluation"),
        ("release promote", 1, "evaluation"),
        ("evidence push", 0, "evaluation"),
        ("gate", 0, "evaluation"),
        ("release promote", 0, "share"),
        ("release sign", 0, "share"),
        ("release sign", 0, "share"),
        ("release promote", 0, "canary"),
        ("gate", 0, "canary"),
        ("release promote", 0, "production"),
        ("release promote", 0, "live"),
        ("release endorse", 0, "endorsed"),
    ]
    assert example.deployer.models[SERVICE] == {"serving": "1.5", "candidate": "1.5", "percent": 100}
    assert verify_releases(example.app.store) is None


def test_the_bad_figures_of_the_example_halt_the_release(example: Example, capfd: pytest.CaptureFixture[str]) -> None:
    manifest = "examples/staged-release/manifest.yaml"
    say(capfd, f"andon release start {SERVICE} --candidate 1.5 --manifest {manifest}", "")
    push = "andon evidence push $RELEASE examples/staged-release/evidence/evaluation-bad.json --name evaluation"
    assert say(capfd, push, example.release) == 0
    example.work()
    assert example.state == "halted"
    assert say(capfd, "andon gate churn-model", "") == 1
    assert say(capfd, "andon release promote $RELEASE", example.release) == 1


@pytest.mark.parametrize(("options", "most"), [([], 0.01), (["--far"], 0.2)])
def test_the_observations_of_the_example_are_pairs(options: list[str], most: float) -> None:
    program = module("observations")
    lines = [json.loads(line) for line in program.observations(program.FAR if options else program.CLOSE)]
    assert len({line["key"] for line in lines}) == len(lines) == 3_000
    apart = [abs(line["incumbent"] - line["candidate"]) for line in lines]
    assert most / 2.2 < sum(apart) / len(apart) < most


def watch(example: Example) -> None:
    """A minute goes by, and the stage goes on by itself."""
    example.clock.turn(timedelta(minutes=2))
    example.app.judge.judge(example.release)


def answer_alike(example: Example) -> None:
    """What the comparison says of pairs that are close."""
    release, now = example.release, example.clock.now()
    canary = Canary(release, SERVICE, "canary", now, pairs=3000, verdict=CanaryVerdict.EQUIVALENT, standing=EQUIVALENT)
    with example.app.store.write() as tx:
        tx.lock_services((SERVICE,))
        tx.open_canary(replace(canary))
