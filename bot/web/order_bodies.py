"""What people may send with an order: one strict model for each, unknown keys refused."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr

from bot.domain.fields import Duration, Name
from bot.domain.incidents import Severity

Sentence = Annotated[StrictStr, Field(max_length=4000)]


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("say why, in a few words")
    return value.strip()


Reason = Annotated[StrictStr, Field(max_length=4000), AfterValidator(_said)]
Link = Annotated[StrictStr, Field(max_length=2000, pattern=r"^https?://\S+$")]
Environment = Annotated[Name, Field(examples=["production"])]


class Body(BaseModel):
    """Strict and frozen; texts are kept as they were written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    def given(self, *apart: str) -> dict[str, Any]:
        """What was really sent, as plain JSON values, without the fields named `apart`."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=set(apart))


class MetricChange(Body):
    """A figure before and now."""

    name: Sentence
    before: float | None = None
    now: float | None = None
    change_percent: float | None = None
    unit: Sentence | None = None


class ConfidenceInterval(Body):
    low: float
    high: float
    level: float | None = Field(default=None, gt=0, lt=1)
    threshold: float | None = None
    """What would be acceptable."""


class Seen(Body):
    """Where it was seen."""

    environment: Sentence | None = None
    data_slice: Sentence | None = None


class Reproduced(Body):
    times: int = Field(ge=0)
    of: int = Field(ge=1)


class Estimate(Body):
    """A range and a date, never a single figure."""

    low: Duration | None = None
    high: Duration | None = None
    date: datetime.date | None = Field(default=None, strict=False)


class Alternative(Body):
    """An option that was considered and put aside."""

    option: Sentence
    why_not: Sentence


class HaltBody(Body):
    """A halt report. Only `reason` is needed; what is left out is asked for later, never guessed."""

    reason: Reason
    environment: Environment | None = None
    component: Sentence | None = None
    severity: Severity | None = Field(default=None, strict=False)
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


class ReasonBody(Body):
    """Why."""

    reason: Reason


class SwitchBody(Body):
    """An order that needs no explanation: what it was for can be said later."""

    reason: Sentence = ""


class LiftBody(SwitchBody):
    """Why the halt ends."""

    environment: Environment | None = None


class HandsOffBody(SwitchBody):
    """For how long automation is paused, and why. `0s` ends a pause."""

    for_: Duration = Field(alias="for", strict=False)


class RollbackBody(ReasonBody):
    """What to roll back. Without `playbook`, the one of the first rollback criterion."""

    environment: Environment | None = None
    playbook: Name | None = None


class AutomationBody(SwitchBody):
    """The switch for everything."""

    on: bool


class PlanBody(Body):
    """The plan that was shown, so that the answer holds for nothing else."""

    plan_hash: Annotated[StrictStr, Field(min_length=1, max_length=128)]
    reason: Sentence | None = None


class RunBody(Body):
    """`plan_hash` is optional for orders that answer no question."""

    plan_hash: Annotated[StrictStr, Field(min_length=1, max_length=128)] | None = None
    reason: Sentence | None = None


class NoBody(Body):
    """Nothing."""


BODIES: tuple[type[Body], ...] = (
    HaltBody,
    LiftBody,
    ReasonBody,
    HandsOffBody,
    RollbackBody,
    AutomationBody,
    PlanBody,
    RunBody,
    NoBody,
)
"""Every model, for the OpenAPI document."""
