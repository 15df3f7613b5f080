"""The form of the halt report on a page: flat fields of text in, the typed report out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bot.domain.errors import BadInput
from bot.domain.report import Report
from bot.domain.report_facts import FIELDS, WRITTEN

Form = Mapping[str, str]

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "metric": ("before", "now", "change_percent"),
    "confidence_interval": ("low", "high", "level", "threshold"),
    "reproduced": ("times", "of"),
}
WORDS: Mapping[str, tuple[str, ...]] = {
    "seen": ("environment", "data_slice"),
    "metric": ("name", "unit"),
    "estimate": ("low", "high", "date"),
}
"""Fields with parts: each part is an input of its own, called `metric.before`."""

LISTS = ("experiments", "evidence", "steps_taken")
"""One entry a line."""


def report_of(form: Form) -> dict[str, Any]:
    """What was filled in, as plain JSON values by field, nothing of an empty form; BadInput says which does not fit."""
    said = {name: value for name in WRITTEN if (value := _field(name, form)) not in (None, "", [], {})}
    try:
        return Report.model_validate(said).fields()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        label = FIELDS[name].label if name in FIELDS else "The report"
        where = ".".join(str(part)[:40] for part in first["loc"][1:])
        raise BadInput(
            f"{label} cannot be read{f' ({where})' if where else ''}",
            why=first["msg"].removeprefix("Value error, "),
            next="go back and write it like the hint says",
        ) from None


def _field(name: str, form: Form) -> Any:
    if name in NUMBERS or name in WORDS:
        numbers = {part: _number(name, part, form) for part in NUMBERS.get(name, ())}
        words = {part: form.get(f"{name}.{part}", "").strip() for part in WORDS.get(name, ())}
        return {part: value for part, value in {**words, **numbers}.items() if value not in (None, "")}
    text = form.get(name, "").strip()
    if name in LISTS:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if name == "alternatives":
        return [_alternative(line) for line in text.splitlines() if line.strip()]
    return text


def _number(name: str, part: str, form: Form) -> float | int | None:
    text = form.get(f"{name}.{part}", "").strip().removesuffix("%").strip().replace(",", ".")
    if not text:
        return None
    try:
        number = int(text) if name == "reproduced" else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadInput(f"{FIELDS[name].label}: {part.replace('_', ' ')} is no figure", next="write it like 0.73")
    return number


def _alternative(line: str) -> dict[str, str]:
    option, break_, why_not = line.partition("|")
    if not break_ or not option.strip() or not why_not.strip():
        raise BadInput(
            "An alternative is written with the reason against it", next="one a line: the option | why it was put aside"
        )
    return {"option": option.strip(), "why_not": why_not.strip()}
