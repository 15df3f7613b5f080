"""Reads a field of the halt report as people write it: the other direction of `spoken`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from bot.domain.errors import BadInput
from bot.domain.figures_in_words import read_metric
from bot.domain.report import Report
from bot.domain.report_facts import FIELDS

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_INTERVAL = re.compile(rf"[\[(]?\s*({_NUMBER})\s*%?\s*(?:to|and|\.\.|…|–|,|;|-)\s*({_NUMBER})\s*%?\s*[\])]?")
_LEVEL = re.compile(rf"(?:at|with|,|\()?\s*({_NUMBER})\s*%\s*(?:confidence|ci|level)?", re.IGNORECASE)
_THRESHOLD = re.compile(rf"(?:acceptable|threshold|limit|tolerance)\D{{0,12}}({_NUMBER})", re.IGNORECASE)
_REPRODUCED = re.compile(r"\D*(\d{1,6})\s*(?:of|out of|/|in)\s*(\d{1,6})\D*", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)\s*(?P<low_unit>[a-z]+)?\s*(?:to|-|–|or|…)?\s*"
    r"(?:(?P<high>\d+(?:\.\d+)?)\s*(?P<high_unit>[a-z]+))?",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+)?[smhd])+(?!\w)")
"""Durations as the house writes them."""

_LINK = re.compile(r"https?://[^\s<>,;]+")
_PUT_ASIDE = re.compile(
    r"(?P<option>.+?)\s*(?:\(put aside:\s*(?P<aside>.+?)\)|:\s+(?P<why>.+)|\s[-–—]\s(?P<dash>.+))\s*"
)
_UNITS = {"minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read_field(name: str, text: str) -> Any:
    """The field in its type, as plain JSON. BadInput with an example where it cannot be read."""
    reader = _READERS.get(name)
    value = reader(text.strip()) if reader else text.strip()
    try:
        return Report.model_validate({name: value}).fields().get(name)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{FIELDS[name].label} cannot be read", why=first["msg"].removeprefix("Value error, ")) from None


def _seen(text: str) -> dict[str, str]:
    first, comma, rest = text.partition(",")
    if not comma:
        return {"environment": text} if _ENVIRONMENT.fullmatch(text) else {"data_slice": text}
    return {"environment": first.strip(), "data_slice": rest.strip()}


def _metric(text: str) -> dict[str, Any]:
    return read_metric(text).as_metric()


def _interval(text: str) -> dict[str, float]:
    found = _INTERVAL.search(text)
    if not found:
        raise BadInput("The interval cannot be read", next="write it like 0.76 to 0.80 at 95 %; acceptable: 0.90")
    values = {"low": float(found[1]), "high": float(found[2])}
    rest = text[: found.start()] + text[found.end() :]
    threshold = _THRESHOLD.search(rest)
    if threshold:
        values["threshold"] = float(threshold[1])
        rest = rest[: threshold.start()] + rest[threshold.end() :]
    level = _LEVEL.search(rest)
    if level:
        values["level"] = float(level[1]) / 100
    return values


def _reproduced(text: str) -> dict[str, int]:
    found = _REPRODUCED.fullmatch(text)
    if not found:
        raise BadInput("How often it was reproduced cannot be read", next="write it like 3 of 5")
    return {"times": int(found[1]), "of": int(found[2])}


def _estimate(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    date = _DATE.search(text)
    if date:
        values["date"] = date[0]
        text = text[: date.start()] + text[date.end() :]
    written = _WRITTEN.findall(text)
    span = None if written else _SPAN.search(text)
    values |= dict(zip(("low", "high"), written, strict=False))
    if span:
        low_unit, high_unit = span["low_unit"], span["high_unit"]
        is_range = span["high"] is not None
        values["low"] = _duration(span["low"], low_unit if low_unit not in (None, "to", "or") else high_unit)
        if is_range:
            values["high"] = _duration(span["high"], high_unit)
    if not values:
        raise BadInput("The estimate cannot be read", next="write a range and a date, like 2h to 1d, by 2026-12-01")
    return values


def _duration(number: str, unit: str | None) -> str:
    word = (unit or "").lower()
    short = word if word in ("m", "h", "d", "s") else _UNITS.get(word.removesuffix("s"))
    if short is None:
        raise BadInput("The estimate cannot be read", next="write it like 30m, 2h or 3d")
    return f"{float(number) * 7:g}d" if short == "w" else f"{number}{short}"


def _links(text: str) -> list[str]:
    found = _LINK.findall(text)
    if not found:
        raise BadInput("There is no link in it", next="paste addresses that begin with https://")
    return [one.rstrip(".)]") for one in found]


def _lines(text: str) -> list[str]:
    parts = text.splitlines() if "\n" in text else text.split(";")
    return [line for line in (part.strip().lstrip("-*• ").strip() for part in parts) if line]


def _alternatives(text: str) -> list[dict[str, str]]:
    found = []
    for line in _lines(text):
        parts = _PUT_ASIDE.fullmatch(line)
        if not parts:
            raise BadInput(f"{line[:60]!r} does not say why it was put aside", next="write option: why not")
        found.append({"option": parts["option"], "why_not": parts["aside"] or parts["why"] or parts["dash"]})
    return found


_READERS: Mapping[str, Callable[[str], Any]] = {
    "seen": _seen,
    "metric": _metric,
    "confidence_interval": _interval,
    "reproduced": _reproduced,
    "estimate": _estimate,
    "evidence": _links,
    "experiments": _lines,
    "steps_taken": _lines,
    "alternatives": _alternatives,
}
