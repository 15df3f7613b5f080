"""What the web process asks of the head: the parts of the App that it uses, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Protocol

from bot.domain.bundles import BundleKind, Label
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError
from bot.domain.events import Actor, Command, Delivery, Receipt
from bot.domain.gates import Evidence
from bot.flow.evidence_desk import Pushed
from bot.flow.observing import Sent, Taken
from bot.flow.release_moves import ReleaseMoves
from bot.plugins import AlertSource
from bot.ports import Bell, Clock, Ids, Queue, Secrets, Store
from bot.settings import Settings

Ring = Callable[[Sequence[Bell]], object]
"""Takes bells to be rung, now or soon."""


class ReadyStore(Store, Protocol):
    """A store that knows whether its tables are those of this version."""

    def schema_is_current(self) -> bool:
        """TryLater where the database is away."""
        ...


class Intake(Protocol):
    """The front door of the head."""

    def accept(self, deliveries: Sequence[Delivery], ring: Ring | None = None, foresee: Ring = ...) -> list[Receipt]:
        """One receipt for each delivery, all in one commit; TryLater where it cannot be stored."""
        ...

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Log what led somewhere."""
        ...

    def order(self, command: Command) -> Receipt:
        """Carry out a person's order. BadInput, NotFound, TryLater; a refusal is a receipt."""
        ...

    def replay(self, event_id: str, actor: Actor) -> Receipt:
        """Take a dead letter once more. NotFound, Refused, BadInput, TryLater."""
        ...


class Evidences(Protocol):
    """Where evidence is handed in."""

    def keep(self, pushed: Pushed, actor: Actor) -> Evidence:
        """Keep it. BadInput, NotFound, Refused, TryLater."""
        ...


class Bundles(Protocol):
    """Where bundles are asked for."""

    def export(self, kind: BundleKind, subject: str, actor: Actor, out: BinaryIO) -> Label:
        """Write one to a file that can be sought in. NotFound, BadInput, TryLater."""
        ...


class Observing(Protocol):
    """The door for observations."""

    def take(self, sent: Sequence[Sent], ring: Ring | None = None) -> Sequence[Taken | AndonError]:
        """One answer for each batch, all in one commit; TryLater where it cannot be stored."""
        ...


class CurrentConfiguration(Protocol):
    """The configuration in force."""

    @property
    def current(self) -> Configuration: ...

    def reload(self) -> object:
        """Put the files in force; ConfigError leaves everything as it was."""
        ...


class Head(Protocol):
    """The App as the web process sees it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> ReadyStore: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def configuration(self) -> CurrentConfiguration: ...
    @property
    def sources(self) -> Mapping[str, AlertSource]: ...
    @property
    def tokens(self) -> Mapping[str, Actor]:
        """Actors by the secret of their API token."""
        ...

    @property
    def secrets(self) -> Secrets: ...
    @property
    def webhook_token(self) -> str | None:
        """The bearer secret for all sources on the embedded default."""
        ...

    @property
    def intake(self) -> Intake: ...
    @property
    def evidence(self) -> Evidences: ...
    @property
    def bundles(self) -> Bundles: ...
    @property
    def moves(self) -> ReleaseMoves: ...
    @property
    def observing(self) -> Observing: ...


def wire(head: Head) -> None:
    """Have every part made now, in this thread, so that the first request waits for none of them."""
    _ = head.sources, head.intake, head.evidence, head.bundles, head.moves, head.observing
