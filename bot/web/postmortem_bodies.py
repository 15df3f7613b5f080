"""What people may send about a postmortem: the same models as at the front door, strict."""

from __future__ import annotations

from bot.flow.postmortem_details import CommentDetails, EditDetails, LessonDetails, SignDetails
from bot.web.order_bodies import Body


class SectionBody(EditDetails, Body):
    """What is written into a section from now on; an empty text takes away what was there."""


class CommentBody(CommentDetails, Body):
    """What somebody says about the account, or about one section of it."""


class LessonBody(LessonDetails, Body):
    """What was learned, with a unified diff of policies and playbooks where a change follows."""


class SignOffBody(SignDetails, Body):
    """For which role; without one, for the first that the signer holds and that has not signed."""


POSTMORTEM_BODIES: tuple[type[Body], ...] = (SectionBody, CommentBody, LessonBody, SignOffBody)
"""Every model, for the OpenAPI document."""
