"""What people may send about drills: one strict model for each, unknown keys refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictStr

from bot.domain.fields import Name
from bot.domain.report import Environment
from bot.web.order_bodies import Body, ReasonBody, SwitchBody


class DrillBody(SwitchBody):
    """Which drill to carry out now. Nothing is needed: without anything, the first of the policy's."""

    environment: Environment | None = None
    playbook: Name | None = None
    name: Annotated[StrictStr, Field(min_length=1, max_length=120)] | None = None
    """Of the failure, as the policy calls it."""
    surprise: StrictBool = False
    """Let chance pick; on a game day only."""


class RunDrillBody(SwitchBody):
    """Nothing is needed."""


class SkipDrillBody(ReasonBody):
    """Why it is left out."""


class MoveDrillBody(SwitchBody):
    """When it starts instead: an RFC 3339 time, or people's words such as `tomorrow 9:00`."""

    at: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    zone: Annotated[StrictStr, Field(max_length=64)] | None = None
    """The time zone of the words."""


DRILL_BODIES: tuple[type[Body], ...] = (DrillBody, RunDrillBody, SkipDrillBody, MoveDrillBody)
"""Every model, for the OpenAPI document."""
