"""How the statements of the measures are made and read: what they are narrowed to, and which tallies a row gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, case

from bot.domain.measures import Measured, Scope, Tally
from bot.domain.stages import STAGING


@dataclass(frozen=True)
class Part:
    """One tally of a row: a count, and times after it where it `is_timed`. No key: the row's."""

    of: Measured
    key: str | None = None
    is_timed: bool = False


@dataclass(frozen=True)
class Reading:
    """A statement whose rows are service, month and key, then for each part its count and its times."""

    parts: tuple[Part, ...]
    statement: Callable[[Scope], Executable]

    def read(self, rows: Sequence[Any]) -> Sequence[Tally]:
        """The tallies of its rows that count anything."""
        tallies: list[Tally] = []
        at = 3
        for part in self.parts:
            for row in rows:
                if row[at]:
                    key = part.key if part.key is not None else row[2]
                    times = _times(row[at + 1]) if part.is_timed else ()
                    tallies.append(Tally(row[0], row[1], part.of, key, int(row[at]), times))
            at += 2 if part.is_timed else 1
        return tallies


def _times(joined: str | None) -> Sequence[int]:
    """In no order: neither database promises one inside such a list."""
    return list(map(int, joined.split(","))) if joined else ()


def placed(scope: Scope, table: Any) -> list[ColumnElement[bool]]:
    """Conditions on the environment and the service of a row."""
    is_there = table.c.environment != STAGING if scope.environment is None else table.c.environment == scope.environment
    return [is_there, *owned(scope, table)]


def owned(scope: Scope, table: Any) -> list[ColumnElement[bool]]:
    """Conditions on the service of a row."""
    return [] if scope.services is None else [table.c.service.in_(sorted(scope.services))]


def within(scope: Scope, moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """In the period."""
    return and_(moment >= scope.period.start, moment < scope.period.end)


def flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """1 where it holds, else 0; also where it is not known."""
    return case((condition, 1), else_=0)
