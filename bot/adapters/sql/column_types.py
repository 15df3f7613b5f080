"""Column types that carry domain values: moments, words of closed sets, keys, prose, JSON.

The busy ones hand their function to the database at once, without the two calls that the library puts around it: an
alert writes more than a hundred such values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Interval, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot.adapters.sql.stored_text import from_json, key_or_none, text_or_none, to_json
from bot.domain.decisions import Trace
from bot.domain.gates import Figure

KEY_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that identifiers sort by the time they were made."""
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; SQLite numbers rows by itself only in a column that is declared INTEGER."""


class _Moment(TypeDecorator[datetime]):
    """Aware UTC: TIMESTAMPTZ on PostgreSQL; on SQLite text that sorts, of the shape that its clock expression gives."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _moment_as_text if dialect.name == "sqlite" else _moment_in_utc

    def result_processor(self, dialect: Dialect, _kind: object) -> Callable[[Any], datetime | None]:
        return _moment_out_of_text if dialect.name == "sqlite" else _found_in_utc


def _moment_in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _moment_as_text(value: datetime | None) -> str | None:
    moment = _moment_in_utc(value)
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _moment_out_of_text(value: str | None) -> datetime | None:
    return None if value is None else _found_in_utc(datetime.fromisoformat(value))


def _found_in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class _Span(TypeDecorator[timedelta]):
    """A length of time that is added to the database's clock: an interval, or a modifier of SQLite's `strftime`."""

    impl = Interval
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Interval())

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return f"{value.total_seconds():+.6f} seconds"


class _Key(TypeDecorator[str]):
    """Identifiers, names and hostile keys in indexed columns."""

    impl = KEY_TEXT
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
        return key_or_none


class _Prose(TypeDecorator[str]):
    """Free text of any length that nothing is looked up by."""

    impl = Text
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
        return text_or_none


class _Choice(TypeDecorator[StrEnum]):
    """One word of a closed set, stored as it is written in YAML and JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def bind_processor(self, _dialect: Dialect) -> Callable[[StrEnum | None], str | None]:
        return _word_or_none

    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[str | None], StrEnum | None]:
        words = self.words
        return lambda value: None if value is None else words(value)


def _word_or_none(value: StrEnum | None) -> str | None:
    return None if value is None else str(value)


def _json_or_none(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else to_json(value)


class _Json(TypeDecorator[Mapping[str, Any]]):
    """A mapping of plain values as JSON text. Text on both databases, so that a digest of a row is the same on both."""

    impl = Text
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[Mapping[str, Any] | None], str | None]:
        return _json_or_none

    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[str | None], Any]:
        return lambda value: None if value is None else from_json(value)


class _Names(TypeDecorator[tuple[str, ...]]):
    """A short list of identifiers as JSON text."""

    impl = Text
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[Iterable[str] | None], str]:
        return lambda value: to_json(list(value)) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[str, ...]:
        return tuple(from_json(value)) if value and value != "[]" else ()


class _Traces(TypeDecorator[tuple[Trace, ...]]):
    """What each criterion said, as JSON rows of (criterion, truth, why)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Trace] | None, _dialect: Dialect) -> str:
        return to_json([(one.criterion, one.truth, one.why) for one in value]) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Trace, ...]:
        return tuple(Trace(*one) for one in from_json(value)) if value and value != "[]" else ()


class _Figures(TypeDecorator[tuple[Figure, ...]]):
    """The figures that a verdict rests on, as JSON objects."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Figure] | None, _dialect: Dialect) -> str:
        return to_json([one.as_json() for one in value]) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Figure, ...]:
        return tuple(_figure(one) for one in from_json(value)) if value and value != "[]" else ()


def _figure(found: Mapping[str, Any]) -> Figure:
    return Figure(**{"value": None, **found})


# One of each for all columns: a type remembers what it is on each database, and five hundred would remember the same.
MOMENT, SPAN, KEY, PROSE = _Moment(), _Span(), _Key(), _Prose()
JSON, NAMES, TRACES, FIGURES = _Json(), _Names(), _Traces(), _Figures()


@cache
def choice(words: type[StrEnum]) -> TypeDecorator[Any]:
    """One word of a closed set, stored as it is written in YAML and JSON."""
    return _Choice(words)
