"""The halt report: what is asked of whoever halts, as typed fields that any form, command or API call fills in."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictStr

from bot.domain.fields import Duration, Name, Part
from bot.domain.incidents import Severity
from bot.domain.report_facts import FIELDS

Sentence = Annotated[StrictStr, Field(max_length=4000)]


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("say why, in a few words")
    return value.strip()


Reason = Annotated[StrictStr, Field(max_length=4000), AfterValidator(_said)]
Link = Annotated[StrictStr, Field(max_length=2000, pattern=r"^https?://\S+$")]
Environment = Annotated[Name, Field(examples=["production"])]


class MetricChange(Part):
    """A figure before and now."""

    name: Sentence
    before: float | None = None
    now: float | None = None
    change_percent: float | None = None
    unit: Sentence | None = None


class ConfidenceInterval(Part):
    low: float
    high: float
    level: float | None = Field(default=None, gt=0, lt=1)
    threshold: float | None = None
    """What would be acceptable."""


class Seen(Part):
    """Where it was seen."""

    environment: Sentence | None = None
    data_slice: Sentence | None = None


class Reproduced(Part):
    times: int = Field(ge=0)
    of: int = Field(ge=1)


class Estimate(Part):
    """A range and a date, never a single figure."""

    low: Duration | None = None
    high: Duration | None = None
    date: datetime.date | None = Field(default=None, strict=False)


class Alternative(Part):
    """An option that was considered and put aside."""

    option: Sentence
    why_not: Sentence


class Report(Part):
    """Every field of a halt report. What is left out is asked for, never guessed."""

    component: Sentence | None = None
    broken: Sentence | None = None
    seen: Seen | None = None
    metric: MetricChange | None = None
    confidence_interval: ConfidenceInterval | None = None
    suspected_cause: Sentence | None = None
    user_effect: Sentence | None = None
    business_effect: Sentence | None = None
    legal_effect: Sentence | None = None
    experiments: tuple[Sentence, ...] | None = Field(default=None, max_length=50, strict=False)
    reproduced: Reproduced | None = None
    confidence: Sentence | None = None
    """How sure, and why."""
    evidence: tuple[Link, ...] | None = Field(default=None, max_length=50, strict=False)
    steps_taken: tuple[Sentence, ...] | None = Field(default=None, max_length=50, strict=False)
    cost_of_delay: Sentence | None = None
    recommendation: Sentence | None = None
    estimate: Estimate | None = None
    risk_of_not_halting: Sentence | None = None
    alternatives: tuple[Alternative, ...] | None = Field(default=None, max_length=20, strict=False)

    def fields(self) -> dict[str, Any]:
        """What was really said, as plain JSON values by field."""
        said = self.model_dump(mode="json", exclude_unset=True, include=set(FIELDS))
        return {name: value for name, value in said.items() if value not in (None, "", [], {})}


class HaltReport(Report):
    """A halt with its report. Only `reason` is needed."""

    reason: Reason
    environment: Environment | None = None
    severity: Severity | None = Field(default=None, strict=False)
