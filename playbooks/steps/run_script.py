"""The step `run_script`: run a reviewed script of the configuration, with arguments that cannot surprise it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator

from bot.asking.script_words import Argument, Option, ScriptName, Variable, command_words, refuse_our_variables
from bot.domain.conditions import Truth
from bot.domain.errors import Refused
from bot.domain.outcomes import Outcome
from bot.plugins import ByHand, ConditionField, ProcessResult, StepContext, StepParams
from playbooks.answers import excerpt, judge


def _checked_code(value: int) -> int:
    if not 0 <= value <= 255:
        raise ValueError("an exit code is between 0 and 255")
    return value


ExitCode = Annotated[StrictInt, AfterValidator(_checked_code)]


class ExpectExit(StepParams):
    """What its end must be: `exit_code` (0; one, or a list), and a `condition` over `exit_code` and `stdout`."""

    exit_code: ExitCode | Annotated[tuple[ExitCode, ...], Field(min_length=1)] = 0
    condition: Annotated[StrictStr, ConditionField(("exit_code", "stdout"))] | None = None

    def wants(self, code: int) -> bool:
        """Whether it is an expected exit code."""
        return code == self.exit_code if isinstance(self.exit_code, int) else code in self.exit_code


class RunScriptParams(StepParams):
    """`script` (a name in `scripts/`), `options` (name: value, or true), `args`, `env`, and what to `expect`.

    Values of options and arguments are letters, digits and `_ . , : = @ / + % -`, and never start with `-`: whatever
    a label says, it cannot become an option. Names of options are not templates.
    """

    script: ScriptName
    options: Annotated[Mapping[Option, Argument | bool], Field(max_length=50)] = Field(default_factory=dict)
    args: Annotated[tuple[Argument, ...], Field(max_length=100)] = ()
    env: Annotated[Mapping[Variable, StrictStr], Field(max_length=50)] = Field(default_factory=dict)
    expect: ExpectExit = ExpectExit()

    @model_validator(mode="after")
    def _leaves_our_variables_alone(self) -> Self:
        refuse_our_variables(self.env)
        return self

    @property
    def command(self) -> list[str]:
        """Options, then arguments, as they are handed over."""
        return command_words(self.options, self.args)


class RunScript:
    """Run a script without a shell. Gives out `exit_code`, `stdout`, `stderr` and `seconds`.

    Its variables ANDON_RUN, ANDON_STEP, ANDON_FENCE and ANDON_IDEMPOTENCY_KEY (in a drill also ANDON_DRILL=true) are
    what the headers of `http_request` are. Stopped at the step's timeout, or ended by a signal: unknown. It cannot be
    started, or ends with another exit code than expected: failed.
    """

    name: ClassVar[str] = "run_script"
    summary: ClassVar[str] = "Run a reviewed script of the configuration"
    Params: ClassVar[type[StepParams]] = RunScriptParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """A script may do anything."""
        return True

    def plan(self, params: RunScriptParams) -> Sequence[str]:
        """The command; values of variables are left out, since they may be secrets."""
        line = " ".join([f"Run scripts/{params.script}", *params.command])
        return [f"{line} with {', '.join(sorted(params.env))}" if params.env else line]

    def by_hand(self, params: RunScriptParams) -> Sequence[ByHand]:
        """The command, in the configuration folder."""
        codes = params.expect.exit_code
        code = str(codes) if isinstance(codes, int) else " or ".join(map(str, codes))
        more = f", and {params.expect.condition}" if params.expect.condition else ""
        expect = f"exit code {code}{more}"
        return [ByHand(script=params.script, words=params.command, variables=params.env, expect=expect)]

    def perform(self, params: RunScriptParams, ctx: StepContext) -> Outcome:
        """Run it."""
        env = {**params.env, **_marks(ctx)}
        try:
            result = ctx.processes.run_script(params.script, params.command, timeout=ctx.timeout, env=env)
        except Refused as refused:
            return Outcome.failed(str(refused))
        return _outcome(params, result, ctx)


def _outcome(params: RunScriptParams, result: ProcessResult, ctx: StepContext) -> Outcome:
    code = result.exit_code
    output: dict[str, Any] = {
        "exit_code": code,
        "stdout": result.stdout,
        "stderr": result.stderr,
        "seconds": result.seconds,
    }
    tail = excerpt(result.stderr[-400:], 400)
    if code is None:
        return Outcome.unknown(f"it was stopped after {result.seconds:.1f} s: {tail}".rstrip(": "), **output)
    if not params.expect.wants(code):
        # 128 + n: signal n ended it half-way, for example for want of memory.
        report = Outcome.unknown if 128 < code <= 192 else Outcome.failed
        return report(f"exit code {code} was not expected: {tail}".rstrip(": "), **output)
    if params.expect.condition is None:
        return Outcome.done(**output)
    facts = {"exit_code": code, "stdout": result.stdout}
    finding = judge(params.expect.condition, facts, ctx.compile)
    if finding.truth is Truth.YES:
        return Outcome.done(**output)
    if finding.truth is Truth.UNKNOWN:
        return Outcome.unknown(f"`{params.expect.condition}` cannot be judged ({finding.why})", **output)
    return Outcome.failed(f"`{params.expect.condition}` does not hold: {excerpt(result.stdout)}", **output)


def _marks(ctx: StepContext) -> dict[str, str]:
    marks = {
        "ANDON_RUN": ctx.run_id,
        "ANDON_STEP": ctx.step_id,
        "ANDON_FENCE": str(ctx.fence),
        "ANDON_IDEMPOTENCY_KEY": ctx.idempotency_key,
    }
    return {**marks, "ANDON_DRILL": "true"} if ctx.drill else marks
