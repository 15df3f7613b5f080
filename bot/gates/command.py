"""The gate `command`: a reviewed script looks, and its exit code is the verdict."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StrictStr, model_validator

from bot.asking.script_words import Argument, Option, ScriptName, Variable, command_words, refuse_our_variables
from bot.domain.conditions import Compile
from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt, hidden
from bot.domain.fields import PositiveDuration
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.strict_json import parse_json, storable
from bot.gate_plugins import Fetched, FileField, GateContext, GateParams, Measured
from bot.plugins import ProcessResult

_FOLDER = "scripts"
_VERDICTS = {0: GateVerdict.PASS, 1: GateVerdict.FAIL, 3: GateVerdict.UNKNOWN}
_MOST_FIGURES = 50
_WORDS = ("threshold", "subject", "unit")
_NUMBERS = ("low", "high")


class CommandParams(GateParams):
    """`script` (a name in `scripts/`), `options` (name: value, or true), `args`, `env`, `timeout` (the gate's).

    Values of options and arguments are letters, digits and `_ . , : = @ / + % -`, and never start with `-`.
    """

    script: Annotated[ScriptName, FileField(_FOLDER)]
    options: Annotated[Mapping[Option, Argument | bool], Field(max_length=50)] = Field(default_factory=dict)
    args: Annotated[tuple[Argument, ...], Field(max_length=100)] = ()
    env: Annotated[Mapping[Variable, StrictStr], Field(max_length=50)] = Field(default_factory=dict)
    timeout: PositiveDuration | None = None

    @model_validator(mode="after")
    def _leaves_our_variables_alone(self) -> Self:
        refuse_our_variables(self.env)
        return self


class CommandGate:
    """Exit code 0 passes, 1 fails, 3 is unknown, and so is every other end, a deadline among them.

    The last line of the output may be a JSON object with `why` and `figures` (`name`, `value`, and `threshold`, `low`,
    `high`, `n`, `unit`, `subject`). One that cannot be read makes a pass unknown. The script is read by its pinned
    digest before and after it ran: one that changed is refused.
    """

    name: ClassVar[str] = "command"
    summary: ClassVar[str] = "A reviewed script that ends with 0 (pass), 1 (fail) or 3 (unknown)"
    Params: ClassVar[type[GateParams]] = CommandParams

    def title(self, params: CommandParams) -> str:
        """The script with its arguments; values of variables are left out, since they may be secrets."""
        return excerpt(_command_line(params), 160)

    def collect(self, params: CommandParams, ctx: GateContext) -> Measured:
        """Run it. `facts`: `exit_code` (null where it was stopped), `stdout`, `stderr`, `seconds`, `sha256`."""
        content = ctx.files.read(_FOLDER, params.script)
        timeout = min(params.timeout or ctx.timeout, ctx.timeout)
        env = {**params.env, **_told(ctx)}
        words = command_words(params.options, params.args)
        result = ctx.processes.run_script(params.script, words, timeout=timeout, env=env)
        if ctx.files.read(_FOLDER, params.script) != content:
            return Measured(query=_command_line(params), problem=f"scripts/{params.script} changed while it ran")
        secrets = sorted(params.env.values(), key=len, reverse=True)
        out, err = (storable(hidden(text, secrets)) for text in (result.stdout, result.stderr))
        facts = {
            "exit_code": result.exit_code,
            "stdout": out,
            "stderr": err,
            "seconds": result.seconds,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return Measured(facts, query=_command_line(params), fetched=_kept(params, result, out, err))

    def judge(self, params: CommandParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """What the exit code says, with what the script tells of it."""
        facts = measured.facts
        code = facts["exit_code"]
        details = {"exit_code": code, "sha256": facts["sha256"], "seconds": facts["seconds"]}
        tail = excerpt(facts["stderr"][-400:] or facts["stdout"][-400:], 400)
        if code is None:
            why = f"it was stopped after {facts['seconds']:.1f} s: {tail}".rstrip(": ")
            return Judgement.unknown(why, **details)
        if code not in _VERDICTS:
            ended = f"it was ended by signal {code - 128}" if 128 < code <= 192 else f"it ended with exit code {code}"
            return Judgement.unknown(f"{ended}, which is no verdict: {tail}".rstrip(": "), **details)
        verdict = _VERDICTS[code]
        try:
            why, figures = _report(facts["stdout"])
        except BadInput as error:
            if verdict is GateVerdict.PASS:
                return Judgement.unknown(f"it passes, but its report cannot be read: {error}", **details)
            why, figures = f"its report cannot be read: {error}", ()
        return Judgement(verdict, why or f"scripts/{params.script} says {verdict}", figures, details)


def _command_line(params: CommandParams) -> str:
    return " ".join([f"scripts/{params.script}", *command_words(params.options, params.args)])


def _told(ctx: GateContext) -> dict[str, str]:
    """What a script is told of the release it looks at."""
    told = {"SERVICE": ctx.service, "ENVIRONMENT": ctx.environment, "STAGE": ctx.stage}
    for variable, key in (("RELEASE", "id"), ("CANDIDATE", "candidate"), ("INCUMBENT", "incumbent")):
        told[variable] = str(ctx.release.get(key) or "")
    return {f"ANDON_{name}": value for name, value in told.items()}


def _kept(params: CommandParams, result: ProcessResult, out: str, err: str) -> tuple[Fetched, ...]:
    source = f"scripts/{params.script} (exit code {result.exit_code})"
    outputs = (("command.stdout", out), ("command.stderr", err))
    return tuple(Fetched(name, "text/plain", text.encode(), source) for name, text in outputs if text)


def _report(stdout: str) -> tuple[str, tuple[Figure, ...]]:
    """`why` and figures of the last line; plain words are the reason. BadInput where it is JSON that is no report."""
    last = next((line.strip() for line in reversed(stdout.splitlines()) if line.strip()), "")
    if not last.startswith("{"):
        return excerpt(last, 400), ()
    report = parse_json(last.encode())
    why, figures = report.get("why", ""), report.get("figures", [])
    if not isinstance(why, str) or not isinstance(figures, list) or len(figures) > _MOST_FIGURES:
        raise BadInput("`why` is text and `figures` a list", why=f"{_MOST_FIGURES} figures at most")
    return excerpt(why, 400), tuple(_figure(one) for one in figures)


def _figure(written: Any) -> Figure:
    if not isinstance(written, dict) or not isinstance(written.get("name"), str) or not written["name"]:
        raise BadInput("A figure is an object with a `name`")
    name = excerpt(written["name"], 120)
    n = written.get("n")
    if n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 0):
        raise BadInput(f"`n` of figure {name} is no count")
    words = {key: written[key] for key in _WORDS if key in written}
    if not all(isinstance(word, str) for word in words.values()):
        raise BadInput(f"{', '.join(_WORDS)} of figure {name} are text")
    shown = {key: excerpt(word, 120) for key, word in words.items()}
    low, high = (_number(name, written.get(key)) for key in _NUMBERS)
    return Figure(name, _number(name, written.get("value")), low=low, high=high, n=n, **shown)


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"Figure {name} has something else than a number in it")
    return float(value)
