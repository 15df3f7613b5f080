"""What people may send about an incident's words and meeting: the same models as at the front door, strict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from bot.domain.incidents import Severity
from bot.domain.report import Environment, Report, Sentence
from bot.flow.meeting_orders import ProposeDetails
from bot.flow.minute_details import (
    ActionDetails,
    AmendDetails,
    AnswerDetails,
    DecideDetails,
    FinishDetails,
    QuestionDetails,
    ReassignDetails,
    SnoozeDetails,
    Text,
)
from bot.web.order_bodies import Body

Person = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class DecisionBody(DecideDetails, Body):
    """What was decided, out of which options, why and by whom. Only `text` is needed."""


class ActionItemBody(ActionDetails, Body):
    """What is to be done, by whom, until when: `due_at` as RFC 3339, or `due_text` in people's words."""


class QuestionBody(QuestionDetails, Body):
    """What is asked, and who is to answer."""


class UpdateBody(Body):
    """What everybody is to know now. `anyway` sends words that the wording check advises against."""

    text: Text
    anyway: bool = False


class ReportBody(Report, Body):
    """Fields of the halt report; what is left out stays as it was."""

    reason: Sentence | None = None
    environment: Environment | None = None
    severity: Severity | None = Field(default=None, strict=False)


class MeetingBody(ProposeDetails, Body):
    """Propose (or move) the meeting, start it, end it, or call it off. Only a proposal has a time and invitees."""

    action: Literal["propose", "start", "end", "cancel"] = "propose"


class TakeBody(Body):
    """Why, if there is anything to say."""

    reason: Sentence = ""


class HandoverBody(Body):
    """To whom it is offered: an id, a mail address or a name of the policy."""

    to: Person
    reason: Sentence = ""


class AnswerBody(AnswerDetails, Body):
    """The answer to a question."""


class FinishBody(FinishDetails, Body):
    """What came of it, if there is anything to say."""


class SnoozeBody(SnoozeDetails, Body):
    """Until when nobody is reminded: either `until` or `for`."""


class ReassignBody(ReassignDetails, Body):
    """Who does it from now on."""


class AmendBody(AmendDetails, Body):
    """What is said anew; the history keeps what was said before."""


class WithdrawBody(Body):
    """Why it is taken back."""

    reason: Sentence = ""


PEOPLE_BODIES: tuple[type[Body], ...] = (
    DecisionBody,
    ActionItemBody,
    QuestionBody,
    UpdateBody,
    ReportBody,
    MeetingBody,
    TakeBody,
    HandoverBody,
    AnswerBody,
    FinishBody,
    SnoozeBody,
    ReassignBody,
    AmendBody,
    WithdrawBody,
)
"""Every model, for the OpenAPI document."""
