"""Reads one metric out of a page in the Prometheus text format, or in OpenMetrics.

https://prometheus.io/docs/instrumenting/exposition_formats/. Names in quotes (UTF-8 names) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|(?=\}))')
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True)
class Sample:
    """One line: `at` is in seconds since the epoch, None where the page gives no time."""

    labels: Mapping[str, str]
    value: float
    at: float | None


def read_samples(page: str, metric: str, *, open_metrics: bool = False) -> Iterator[Sample]:
    """The samples of a metric, named as on the page (with `_total`, `_bucket`, …).

    ValueError names the line where one of them cannot be read. OpenMetrics gives times in seconds, and may add
    exemplars after `#`; the Prometheus format gives them in milliseconds.
    """
    for number, line in enumerate(page.splitlines(), 1):
        rest = line.lstrip().removeprefix(metric)
        if rest == line.lstrip() or rest[:1] not in (" ", "\t", "{"):
            continue
        try:
            yield _sample(rest.strip(), open_metrics=open_metrics)
        except ValueError as error:
            raise ValueError(f"line {number} of the page cannot be read: {error}") from None


def _sample(rest: str, *, open_metrics: bool) -> Sample:
    labels: dict[str, str] = {}
    if rest.startswith("{"):
        labels, rest = _labels(rest[1:])
    fields = rest.partition("#")[0].split() if open_metrics else rest.split()
    if not 1 <= len(fields) <= 2 or not all(_NUMBER.fullmatch(one) for one in fields):
        raise ValueError("a value and at most one time are needed")
    at = float(fields[1]) / (1 if open_metrics else 1000) if len(fields) == 2 else None
    return Sample(labels, float(fields[0]), at)


def _labels(rest: str) -> tuple[dict[str, str], str]:
    labels: dict[str, str] = {}
    position = 0
    while match := _LABEL.match(rest, position):
        if match[1] in labels:
            raise ValueError(f"label {match[1]} is given twice")
        labels[match[1]] = re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), match[2])
        position = match.end()
    closing = rest[position:].lstrip()
    if not closing.startswith("}"):
        raise ValueError("its labels make no sense")
    return labels, closing[1:]
