"""What everything that comes in from Slack may use of the house, and the errands that are done after an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError
from bot.domain.events import Command, Receipt
from bot.flow.release_moves import ReleaseMoves
from bot.ports import Clock, Log, People, Store
from bot.settings import Settings

ERRAND_THREADS = 2


class Door(Protocol):
    """The front door of the head."""

    def order(self, command: Command) -> Receipt:
        """Carry out a person's order. BadInput, NotFound, TryLater; a refusal is a receipt."""
        ...


class InForce(Protocol):
    """The configuration in force."""

    @property
    def current(self) -> Configuration: ...


class Head(Protocol):
    """The App as far as Slack is concerned."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def configuration(self) -> InForce: ...
    @property
    def intake(self) -> Door: ...
    @property
    def moves(self) -> ReleaseMoves: ...


class Web(Protocol):
    """Slack's Web API, and the addresses that Slack gives for answers."""

    def call(self, method: str, *, deadline: timedelta | None = None, **arguments: Any) -> Mapping[str, Any]:
        """Slack's answer. An AndonError where there is none, or where it says no."""
        ...

    def text_of_file(self, file_id: str, *, reader: str) -> tuple[str, str]:
        """Name and text of a file that `reader`, a person, may see."""
        ...

    def file(self, file_id: str, *, reader: str, most: int, deadline: timedelta) -> tuple[str, bytes]:
        """Name and content of a file that `reader` may see, of so many bytes; each of two calls has so much time."""
        ...

    def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer at an address that came with a request. An AndonError where that cannot be done."""
        ...


@dataclass(frozen=True)
class Desk:
    """The parts that the listeners work with."""

    head: Head
    people: People
    web: Web
    log: Log
    errands: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(ERRAND_THREADS, thread_name_prefix="slack-errand")
    )

    def order(self, command: Command) -> Receipt:
        """The front door."""
        return self.head.intake.order(command)

    @property
    def configuration(self) -> Configuration:
        """In force now."""
        return self.head.configuration.current

    def later(self, what: str, errand: Callable[[], object]) -> None:
        """Do something that nobody waits for: what goes wrong is written into the log."""
        self.errands.submit(self._do, what, errand)

    def close(self) -> None:
        """What was begun is finished, within the deadlines that every call has."""
        self.errands.shutdown(wait=True, cancel_futures=False)

    def _do(self, what: str, errand: Callable[[], object]) -> None:
        try:
            errand()
        except AndonError as error:
            self.log("slack errand failed", errand=what, problem=str(error))
        except Exception as error:  # an errand has no caller that could be told
            self.log("slack errand broke", errand=what, problem=type(error).__name__)
