"""Whether a piece of evidence can be read at all, asked when it comes in rather than when a gate needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.domain.errors import AndonError, BadInput, ConfigError
from bot.domain.strict_json import parse_json
from bot.evidence.extra import need_stats
from bot.evidence.kinds import LIMITS, Kind, Limits, kind_of, unpacked_json
from bot.evidence.measuring import evidence_of
from bot.evidence.rows import read_rows
from bot.evidence.schema_forms import read_schema


class _Enough(Exception):
    """The time for looking is over."""


def check_readable(
    raw: bytes, *, name: str, media: str, is_over: Callable[[], bool] = lambda: False, limits: Limits = LIMITS
) -> bool:
    """BadInput, with the line where there is one, for what no gate could read; else whether all of it was looked at.

    A JSON object is figures, a schema, or an answer of Prometheus; all else is rows. Rows that take longer than until
    `is_over` are good as far as they were read: gates look at all of them.
    """

    def watch() -> None:
        if is_over():
            raise _Enough

    kind = kind_of(name=name, content_type=media, raw=raw)
    watched = replace(limits, watch=watch)
    try:
        _read(raw, kind, name, watched)
    except _Enough:
        return False
    except BadInput as error:
        told = error.next or "write null where there is no value, mend the place and push it again"
        raise BadInput(error.what, why=error.why, next=f"{told}; nothing was kept") from error
    return True


def _read(raw: bytes, kind: Kind, name: str, limits: Limits) -> None:
    if kind is Kind.PARQUET:
        _need_parquet()
    if kind is not Kind.JSON:
        read_rows(raw, kind, limits)
        return
    value = parse_json(unpacked_json(raw, limits))
    try:
        evidence_of(value, limits, name)
    except BadInput:
        if not _is_schema(value):
            raise


def _need_parquet() -> None:
    try:
        need_stats("pyarrow")
    except ConfigError as error:
        raise BadInput(
            "Parquet cannot be read here", why=error.why, next=f"{error.next}, or push NDJSON or CSV"
        ) from error


def _is_schema(value: Any) -> bool:
    try:
        read_schema(value)
    except AndonError:
        return False
    return True
