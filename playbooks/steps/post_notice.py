"""The step `post_notice`: tell people something in the middle of a playbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictStr

from bot.domain.fields import Name
from bot.domain.outcomes import Outcome, Tell
from bot.plugins import StepContext, StepParams


class PostNoticeParams(StepParams):
    """`notice` (which one), `audiences` (none named: all that are told), `text` to add."""

    notice: Name
    audiences: tuple[Name, ...] = ()
    text: Annotated[StrictStr, Field(max_length=2000)] = ""


class PostNotice:
    """Ask for a notice; it is due in the commit of this outcome, once. Sending it holds no run up."""

    name: ClassVar[str] = "post_notice"
    summary: ClassVar[str] = "Tell audiences something"
    Params: ClassVar[type[StepParams]] = PostNoticeParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """It only writes down that people are to be told."""
        return False

    def plan(self, params: PostNoticeParams) -> Sequence[str]:
        """Who is told what."""
        line = f"Send notice {params.notice} to {', '.join(params.audiences) or 'every audience'}"
        return [f"{line}: {params.text}" if params.text else line]

    def perform(self, params: PostNoticeParams, ctx: StepContext) -> Outcome:  # noqa: ARG002
        """Ask for it."""
        tell = Tell(params.notice, params.audiences, params.text)
        return Outcome.done(effects=(tell,), notice=params.notice, audiences=list(params.audiences))
