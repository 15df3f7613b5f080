"""Performs one step outside any transaction: fills its values, gives it a context, and names what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import ValidationError

from bot.domain.conditions import Compile
from bot.domain.errors import AndonError, BadInput, ConfigError, LeaseLost, Refused, StepFailed, TryLater
from bot.domain.outcomes import Effect, Freeze, Outcome, Tell
from bot.domain.playbooks import ActionSpec
from bot.domain.records import Approval
from bot.domain.runs import Lease, Run
from bot.domain.step_states import StepState
from bot.flow.drill_guard import Policies, Reach, is_rehearsal, reach_of
from bot.plugins import Call, Checkable, ProcessResult, Reply, Step, StepContext
from bot.ports import Expressions, Http, Processes, Secrets

MOST_OUTPUT = 16 * 1024
"""Characters of a step's output that are kept."""

Filled = tuple[Step, Any]
"""What does an action, and its values."""
Filling = Callable[[], Filled]


@dataclass(frozen=True)
class GuardedHttp:
    """HTTP as one step of one run sees it: allowed hosts only, within its time, while its lease lives."""

    http: Http
    reach: Callable[[], Reach]
    """Asked before every call: what a drill may reach can change while it goes on."""
    most: timedelta
    guard: Callable[[], None]
    crash: Callable[[str], None]
    redact: Callable[[str], str]

    def request(self, call: Call) -> Reply:
        """Make the call; LeaseLost where another worker took the run meanwhile."""
        self.crash("before_effect")
        self.guard()
        reach, timed = self.reach(), replace(call, timeout=min(call.timeout, self.most))
        reply = self.http.request(reach.marked(timed), allow_hosts=reach.allow_hosts, bar_hosts=reach.bar_hosts)
        self.crash("after_effect")
        # Steps quote beginnings of it: a secret that is cut in two would not be known any more.
        return replace(reply, text=self.redact(reply.text))


@dataclass(frozen=True)
class ReachedHttp:
    """`bot.ports.Http` that says of each call whose it is, and bars what it may not reach."""

    http: Http
    reach: Callable[[], Reach]

    def request(self, call: Call, *, allow_hosts: Collection[str], bar_hosts: Collection[str] = ()) -> Reply:
        """Make the call. Refused where its run may not reach the host."""
        reach = self.reach()
        return self.http.request(reach.marked(call), allow_hosts=allow_hosts, bar_hosts=(*reach.bar_hosts, *bar_hosts))

    def warm(self) -> None:
        """As the other does."""
        self.http.warm()

    def close(self) -> None:
        """It belongs to others."""


@dataclass(frozen=True)
class GuardedProcesses:
    """Scripts as one step of one run sees them."""

    processes: Processes
    reach: Callable[[], Reach]
    guard: Callable[[], None]
    crash: Callable[[str], None]

    def run_script(
        self, name: str, args: Sequence[str], *, timeout: timedelta, env: Mapping[str, str]
    ) -> ProcessResult:
        """Run it; LeaseLost where another worker took the run meanwhile."""
        self.crash("before_effect")
        self.guard()
        reach = self.reach()
        result = self.processes.run_script(
            name, args, timeout=timeout, env=reach.environment(env), bar_hosts=reach.bar_hosts
        )
        self.crash("after_effect")
        return result


@dataclass(frozen=True)
class Unforeseen(Outcome):
    """An outcome that nobody foresaw: a person looks, whatever the step declares."""


