"""Suites of reviewed inputs with what is expected of the answer, and how an answer is held against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.conditions import Compile, Truth
from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt
from bot.domain.strict_json import parse_json

MOST_CASES = 1_000
MOST_BYTES = 4 * 1024 * 1024
OPERATORS = ("equals", "between", "contains", "condition")
VARIABLES = ("value", "status")
"""What a `condition` of a case may read."""
_KEYS = frozenset({"name", "input", "expect", "tolerance"})


@dataclass(frozen=True)
class Case:
    """One reviewed input. `operator` is one of `OPERATORS`; `wanted` is what stands after it, plain JSON."""

    name: str
    input: Any
    operator: str
    wanted: Any
    tolerance: float = 0.0
    """How far a number may be from the one that is wanted."""

    @property
    def shown(self) -> Any:
        """What is expected, as it may be written in a suite."""
        return self.wanted if self.operator == "equals" else {self.operator: self.wanted}


@dataclass(frozen=True)
class Match:
    """Whether an answer is what was expected, and why not."""

    truth: Truth
    why: str = ""


def read_suite(content: bytes) -> tuple[Case, ...]:
    """A JSON list, or one object a line. BadInput names the case that cannot be read.

    `[{"name", "input", "expect": value | {"equals" | "between" | "contains" | "condition": …}, "tolerance"}]`
    """
    if len(content) > MOST_BYTES:
        raise BadInput("The suite is too long", why=f"{MOST_BYTES // 1024 // 1024} MB at most")
    if content.lstrip()[:1] == b"[":
        written = parse_json(content)
    else:
        written = [_line(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if len(written) > MOST_CASES:
        raise BadInput(f"The suite has {len(written)} cases", why=f"{MOST_CASES} at most")
    cases = tuple(_case(number, one) for number, one in enumerate(written, 1))
    names = [case.name for case in cases]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise BadInput(f"Two cases of the suite are called {doubled!r}", next="give each its own name")
    return cases


def held_against(case: Case, value: Any, status: int, compile_: Compile) -> Match:
    """Yes where the answer is as expected, no with the reason where it is not, unknown where that cannot be told."""
    if case.operator == "condition":
        return _by_condition(case, {"value": value, "status": status}, compile_)
    matches: Callable[[Any, Any, float], bool] = {"equals": _equals, "between": _is_between, "contains": _contains}[
        case.operator
    ]
    if matches(value, case.wanted, case.tolerance):
        return Match(Truth.YES)
    word = {"equals": "", "between": "between ", "contains": "something with "}[case.operator]
    return Match(Truth.NO, f"{word}{excerpt(_written(case.wanted), 120)} was expected")


def _line(number: int, line: bytes) -> Any:
    try:
        return parse_json(line)
    except BadInput as error:
        raise BadInput(f"Line {number} of the suite cannot be read", why=str(error)) from None


def _case(number: int, written: Any) -> Case:
    if not isinstance(written, dict) or "input" not in written or "expect" not in written:
        raise BadInput(f"Case {number} of the suite needs an `input` and what to `expect`")
    if unknown := sorted(set(written) - _KEYS):
        raise BadInput(f"Case {number} of the suite has a key that is not known: {excerpt(unknown[0], 40)}")
    name = written.get("name", f"case {number}")
    if not isinstance(name, str) or not name or len(name) > 120:
        raise BadInput(f"The name of case {number} of the suite is no text of 1 to 120 characters")
    operator, wanted = _expectation(written["expect"])
    tolerance = written.get("tolerance", 0)
    if not _is_number(tolerance) or tolerance < 0:
        raise BadInput(f"The tolerance of case {name!r} is no number from 0 up")
    if operator == "between" and not _is_span(wanted):
        raise BadInput(f"`between` of case {name!r} is not two numbers, the lower one first")
    if operator == "condition" and not isinstance(wanted, str):
        raise BadInput(f"`condition` of case {name!r} is no text")
    return Case(name, written["input"], operator, wanted, float(tolerance))


def _expectation(expect: Any) -> tuple[str, Any]:
    if isinstance(expect, dict) and len(expect) == 1 and (operator := next(iter(expect))) in OPERATORS:
        return operator, expect[operator]
    return "equals", expect


def _by_condition(case: Case, facts: Mapping[str, Any], compile_: Compile) -> Match:
    try:
        found = compile_(case.wanted, frozenset(VARIABLES)).judge(facts)
    except ValueError as error:
        return Match(Truth.UNKNOWN, str(error))
    why = {Truth.YES: "", Truth.NO: f"`{case.wanted}` does not hold"}
    return Match(found.truth, why.get(found.truth, f"`{case.wanted}` cannot be judged ({found.why})"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_span(wanted: Any) -> bool:
    return isinstance(wanted, list) and len(wanted) == 2 and all(map(_is_number, wanted)) and wanted[0] <= wanted[1]


def _equals(value: Any, wanted: Any, tolerance: float) -> bool:
    """The same JSON; numbers within the tolerance, wherever they stand. True is not 1."""
    if _is_number(value) and _is_number(wanted):
        # 1.1 is within 0.1 of 1, though the nearest doubles are not.
        return bool(abs(value - wanted) <= tolerance * (1 + 1e-9))
    if isinstance(value, list) and isinstance(wanted, list):
        pairs = zip(value, wanted, strict=False)
        return len(value) == len(wanted) and all(_equals(one, other, tolerance) for one, other in pairs)
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(_equals(value[key], wanted[key], tolerance) for key in wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _is_between(value: Any, span: Sequence[float], tolerance: float) -> bool:
    return _is_number(value) and span[0] - tolerance <= value <= span[1] + tolerance


def _contains(value: Any, wanted: Any, tolerance: float) -> bool:
    """A part of a text, a member of a list, or keys of an object with these values."""
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, list):
        return any(_equals(one, wanted, tolerance) for one in value)
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(key in value and _equals(value[key], wanted[key], tolerance) for key in wanted)
    return False


def _written(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)):
        return f"{value[0]:g} and {value[1]:g}"
    return str(value)
