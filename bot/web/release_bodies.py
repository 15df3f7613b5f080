"""What people may send about releases: one strict model for each, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictStr

from bot.domain.fields import Name
from bot.domain.walks import ReleaseKind
from bot.web.order_bodies import Body, ReasonBody, SwitchBody

_Version = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=r"^\S+$")]


class ReleaseBody(SwitchBody):
    """A candidate with its manifest. Without an incumbent, the version that was endorsed last."""

    service: Name
    candidate: _Version
    incumbent: _Version | None = None
    manifest: dict[str, Any] = Field(default_factory=dict)
    """See the page on releases."""
    kind: ReleaseKind = Field(default=ReleaseKind.STANDARD, strict=False)
    author: Annotated[StrictStr, Field(max_length=200)] | None = None


class SignBody(SwitchBody):
    """Either an item of the readiness checklist or the brief of an audience; `reason` is a note."""

    item: Annotated[StrictStr, Field(min_length=1, max_length=150)] | None = None
    brief: Annotated[StrictStr, Field(min_length=1, max_length=150)] | None = None
    role: Name | None = None
    """The role in which it is signed."""


class PromoteBody(SwitchBody):
    """Nothing is needed: the gates decide."""


class SecondBody(SwitchBody):
    """Nothing is needed."""


class AbandonBody(ReasonBody):
    """Why it is given up."""


class RetrospectiveBody(ReasonBody):
    """What was learned, or a link to it."""


RELEASE_BODIES: tuple[type[Body], ...] = (
    ReleaseBody,
    SignBody,
    PromoteBody,
    SecondBody,
    AbandonBody,
    RetrospectiveBody,
)
"""Every model, for the OpenAPI document."""
