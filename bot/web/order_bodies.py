"""What people may send with an order: one strict model for each, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictStr

from bot.domain.fields import Duration, Name, Part
from bot.domain.report import Environment, HaltReport, Reason, Sentence


class Body(Part):
    """What a request may hold."""

    def given(self, *apart: str) -> dict[str, Any]:
        """What was really sent, as plain JSON values, without the fields named `apart`."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=set(apart))


class HaltBody(HaltReport, Body):
    """A halt report. Only `reason` is needed; what is left out is asked for later, never guessed."""


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
