"""Conditions in the Common Expression Language: compiled once with their names checked, judged without ever raising.

The language is https://github.com/google/cel-spec as the `cel` package implements it. An error is absorbed where
the rest of the expression decides (`error || true`, `error && false`); any other error makes the answer unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.conditions import Condition, Finding, Truth

MAX_TEXT = 2_000
MAX_ITEMS = 1_000
MAX_VALUES = 20_000
MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 32
MAX_MACROS = 5
MAX_NESTED_MACROS = 2

FUNCTIONS = (
    "size", "contains", "startsWith", "endsWith", "matches", "has", "all", "exists", "exists_one", "filter", "map",
    "int", "uint", "double", "string", "bytes", "type", "dyn", "timestamp", "duration",
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds", "getMilliseconds",
)  # fmt: skip
"""Every function that a condition may call; what CEL itself has, without what reads a clock or the world."""

_STRING = re.compile(
    r"""[rRbB]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"""(?:\\.|[^\\])*?\"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|//[^\n]*""",
    re.DOTALL,
)
_PATH = re.compile(r"(?<!\w)([A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)(\s*\()?")
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_LOOKS_LIKE_NAN = re.compile(r"\s*[+-]?nan\s*", re.IGNORECASE)
_Needed = dict[str, "_Needed | None"]
"""Names below a value that are read, each with what is read below it; None: all of it."""
_YES, _NO = Finding(Truth.YES), Finding(Truth.NO)


class _TooMuch(Exception):
    """The facts break a limit; the text says which."""


@dataclass(frozen=True)
class CelCondition:
    """A compiled condition; equal to another one with the same text and variables."""

    text: str
    variables: frozenset[str]
    _program: Any = field(repr=False, compare=False)
    _needed: _Needed = field(repr=False, compare=False)
    _makes_doubles: bool = field(repr=False, compare=False)

    def judge(self, facts: Mapping[str, Any]) -> Finding:
        """Yes, no, or unknown with a short reason. Never raises."""
        found, why = self._execute(facts)
        if why:
            return Finding(Truth.UNKNOWN, why)
        if found is True:
            return _YES
        if found is False:
            return _NO
        return Finding(Truth.UNKNOWN, f"it gives {_kind(found)}, not true or false")

    def value(self, facts: Mapping[str, Any]) -> Any:
        """The value of the expression, or None where it cannot be evaluated. Never raises."""
        found, why = self._execute(facts)
        return None if why else found

    def _execute(self, facts: Mapping[str, Any]) -> tuple[Any, str]:
        try:
            measure = _Measure(refuses_nan_text=self._makes_doubles)
            plain = measure.needed(facts, self._needed, 0)
            return _finite(self._program.execute(plain))
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a panic of the native library is no Exception
            return None, _why(error)


def compile_condition(text: str, variables: frozenset[str]) -> Condition:
    """A condition over these root variables; ValueError with one line where the text cannot be one.

    A text has at most 2,000 characters, five macros (`all`, `exists`, `map`, …), two of them inside each other.
    """
    import cel

    if len(text) > MAX_TEXT:
        raise ValueError(f"a condition has at most {MAX_TEXT:,} characters, this one {len(text):,}")
    try:
        program = cel.compile(text)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ValueError(_syntax(text, error)) from None
    references = program.references()
    bound = _bound_by_macros(text)
    used = [name for name in references["variables"] if name not in bound]
    _refuse_unknown(used, variables, "variable")
    _refuse_unknown([name for name in references["functions"] if name[0].isalpha()], FUNCTIONS, "function")
    return CelCondition(text, variables, program, _needed_of(text, used), "double" in references["functions"])


def _needed_of(text: str, roots: Sequence[str]) -> _Needed:
    """What the words of a condition can reach: an alert has many labels, and a condition mostly reads one."""
    bare = _STRING.sub(lambda match: '""'.ljust(len(match[0])), text)
    needed: _Needed = {}
    for match in _PATH.finditer(bare):
        root, *members = (part.strip() for part in match[1].split("."))
        if root in roots:
            # Before a bracket stands the name of a method.
            _need(needed, [root, *(members[:-1] if match[2] and members else members)])
    return needed


def _need(needed: _Needed, path: Sequence[str]) -> None:
    for name in path[:-1]:
        below = needed.setdefault(name, {})
        if below is None:
            return  # all of it is needed already
        needed = below
    needed[path[-1]] = None


