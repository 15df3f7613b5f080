"""The gate `drill`: the way back was rehearsed not long ago, and it worked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from bot.domain.conditions import Compile
from bot.domain.errors import BadInput
from bot.domain.fields import Name, PositiveDuration
from bot.domain.gates import Figure, Judgement
from bot.domain.times import format_duration, parse_time
from bot.evidence.bounds import number_words
from bot.evidence.kept import listing, number
from bot.gate_plugins import GateContext, GateParams, Measured, PlaybookField

DAY = 86_400.0
_MOST_KEPT = 20


class DrillParams(GateParams):
    """`playbook` was drilled `within` so long, in `environment` where one is named, and passed the last time."""

    playbook: Annotated[Name, PlaybookField()]
    within: PositiveDuration
    environment: Name | None = None


class DrillGate:
    """The last finished drill of the playbook passed, and is not too old. No drill at all: unknown."""

    name: ClassVar[str] = "drill"
    summary: ClassVar[str] = "The playbook that takes the release back passed a drill recently"
    Params: ClassVar[type[GateParams]] = DrillParams

    def title(self, params: DrillParams) -> str:
        """`rollback_model drilled within 30d`."""
        return f"{params.playbook} drilled within {format_duration(params.within)}"

    def collect(self, params: DrillParams, ctx: GateContext) -> Measured:
        """The drills of this playbook: whether each passed, and how long ago."""
        found = [one for one in ctx.drills if one.get("playbook") == params.playbook]
        if params.environment is not None:
            found = [one for one in found if one.get("environment") == params.environment]
        return Measured({"drills": [_facts(one, ctx.now) for one in found[:_MOST_KEPT]], "all": len(ctx.drills)})

    def judge(self, params: DrillParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """The newest drill that ended decides."""
        drills = [one for one in listing(measured.facts.get("drills")) if isinstance(one, Mapping)]
        most = params.within.total_seconds() / DAY
        words = f"at most {number_words(most)} days"
        where = f" in {params.environment}" if params.environment else ""
        ended = [one for one in drills if _is_age(one.get("age_days"))]
        if not ended:
            figure = Figure("age of the last drill", None, words, subject=params.playbook, unit="days")
            return Judgement.unknown(f"{params.playbook} was never drilled{where}: drill it, then judge again", figure)
        last = min(ended, key=lambda one: float(one["age_days"]))
        age = float(last["age_days"])
        figure = Figure("age of the last drill", age, words, subject=params.playbook, unit="days")
        said = f"the last drill of {params.playbook}{where}, {number_words(age)} days ago,"
        details = {"drill": last.get("id")}
        if last.get("passed") is None:
            return Judgement.unknown(f"{said} does not say whether it passed", figure, **details)
        if last["passed"] is not True:
            return Judgement.failed(f"{said} did not pass", figure, **details)
        if age > most:
            return Judgement.failed(f"{said} passed, but {words} are wanted", figure, **details)
        return Judgement.passed(f"{said} passed", figure, **details)


def _facts(one: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    ended, passed = _time(one.get("ended_at")), one.get("passed")
    age = (now - ended).total_seconds() / DAY if ended is not None else None
    return {"id": str(one.get("id", "")), "passed": passed if isinstance(passed, bool) else None, "age_days": age}


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if not isinstance(value, str):
        return None
    try:
        return parse_time(value)
    except BadInput:
        return None


def _is_age(value: object) -> bool:
    """A drill that ended in the future is none."""
    age = number(value)
    return age is not None and age >= 0
