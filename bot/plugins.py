"""The plug-in shapes: an alert source, a step and a chat word, and all that each is ever given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from bot.domain.chat import Meaning, Said
    from bot.domain.conditions import Compile
    from bot.domain.events import Alert
    from bot.domain.heard import KnownPerson, Utterance
    from bot.domain.outcomes import Outcome
    from bot.domain.records import Approval


class AlertSource(Protocol):
    """Translates one sender's requests. Pure: no I/O, no clock."""

    name: ClassVar[str]

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:
        """The events in a request, in its order; header names are lower case. BadInput where it makes no sense."""
        ...

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> bool:
        """Whether the sender's own signature scheme vouches for the bytes; False where it has none.
        Never raises, whatever the headers hold. Bearer and basic are checked for every source elsewhere."""
        ...

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:
        """The sender's own id of this delivery, the same when it is sent again; None where it gives none."""
        ...


class NoteFormat(Protocol):
    """Reads one format of notes and transcripts. Pure: no I/O, no clock."""

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]
    """How names of such files end, lower case, with the dot."""

    def recognises(self, text: str) -> bool:
        """Whether a file with another ending is surely of this format."""
        ...

    def read(self, text: str) -> list[Utterance]:
        """What was said, in its order; lines end in "\\n". BadInput where the text is not of this format."""
        ...


@runtime_checkable
class NamesPeople(Protocol):
    """A format whose files say who the people in them are."""

    def people(self, text: str) -> list[KnownPerson]:
        """Whom the file names."""
        ...


class StepParams(BaseModel):
    """Root of every step's parameter model: strict, frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class UrlField:
    """Mark a parameter as an address, `Annotated[str, UrlField()]`: its host must be in the target's `allow_hosts`."""


@dataclass(frozen=True)
class ConditionField:
    """Mark a parameter as a condition over these variables; it is compiled when the playbook is loaded."""

    variables: tuple[str, ...]


@dataclass(frozen=True)
class RoleField:
    """Mark a parameter as the name of a role of the policy."""


@dataclass(frozen=True)
class Call:
    """One outgoing HTTP call. `timeout` bounds the whole call by the wall clock, not each read."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    text: str | None = None
    timeout: timedelta = timedelta(seconds=10)
    max_bytes: int = 256 * 1024


@dataclass(frozen=True)
class Reply:
    """What came of a call. Without an answer `status` is None; `was_sent` tells whether it may have had an effect."""

    status: int | None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    was_sent: bool = True
    error: str = ""
    seconds: float = 0.0
    body: Any = None
    """The parsed body where it is JSON, else None."""
    raw: bytes = b""
    """As it was received."""


class StepHttp(Protocol):
    """The web as a step sees it: only allowed hosts, no redirects, capped answers, never raises for the network."""

    def request(self, call: Call) -> Reply:
        """Make the call. Refused where the host is not allowed; LeaseLost where this worker lost the run."""
        ...


@dataclass(frozen=True)
class ProcessResult:
    """What a script did. `exit_code` is None where it was stopped at its deadline."""

    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float


class StepProcesses(Protocol):
    """Reviewed scripts by name: no shell, a bare environment, stopped with all its children at the deadline."""

    def run_script(
        self, name: str, args: Sequence[str], *, timeout: timedelta, env: Mapping[str, str]
    ) -> ProcessResult:
        """Run `scripts/<name>`. Refused where there is no such script; LeaseLost as for calls."""
        ...


@dataclass(frozen=True)
class StepContext:
    """All a step is given. Facts are plain values; `state` is what it returned when it last waited."""

    run_id: str
    step_id: str
    service: str
    environment: str
    fence: int
    drill: bool
    undoing: bool
    """Performs the undo of another step."""
    idempotency_key: str
    now: datetime
    first_started_at: datetime
    timeout: timedelta
    http: StepHttp
    processes: StepProcesses
    compile: Compile
    facts: Mapping[str, Any]
    state: Mapping[str, Any] = field(default_factory=dict)
    approval: Approval | None = None
    """The answer to what this step asked for, once there is one."""

    @property
    def marks(self) -> dict[str, str]:
        """The headers that every call of a step carries."""
        marks = {
            "Idempotency-Key": self.idempotency_key,
            "Andon-Run": self.run_id,
            "Andon-Fence": str(self.fence),
        }
        return {**marks, "Andon-Drill": "true"} if self.drill else marks


class Step(Protocol):
    """A verb that playbooks are made of. Steps return outcomes and never write anything down."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Params: ClassVar[type[StepParams]]

    def acts(self, raw: Mapping[str, Any]) -> bool:
        """Whether these parameters, as written, may change the world outside; a read may always be repeated."""
        ...

    def plan(self, params: Any) -> Sequence[str]:
        """Every call that `perform` would make, one line each, for a dry run."""
        ...

    def perform(self, params: Any, ctx: StepContext) -> Outcome:
        """Do it. Called again after a wait, with `ctx.state`."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """A step that can look whether its effect is there already."""

    def check(self, params: Any, ctx: StepContext) -> Outcome:
        """Done: it is there. Failed: surely not. Unknown: cannot be told."""
        ...


@dataclass(frozen=True)
class ByHand:
    """What a person does in place of a step: a call, or the words of a reviewed script, and what has to come of it."""

    call: Call | None = None
    script: str = ""
    """Its name in `scripts/`."""
    words: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    expect: str = ""
    """What the answer has to be."""


@runtime_checkable
class DoneByHand(Protocol):
    """A step of which a person can do exactly what Andon would; for any other, its plan says what to do."""

    def by_hand(self, params: Any) -> Sequence[ByHand]:
        """In order; secrets in the parameters are marks, not values."""
        ...


class ChatCommand(Protocol):
    """A word that people type in chat. Pure: no I/O, no clock; whether somebody may is looked at elsewhere."""

    name: ClassVar[str]
    """What is typed after `/andon`; two words are joined by a space."""
    usage: ClassVar[str]
    """What follows the name: `<what>` is needed, `[what]` is not."""
    summary: ClassVar[str]
    """What it does, in a few words."""

    def translate(self, said: Said) -> Meaning:
        """What the words come down to. BadInput where they make no sense, with what to write instead."""
        ...
