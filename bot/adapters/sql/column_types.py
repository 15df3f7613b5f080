"""Column types that carry domain values: moments, words of closed sets, keys, prose, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
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


class Moment(TypeDecorator[datetime]):
    """Aware UTC: TIMESTAMPTZ on PostgreSQL; on SQLite text that sorts, of the shape that its clock expression gives."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return moment.astimezone(UTC)


class Span(TypeDecorator[timedelta]):
    """A length of time that is added to the database's clock: an interval, or a modifier of SQLite's `strftime`."""

    impl = Interval
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Interval())

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return f"{value.total_seconds():+.6f} seconds"


class Key(TypeDecorator[str]):
    """Identifiers, names and hostile keys in indexed columns."""

    impl = KEY_TEXT
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
        return key_or_none  # without the two calls around it: an alert has more than a hundred such values


class Prose(TypeDecorator[str]):
    """Free text of any length that nothing is looked up by."""

    impl = Text
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
        return text_or_none


class Choice(TypeDecorator[StrEnum]):
    """One word of a closed set, stored as it is written in YAML and JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, _dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


class Json(TypeDecorator[Mapping[str, Any]]):
    """A mapping of plain values as JSON text. Text on both databases, so that a digest of a row is the same on both."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, _dialect: Dialect) -> str | None:
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else from_json(value)


class Names(TypeDecorator[tuple[str, ...]]):
    """A short list of identifiers as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, _dialect: Dialect) -> str:
        return to_json(list(value)) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[str, ...]:
        return tuple(from_json(value)) if value and value != "[]" else ()


class Traces(TypeDecorator[tuple[Trace, ...]]):
    """What each criterion said, as JSON rows of (criterion, truth, why)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Trace] | None, _dialect: Dialect) -> str:
        return to_json([(one.criterion, one.truth, one.why) for one in value]) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Trace, ...]:
        return tuple(Trace(*one) for one in from_json(value)) if value and value != "[]" else ()


class Figures(TypeDecorator[tuple[Figure, ...]]):
    """The figures that a verdict rests on, as JSON objects."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Figure] | None, _dialect: Dialect) -> str:
        return to_json([one.as_json() for one in value]) if value else "[]"

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Figure, ...]:
        return tuple(_figure(one) for one in from_json(value)) if value and value != "[]" else ()


def _figure(found: Mapping[str, Any]) -> Figure:
    return Figure(**{"value": None, **found})
