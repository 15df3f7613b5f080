"""Performs one step as the runner would: real HTTP, real conditions, real scripts, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.adapters.http import HttpxHttp
from bot.adapters.processes import Scripts
from bot.domain.outcomes import Outcome, OutcomeKind
from bot.domain.records import Approval
from bot.plugins import Call, ProcessResult, Reply, Step, StepContext
from playbooks.steps import load_steps

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class BoundHttp:
    """The HTTP adapter with the target's hosts."""

    http: HttpxHttp
    allow_hosts: Collection[str]

    def request(self, call: Call) -> Reply:
        """Make the call."""
        return self.http.request(call, allow_hosts=self.allow_hosts)


@dataclass(frozen=True)
class BoundScripts:
    """The script adapter over one folder."""

    scripts: Scripts

    def run_script(
        self, name: str, args: Sequence[str], *, timeout: timedelta, env: Mapping[str, str]
    ) -> ProcessResult:
        """Run one."""
        return self.scripts.run_script(name, args, timeout=timeout, env=env)


@dataclass
class Stage:
    """One step of one run; `now` is moved by the test, `state` is kept between two performances."""

    use: str
    values: Mapping[str, Any]
    scripts: Path = Path("/nonexistent")
    now: datetime = START
    timeout: timedelta = timedelta(seconds=5)
    facts: Mapping[str, Any] = field(
        default_factory=lambda: {"release": {"incumbent": "41", "candidate": "42"}, "service": "fraud-model"}
    )
    state: Mapping[str, Any] = field(default_factory=dict)
    approval: Approval | None = None
    drill: bool = False
    http: HttpxHttp = field(default_factory=HttpxHttp)

    @property
    def step(self) -> Step:
        """The step itself."""
        return load_steps([self.use])[self.use]

    @property
    def params(self) -> Any:
        """Its parameters."""
        return self.step.Params.model_validate(dict(self.values))

    @property
    def context(self) -> StepContext:
        """What it is given now."""
        return StepContext(
            run_id="run-1",
            step_id="restore",
            service="fraud-model",
            environment="production",
            fence=7,
            drill=self.drill,
            undoing=False,
            idempotency_key="run-1:restore",
            now=self.now,
            first_started_at=START,
            timeout=self.timeout,
            http=BoundHttp(self.http, ["127.0.0.1"]),
            processes=BoundScripts(Scripts([self.scripts])),
            compile=compile_condition,
            facts=self.facts,
            state=self.state,
            approval=self.approval,
        )

    def perform(self, *, after: float = 0) -> Outcome:
        """Perform it once, `after` seconds later."""
        self.now += timedelta(seconds=after)
        try:
            outcome = self.step.perform(self.params, self.context)
        finally:
            self.http.close()
        if outcome.kind is OutcomeKind.WAIT:
            self.state = outcome.state
        return outcome

    def to_the_end(self, most: int = 100) -> Outcome:
        """Perform it until it waits no more, each time when it wants to be woken."""
        outcome = self.perform()
        for _ in range(most):
            if outcome.kind is not OutcomeKind.WAIT:
                return outcome
            outcome = self.perform(after=outcome.delay.total_seconds())
        raise AssertionError("it waits for ever")

    def with_values(self, **values: Any) -> Stage:
        """The same with other parameters."""
        return replace(self, values={**self.values, **values})
