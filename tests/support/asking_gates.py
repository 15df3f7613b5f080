"""Asks and judges one gate as the engine would: real HTTP, real conditions, real scripts, and pinned files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.adapters.http import HttpxHttp
from bot.adapters.processes import Scripts
from bot.domain.errors import AndonError, Refused
from bot.domain.gates import Judgement
from bot.gate_plugins import Gate, GateContext, Measured
from bot.gates import load_gates
from support.step_stage import BoundHttp, BoundScripts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class PinnedFiles:
    """Files below one folder; content is pinned when it is first read, as a release pins it at its start."""

    root: Path
    pinned: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self, folder: str, name: str) -> bytes:
        """The content; Refused where there is none, or another than the pinned one."""
        path = self.root / folder / name
        if not path.is_file():
            raise Refused(f"There is no {folder}/{name}")
        content = path.read_bytes()
        if self.pinned.setdefault((folder, name), content) != content:
            raise Refused(f"{folder}/{name} is not the one that was pinned")
        return content


@dataclass
class AskingGate:
    """One gate of one stage."""

    use: str
    values: Mapping[str, Any]
    root: Path = Path("/nonexistent")
    now: datetime = NOW
    timeout: timedelta = timedelta(seconds=5)
    allow_hosts: Collection[str] = ("127.0.0.1",)
    http: HttpxHttp = field(default_factory=HttpxHttp)
    measured: Measured | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Of its context, another than usual."""

    def __post_init__(self) -> None:
        self.files = PinnedFiles(self.root)

    @property
    def gate(self) -> Gate:
        """The gate itself."""
        return load_gates()[self.use]

    @property
    def params(self) -> Any:
        """Its parameters."""
        return self.gate.Params.model_validate(dict(self.values))

    @property
    def context(self) -> GateContext:
        """What it is given."""
        usual = GateContext(
            service="fraud-model",
            environment="production",
            stage="canary",
            now=self.now,
            release={"id": "rel-1", "candidate": "42", "incumbent": "41"},
            manifest={},
            target={},
            http=BoundHttp(self.http, self.allow_hosts),
            processes=BoundScripts(Scripts([self.root / "scripts"])),
            files=self.files,
            compile=compile_condition,
            evidence=lambda _name: (),
            timeout=self.timeout,
        )
        return replace(usual, **self.more)

    def judged(self) -> Judgement:
        """Collect and judge; what is raised or cannot be measured is unknown, with the reason."""
        try:
            self.measured = self.gate.collect(self.params, self.context)
        except AndonError as error:
            return Judgement.unknown(str(error))
        finally:
            self.http.close()
        if self.measured.problem:
            return Judgement.unknown(self.measured.problem)
        return self.gate.judge(self.params, self.measured, compile_condition)

    def kept(self) -> str:
        """All that is recorded of the measurement, as one text."""
        assert self.measured is not None
        return str((self.measured.facts, self.measured.query, self.measured.problem, self.measured.fetched))
