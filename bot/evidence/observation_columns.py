"""Rows → columns of observations: each rule once for a row, and a quick proof that a whole column keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.evidence.observation_rows import Chunk, Row
from bot.evidence.set_aside import LineRefused, Reason, SetAside

LONGEST_KEY = 200
LONGEST_LIST = 4096
LARGEST_WHOLE = 2**63
FEW = 16
FIELDS = ("key", "incumbent", "candidate", "incumbent_ms", "candidate_ms", "error", "label", "slice", "at")

SIDES = ("incumbent", "candidate")

_TEXTS = {"incumbent_error", "candidate_error", "slices", "units"}
_SCALARS = {str, int, float, bool}


@dataclass
class Observations:
    """Columns of one length in the order of the lines; an empty column has nothing in any line.

    `incumbent` and `candidate` hold answers as they were sent, None where the line carries none.
    """

    keys: list[str] = field(default_factory=list)
    incumbent: list[Any] = field(default_factory=list)
    candidate: list[Any] = field(default_factory=list)
    incumbent_ms: list[float | None] = field(default_factory=list)
    candidate_ms: list[float | None] = field(default_factory=list)
    incumbent_error: list[str] = field(default_factory=list)
    candidate_error: list[str] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    slices: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    at: list[float | None] = field(default_factory=list)
    """When it happened by the sender's clock, seconds since 1970."""
    aside: SetAside = field(default_factory=SetAside)

    def __len__(self) -> int:
        return len(self.keys)

    def column(self, name: str, default: Any = None) -> Sequence[Any]:
        """A column at full length: an empty one becomes defaults."""
        return getattr(self, name) or [default] * len(self)

    def add(self, chunk: Chunk, unit: str) -> None:
        """Append what the rows of a chunk say; rows that break a rule are set aside with their line numbers."""
        self._add(chunk.rows, chunk.numbers, _columns(chunk.rows, unit, chunk.text), unit)

    def _add(self, rows: list[Row], numbers: list[int], columns: dict[str, list[Any]], unit: str) -> None:
        try:
            meant = _meant(columns)
        except LineRefused:
            if len(rows) > FEW:  # halved until the bad one stands among few: the others stay quick
                middle = len(rows) // 2
                for part in (slice(None, middle), slice(middle, None)):
                    parts = {name: column[part] for name, column in columns.items()}
                    self._add(rows[part], numbers[part], parts, unit)
                return
            rows = self._kept(rows, numbers, unit)
            columns = _columns(rows, unit, "")
            meant = _meaning(columns)
        if rows:
            self._extend(columns["key"], meant)

    def _kept(self, rows: list[Row], numbers: list[int], unit: str) -> list[Row]:
        kept = []
        for row, number in zip(rows, numbers, strict=True):
            reason = fault_of(row, unit)
            if reason is None:
                kept.append(row)
            else:
                self.aside.add(reason, number)
        return kept

    def _extend(self, keys: list[str], meant: dict[str, list[Any]]) -> None:
        before = len(self.keys)
        self.keys += keys
        for name, values in meant.items():
            column = getattr(self, name)
            default = "" if name in _TEXTS else None
            if values and not column:
                column += [default] * before
            if column or values:
                column += values or [default] * len(keys)


def _columns(rows: list[Row], unit: str, text: str) -> dict[str, list[Any]]:
    """Each field of the rows; [] for one whose name stands nowhere in the text (when there is one)."""

    def column(name: str) -> list[Any]:
        return [row.get(name) for row in rows] if not text or json.dumps(name, ensure_ascii=False) in text else []

    columns = {name: column(name) for name in FIELDS}
    columns["unit"] = column(unit) if unit else []
    return columns


