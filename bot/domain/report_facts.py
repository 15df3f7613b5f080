"""What a report says: its fields as people see them, and each as somebody said it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportField:
    """One field of the report as people see it: what it is called, and which role is asked for it."""

    label: str
    hint: str
    asks: str = "champion"


FIELDS: dict[str, ReportField] = {
    "component": ReportField("Component", "a pipeline, a feature, a flag"),
    "broken": ReportField("What is broken", "in one sentence"),
    "seen": ReportField("Where it was seen", "environment and data slice"),
    "metric": ReportField("Metric", "before, now, change in percent"),
    "confidence_interval": ReportField("Confidence interval", "low to high, and the acceptable threshold"),
    "suspected_cause": ReportField("Suspected cause", "what the evidence points to"),
    "user_effect": ReportField("Effect on users", "what users see"),
    "business_effect": ReportField("Effect on the business", "in figures where there are any"),
    "legal_effect": ReportField("Legal or regulatory effect", "none is an answer too"),
    "experiments": ReportField("Experiments affected", "which to pause or to mark invalid"),
    "reproduced": ReportField("Reproduced", "n of m times"),
    "confidence": ReportField("How sure, and why", "what would change your mind"),
    "evidence": ReportField("Evidence", "links"),
    "files": ReportField("Attached files", "kept with their digests"),
    "steps_taken": ReportField("Steps already taken", "in order"),
    "cost_of_delay": ReportField("Cost of the delay", "per day, where it is known"),
    "recommendation": ReportField("Recommendation", "what should happen next"),
    "estimate": ReportField("Estimate", "a range and a date"),
    "risk_of_not_halting": ReportField("Risk of not halting", "what happens if nothing is done"),
    "alternatives": ReportField("Alternatives considered", "and why each was put aside"),
}
"""In the order in which they are asked and told; each but `files` is a field of `Report`."""

WRITTEN = tuple(name for name in FIELDS if name != "files")
"""Those that people write; files are attached."""

ASKED_FOR = ("user_effect", "metric", "suspected_cause", "business_effect", "recommendation", "estimate")
"""What every notice would like to say: somebody is asked for these where nobody knows them."""


@dataclass(frozen=True)
class Fact:
    """One field as somebody, or an alert, said it. The newest one of a field counts; none is ever changed."""

    id: str
    incident_id: str
    field: str
    value: Any
    """Plain JSON; None where it is not known yet."""
    source: str
    """Where it comes from, for people: `said by U0LEAD`, `alert PredictionDivergence`, `release 42`."""
    at: datetime.datetime
    by: str | None = None
    revision: int = 1
    """The revision of the incident's facts from which on it counts."""
    asked: str | None = None
    """Who was asked for it, where it is not known yet."""

    @property
    def is_known(self) -> bool:
        """Somebody said it."""
        return self.value is not None


def newest(facts: tuple[Fact, ...] | list[Fact]) -> dict[str, Fact]:
    """The facts that count now, by field, in the order of FIELDS; `facts` are oldest first."""
    found = {fact.field: fact for fact in facts}
    return {name: found[name] for name in FIELDS if name in found}


def spoken(name: str, value: Any) -> str:
    """A field's value in one line of plain words."""
    if value is None:
        return "not known yet"
    teller = _TELLERS.get(name)
    if teller is not None and isinstance(value, dict):
        return teller(value)
    if name == "files" and isinstance(value, list):
        return "; ".join(_file(one) for one in value)
    if isinstance(value, list):
        return "; ".join(spoken_alternative(one) if isinstance(one, dict) else str(one) for one in value)
    return str(value)


def spoken_alternative(value: dict[str, Any]) -> str:
    """An alternative with the reason against it."""
    return f"{value.get('option', '')} (put aside: {value.get('why_not', '')})"


def _file(value: dict[str, Any]) -> str:
    return f"{value.get('name', '')} ({value.get('size', 0):,} bytes, sha256 {str(value.get('sha256', ''))[:12]})"


def _metric(value: dict[str, Any]) -> str:
    unit = f" {value['unit']}" if value.get("unit") else ""
    before, now = value.get("before"), value.get("now")
    moved = f" from {before:g}{unit} to {now:g}{unit}" if before is not None and now is not None else ""
    moved = moved or (
        f" is {now:g}{unit}" if now is not None else f" was {before:g}{unit}" if before is not None else ""
    )
    percent = value.get("change_percent")
    change = f" ({percent:+g} %)" if percent is not None else ""
    return f"{value.get('name', '')}{moved}{change}".strip()


def _interval(value: dict[str, Any]) -> str:
    level = f" at {value['level'] * 100:g} %" if value.get("level") else ""
    threshold = f"; acceptable: {value['threshold']:g}" if value.get("threshold") is not None else ""
    return f"{value.get('low', 0):g} to {value.get('high', 0):g}{level}{threshold}"


def _estimate(value: dict[str, Any]) -> str:
    low, high, date = value.get("low"), value.get("high"), value.get("date")
    span = f"{low} to {high}" if low and high else low or high or ""
    return " ".join(part for part in (str(span), f"(by {date})" if date else "") if part) or "not known yet"


_TELLERS = {
    "metric": _metric,
    "confidence_interval": _interval,
    "seen": lambda value: ", ".join(str(one) for one in (value.get("environment"), value.get("data_slice")) if one),
    "reproduced": lambda value: f"{value.get('times')} of {value.get('of')} times",
    "estimate": _estimate,
}
