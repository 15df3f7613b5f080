"""A form that was sent: who sent it, what it is about, what stands in it, and the order it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import AndonError, BadInput, ConfigError, TryLater
from bot.domain.events import Command
from bot.slack.answers import NOT_ACCEPTED, Body
from bot.slack.desk import Desk
from bot.slack.forms.inputs import errors
from bot.slack.who import Visitor


@dataclass(frozen=True)
class Sent:
    """One form."""

    visitor: Visitor
    subjects: Mapping[str, str]
    """What it is about, as `private_metadata` says; checked as if nobody had ever written it there."""
    values: Mapping[str, str]
    """By block id; inputs that are empty are absent."""
    delivery: str | None
    files: tuple[str, ...] = ()
    """Ids of the files that were attached."""

    def about(self, kind: str) -> str:
        """The id of what it is about; BadInput where the form does not say."""
        found = self.subjects.get(kind)
        if not found:
            raise BadInput("This form says nothing that can be understood", next="open it again")
        return found

    def give(self, desk: Desk, command: Command, *, field: str) -> Body:
        """Hand the order in. An empty answer closes the form; bad news stands at `field`, so that nothing is lost."""
        try:
            receipt = desk.order(command)
        except AndonError as error:
            passes = isinstance(error, TryLater | ConfigError)
            return errors({field: f"{NOT_ACCEPTED} {error} Try again." if passes else str(error)})
        return errors({field: receipt.message}) if receipt.refused else {}