def _meant(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The columns of observations, if every row surely keeps every rule.

    LineRefused says nothing of any one row: then each is asked by itself.
    """
    keys = columns["key"]
    if set(map(type, keys)) != {str} or not all(keys) or max(map(len, keys)) > LONGEST_KEY:
        raise LineRefused(Reason.KEY)
    for name in SIDES:
        _check_times(columns[f"{name}_ms"])
    answers = [columns[name] for name in ("incumbent", "candidate", "label")]
    for column in answers:
        _check_answers(column)
    said = [column for column in answers if column]
    if all(None in column for column in said) and not all(
        any(one is not None for one in row) for row in zip(*said, strict=True)
    ):
        raise LineRefused(Reason.EMPTY)
    return _meaning(columns)


def _meaning(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        "incumbent": columns["incumbent"],
        "candidate": columns["candidate"],
        "incumbent_ms": columns["incumbent_ms"],
        "candidate_ms": columns["candidate_ms"],
        "incumbent_error": [_error(one, "incumbent") for one in columns["error"]],
        "candidate_error": [_error(one, "candidate") for one in columns["error"]],
        "labels": columns["label"],
        "slices": [_slice(one) for one in columns["slice"]],
        "units": [_unit(one) for one in columns["unit"]],
        "at": [_moment(one) for one in columns["at"]],
    }


def _check_times(column: list[Any]) -> None:
    """Times of one side: all of them finite numbers of 0 or more, or absent."""
    kinds = set(map(type, column))
    if not kinds <= {int, float, type(None)}:
        raise LineRefused(Reason.TIME)
    present = column if type(None) not in kinds else [one for one in column if one is not None]
    # An infinity or NaN anywhere would be in the sum; an overflow of finite ones only costs the slow way.
    if present and not (min(present) >= 0 and max(present) < LARGEST_WHOLE and math.isfinite(sum(present))):
        raise LineRefused(Reason.TIME)


def _check_answers(column: list[Any]) -> None:
    kinds = set(map(type, column))
    if kinds <= {str, bool, type(None)}:
        return
    if kinds == {float}:
        if not math.isfinite(sum(column)):
            raise LineRefused(Reason.NOT_A_NUMBER)
        return
    for value in column:
        if value is not None:
            _check_answer(value)


def _check_answer(value: Any) -> None:
    if type(value) is list:
        if len(value) > LONGEST_LIST:
            raise LineRefused(Reason.ANSWER)
        for one in value:
            _check_scalar(one)
    else:
        _check_scalar(value)


def _check_scalar(value: Any) -> None:
    kind = type(value)
    if kind not in _SCALARS:
        raise LineRefused(Reason.ANSWER)
    if kind is int and abs(value) > LARGEST_WHOLE:
        raise LineRefused(Reason.TOO_LARGE)
    if kind is float and not math.isfinite(value):
        raise LineRefused(Reason.NOT_A_NUMBER)


def _check_time(value: Any) -> None:
    if value is not None and (type(value) not in {int, float} or not 0 <= value < LARGEST_WHOLE):
        raise LineRefused(Reason.TIME)


def _error(value: Any, side: str) -> str:
    """The error of a side, "" for none. Text alone is the candidate's."""
    if value is None:
        return ""
    if type(value) is dict:
        if not value.keys() <= {"incumbent", "candidate"}:
            raise LineRefused(Reason.ERROR)
        said = value.get(side)
    else:
        said = value if side == "candidate" or type(value) is not str else ""
    if said is None:
        return ""
    if type(said) is not str:
        raise LineRefused(Reason.ERROR)
    return said


def _slice(value: Any) -> str:
    """`country=DE,device=phone`: the parts in order of their names."""
    if value is None:
        return ""
    if type(value) is dict:
        parts = [*value, *value.values()]
        if any(type(part) is not str or "=" in part or "," in part for part in parts):
            raise LineRefused(Reason.SLICE)
        value = ",".join(f"{name}={value[name]}" for name in sorted(value))
    if type(value) is not str or len(value) > LONGEST_KEY:
        raise LineRefused(Reason.SLICE)
    return value


def _unit(value: Any) -> str:
    if value is None:
        return ""
    if type(value) not in {str, int} or len(str(value)) > LONGEST_KEY:
        raise LineRefused(Reason.UNIT)
    return str(value)


def _moment(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) in {int, float}:
        if not abs(value) < LARGEST_WHOLE:  # NaN included
            raise LineRefused(Reason.AT)
        return float(value)
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else value
        if type(moment) is datetime and moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise LineRefused(Reason.AT) from error
    raise LineRefused(Reason.AT)


def fault_of(row: Row, unit: str) -> Reason | None:
    """The first rule that a row breaks, or None."""
    key = row.get("key")
    if key is None:
        return Reason.NO_KEY
    if type(key) is not str or not 0 < len(key) <= LONGEST_KEY:
        return Reason.KEY
    answers = [value for value in (row.get("incumbent"), row.get("candidate"), row.get("label")) if value is not None]
    try:
        for value in answers:
            _check_answer(value)
        for side in SIDES:
            _check_time(row.get(f"{side}_ms"))
        errors = [_error(row.get("error"), side) for side in SIDES]
        _slice(row.get("slice"))
        _unit(row.get(unit) if unit else None)
        _moment(row.get("at"))
    except LineRefused as refused:
        return refused.reason
    return None if answers or any(errors) else Reason.EMPTY
