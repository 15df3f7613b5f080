"""Calendar months in UTC, written `2026-06`: the slots in which the process is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from bot.domain.errors import BadInput

MOST_MONTHS = 60
USUAL_MONTHS = 6
"""How many are shown where nobody says from when: the present one is the last of them."""
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


@dataclass(frozen=True, order=True)
class Month:
    """One month of one year."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The month that a moment is in, by UTC."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def read(cls, text: str) -> Self:
        """`2026-06`; BadInput for anything else."""
        match = _MONTH.fullmatch(text)
        if match is None or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
            raise BadInput(f"{text[:20]!r} is no month", next="write it like 2026-06")
        return cls(int(match[1]), int(match[2]))

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    def plus(self, months: int) -> Self:
        """So many months later, or earlier."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return type(self)(year, number + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


@dataclass(frozen=True)
class Period:
    """Whole months, the first and the last included."""

    first: Month
    last: Month

    @classmethod
    def read(cls, first: str | None, last: str | None, now: datetime) -> Self:
        """From two words; what is left out ends with the present month and is USUAL_MONTHS long.

        BadInput where it ends before it begins, begins in the future, or is longer than MOST_MONTHS.
        """
        present = Month.of(now)
        given = Month.read(first) if first else None
        until = Month.read(last) if last else max(present, given) if given else present
        since = given or until.plus(1 - USUAL_MONTHS)
        if since > until:
            raise BadInput(f"The period ends in {until}, before it begins in {since}", next="swap the two months")
        if since > present:
            raise BadInput(f"{since} is still to come", next="nothing is recorded of the future")
        if since.plus(MOST_MONTHS - 1) < until:
            raise BadInput(f"{since} to {until} is longer than {MOST_MONTHS} months", next="ask for less at once")
        return cls(since, until)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return self.first.start

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.last.plus(1).start

    @property
    def months(self) -> tuple[Month, ...]:
        """All of them, oldest first."""
        count = (self.last.year - self.first.year) * 12 + self.last.number - self.first.number + 1
        return tuple(self.first.plus(number) for number in range(count))
