"""What an order about a postmortem may say: one strict model for each, the same at the door and in the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

from bot.domain.fields import Name, Part
from bot.domain.postmortems import LONGEST_COMMENT, LONGEST_DIFF, LONGEST_TEXT, Section
from bot.domain.strict_json import storable


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("say something")
    return storable(value).strip()


def _kept(value: str) -> str:
    return storable(value.replace("\r\n", "\n"))


Said = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_COMMENT), AfterValidator(_said)]
SectionName = Annotated[Section, Field(strict=False)]


class EditDetails(Part):
    """What is written into a section from now on; empty takes away what was there. `seen` is the revision of the words
    in front of the writer: where somebody wrote since, nothing is changed."""

    section: SectionName
    text: Annotated[StrictStr, Field(max_length=LONGEST_TEXT), AfterValidator(_kept)]
    seen: int | None = Field(default=None, ge=0, strict=False)


class CommentDetails(Part):
    """What somebody says about it, or about one section of it."""

    text: Said
    section: SectionName | None = None


class LessonDetails(Part):
    """What was learned, with the change of a policy or a playbook that follows, as a unified diff."""

    text: Said
    diff: Annotated[StrictStr, Field(max_length=LONGEST_DIFF), AfterValidator(_kept)] = ""


class WithdrawDetails(Part):
    """The lesson that is taken back."""

    withdraw: Annotated[StrictStr, Field(min_length=1, max_length=64)]


class SignDetails(Part):
    """For which role; without one, for the first that the signer holds and that has not signed."""

    role: Name | None = None