def _bound_by_macros(text: str) -> set[str]:
    """Names that macros bind; ValueError where there are so many that hostile lists could make them slow."""
    bare = _STRING.sub(lambda match: '""'.ljust(len(match[0])), text)
    opened = {match.end(0) - 1: match[1] for match in _MACRO.finditer(bare)}
    if len(opened) > MAX_MACROS:
        raise ValueError(f"a condition has at most {MAX_MACROS} macros (all, exists, exists_one, map, filter)")
    depths = [_open_macros_at(bare, position) for position in opened]
    if depths and max(depths) > MAX_NESTED_MACROS:
        raise ValueError(f"macros may stand inside each other {MAX_NESTED_MACROS} deep at most")
    return set(opened.values())


def _open_macros_at(bare: str, position: int) -> int:
    """How many macros are open at the comma at `position`, that one included."""
    stack: list[bool] = []
    starts = {match.start(0) + match[0].index("(") for match in _MACRO.finditer(bare)}
    for index, character in enumerate(bare[:position]):
        if character == "(":
            stack.append(index in starts)
        elif character == ")" and stack:
            stack.pop()
    return sum(stack)


def _refuse_unknown(used: Sequence[str], known: Sequence[str] | frozenset[str], what: str) -> None:
    for name in used:
        if name not in known:
            allowed = ", ".join(sorted(known) if isinstance(known, frozenset) else known)
            raise ValueError(f"unknown {what} {name!r} in the condition; there are: {allowed}")


def _syntax(text: str, error: BaseException) -> str:
    found = re.search(r"<input>:\d+:(\d+): (?:Syntax error: )?([^\n|]+)", str(error))
    if not text.strip():
        return "a condition cannot be empty"
    if not found:
        return "this is not a condition in CEL"
    what = re.sub(r" expecting \{.*", "", found[2]).replace("'<EOF>'", "the end").strip()[:120]
    return f"this is not a condition in CEL: {what}, at character {found[1]}"


class _Measure:
    """Copies facts into plain values and stops where they are so large or so strange that judging is not safe."""

    def __init__(self, *, refuses_nan_text: bool) -> None:
        self._values = 0
        self._characters = 0
        # CEL says that NaN differs from everything, so `double("NaN") != 0.5` would be true: no data is no evidence.
        self._refuses_nan_text = refuses_nan_text

    def plain(self, value: Any, depth: int = 0) -> Any:
        """The value as CEL takes it."""
        self._values += 1
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            raise _TooMuch("the facts hold too many values")
        if value is None or isinstance(value, bool | int | datetime | timedelta):
            return value
        if isinstance(value, float):
            return self._number(value)
        if isinstance(value, str):
            return self._text(value)
        return self._collection(value, depth)

    def needed(self, value: Mapping[str, Any], names: _Needed, depth: int) -> dict[str, Any]:
        """Of a map only these names, as far as they are there: what nothing reads need not be copied."""
        if len(value) > MAX_ITEMS:
            raise _TooMuch(f"a list or map in the facts has more than {MAX_ITEMS:,} items")
        found: dict[str, Any] = {}
        for name, below in names.items():
            if name in value:
                inner = value[name]
                whole = below is None or not isinstance(inner, Mapping)
                found[name] = self.plain(inner, depth) if whole else self.needed(inner, below or {}, depth + 1)
        return found

    def _number(self, value: float) -> float:
        if math.isnan(value):
            raise _TooMuch("a value is not a number (NaN)")
        return value

    def _text(self, value: str) -> str:
        self._characters += len(value)
        if self._characters > MAX_CHARACTERS:
            raise _TooMuch("the facts hold too much text")
        if self._refuses_nan_text and _LOOKS_LIKE_NAN.fullmatch(value):
            raise _TooMuch("a value is not a number (NaN)")
        return str(value).encode("utf-8", "replace").decode("utf-8")

    def _collection(self, value: Any, depth: int) -> Any:
        if not isinstance(value, Mapping | list | tuple):
            raise _TooMuch(f"a fact is {type(value).__name__}, which conditions cannot read")
        if len(value) > MAX_ITEMS:
            raise _TooMuch(f"a list or map in the facts has more than {MAX_ITEMS:,} items")
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.plain(item, depth + 1) for key, item in value.items()}
        return [self.plain(item, depth + 1) for item in value]


def _finite(found: Any) -> tuple[Any, str]:
    if isinstance(found, float) and math.isnan(found):
        return None, "it gives NaN"
    return found, ""


def _kind(value: Any) -> str:
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a map", type(None): "null"}
    return names.get(type(value), "another kind of value")


def _why(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{str(error.args[0])[:80]!r} is absent" if error.args else "a name is absent"
    if isinstance(error, TypeError):
        return "it compares or combines kinds of values that do not fit"
    if undefined := re.match(r"Undefined variable or function: ('\w+')", str(error)):
        return f"{undefined[1]} is absent"
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, _TooMuch):
        return str(error)
    return f"it cannot be evaluated: {(str(error).splitlines() or ['?'])[0][:120]}"