@dataclass(frozen=True)
class Workshop:
    """Everything that steps are performed with."""

    steps: Mapping[str, Step]
    http: Http
    processes: Processes
    expressions: Expressions
    secrets: Secrets
    compile: Compile
    crash: Callable[[str], None]
    policies: Policies = dict
    """Those in force, by service."""

    def acts(self, action: ActionSpec) -> bool:
        """Whether the action may change the world outside."""
        step = self.steps.get(action.use)
        return step is None or step.acts(action.with_)

    def for_run(self, run: Run) -> Workshop:
        """The same tools, which reach no further than this run may, for what is measured outside its steps."""
        return replace(self, http=ReachedHttp(self.http, lambda: reach_of(run, self.policies())))

    def can_check(self, run: Run, step: StepState) -> bool:
        """Whether something can tell if the step's effect is there."""
        return run.check_of(step.id) is not None or isinstance(self.steps.get(step.use), Checkable)

    def fill(self, run: Run, action: ActionSpec) -> Filled:
        """What does the action, and the values that it is given. Raises what says why there are none."""
        step = self._step(action.use)
        filled = self.expressions.fill(dict(action.with_), step_facts(run), secrets=True)
        try:
            return step, step.Params.model_validate(filled)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            # Not `from error`: what was filled in may be a secret.
            raise StepFailed(f"{action.use}: {where}: {first['msg']}") from None

    def perform(self, filled: Filling, ctx: StepContext) -> Outcome:
        """Do the step once. Raises LeaseLost only; everything else is an outcome."""
        return self._guarded(filled, lambda step, params: step.perform(params, ctx))

    def check(self, run: Run, state: StepState, ctx: StepContext) -> Outcome:
        """Look whether its effect is there: by its declared check, else by its own."""
        declared = run.check_of(state.id)
        if declared is not None:
            return self.perform(partial(self.fill, run, declared), ctx)

        def look(step: Step, params: Any) -> Outcome:
            if not isinstance(step, Checkable):
                return Outcome.unknown(f"{step.name} cannot tell whether its effect is there")
            return step.check(params, ctx)

        return self._guarded(partial(self.fill, run, run.spec(state.id)), look)

    def _guarded(self, filled: Filling, do: Callable[[Step, Any], Outcome]) -> Outcome:
        try:
            return self._clean(do(*filled()))
        except LeaseLost:
            raise
        except TryLater as error:
            return Outcome.try_later(self.secrets.redact(str(error)), error.delay)
        except (StepFailed, Refused, BadInput, ConfigError) as error:
            return Outcome.failed(self.secrets.redact(str(error)))
        except AndonError as error:
            return Outcome.unknown(self.secrets.redact(str(error)))
        except Exception as error:
            text = self.secrets.redact(f"{type(error).__name__}: {error}")
            unknown = Outcome.unknown(f"the step broke in a way nobody foresaw ({text[:300]})")
            return Unforeseen(unknown.kind, error=unknown.error)

    def _step(self, name: str) -> Step:
        step = self.steps.get(name)
        if step is None:
            raise StepFailed(f"There is no step called {name!r}", why="it was there when the run was planned")
        return step

    def _clean(self, outcome: Outcome) -> Outcome:
        """Without secrets, whatever of it is written down or said."""
        redact, ask = self.secrets.redact, outcome.ask
        output = redact(json.dumps(outcome.output, default=str))
        return replace(
            outcome,
            output={"cut": True, "text": output[:MOST_OUTPUT]} if len(output) > MOST_OUTPUT else json.loads(output),
            error=redact(outcome.error)[:2000],
            state=json.loads(redact(json.dumps(outcome.state, default=str))),
            ask=replace(ask, question=redact(ask.question)) if ask else None,
            effects=tuple(self._clean_effect(effect) for effect in outcome.effects),
        )

    def _clean_effect(self, effect: Effect) -> Effect:
        match effect:
            case Freeze():
                return replace(effect, reason=self.secrets.redact(effect.reason))
            case Tell():
                return replace(effect, text=self.secrets.redact(effect.text))


def step_facts(run: Run) -> dict[str, Any]:
    """What a step's values may read: the run's facts and what earlier steps gave out. What cleans up after a drill
    reads what the steps gave out that it takes back."""
    return {
        **run.facts,
        "steps": dict(run.facts.get("steps", {}))
        | {step.id: {"output": dict(step.output), "status": str(step.status)} for step in run.steps},
    }


def context_for(
    workshop: Workshop,
    run: Run,
    state: StepState,
    lease: Lease,
    *,
    now: datetime,
    approval: Approval | None,
    guard: Callable[[], None],
) -> StepContext:
    """All that the step is given. The idempotency key is the same at every try and for every worker."""
    spec = run.spec(state.id)
    acts = workshop.acts(spec)
    crash = workshop.crash if acts else _nothing

    def reach() -> Reach:
        return reach_of(run, workshop.policies())

    return StepContext(
        run_id=run.id,
        step_id=state.id,
        service=run.service,
        environment=run.environment,
        fence=lease.fence,
        drill=is_rehearsal(run),
        undoing=state.undoes is not None,
        idempotency_key=f"{run.id}:{state.id}",
        now=now,
        first_started_at=state.started_at or now,
        timeout=spec.timeout,
        http=GuardedHttp(workshop.http, reach, spec.timeout, guard, crash, workshop.secrets.redact),
        processes=GuardedProcesses(workshop.processes, reach, guard, crash),
        compile=workshop.compile,
        facts=run.facts,
        state=state.state,
        approval=approval,
    )


def _nothing(point: str) -> None:
    """A read cannot be lost or doubled: no crash point is worth a test there."""
