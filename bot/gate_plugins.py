"""The plug-in shape of a gate: what it is given, what it gives back, and nothing else of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from bot.domain.conditions import Compile
from bot.domain.gates import Evidence, Judgement, Signature
from bot.plugins import StepHttp, StepProcesses

if TYPE_CHECKING:
    from bot.evidence.read_once import ReadOnce


class GateParams(BaseModel):
    """Root of every gate's parameter model: strict, frozen, unknown keys refused. Mark addresses with `UrlField`,
    conditions with `ConditionField`, roles with `RoleField`, playbooks with `PlaybookField`, and files of the
    configuration with `FileField`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


@dataclass(frozen=True)
class FileField:
    """Mark a parameter as the name of a reviewed file in this folder of the configuration (`scripts`, `suites`,
    `references`): it must exist when the policy is loaded, and a release pins its digest at its start."""

    folder: str


@dataclass(frozen=True)
class PlaybookField:
    """Mark a parameter as the name of a playbook: there must be one of that name when the policy is loaded."""


@dataclass(frozen=True)
class EvidencePiece:
    """One piece of evidence with its content, as it came in."""

    record: Evidence
    content: bytes
    once: ReadOnce | None = field(default=None, compare=False, repr=False)
    """Shared by all pieces of one judging: `bot.evidence.sides.read_piece` reads the same content once."""


@dataclass(frozen=True)
class Fetched:
    """Something that a gate fetched and that is kept as evidence, raw, with its digest."""

    name: str
    media: str
    content: bytes
    source: str
    """Where it came from, without secrets."""


@dataclass(frozen=True)
class Measured:
    """What a gate looked at. `facts` are plain JSON and all that the judgement may rest on, so that it can be made
    again from the record."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    """What was asked, without secrets."""
    evidence_ids: tuple[str, ...] = ()
    fetched: tuple[Fetched, ...] = ()
    problem: str = ""
    """Why nothing could be measured: the verdict is unknown then, and `judge` is not called."""


class GateFiles(Protocol):
    """Reviewed files of the configuration, by folder and name."""

    def read(self, folder: str, name: str) -> bytes:
        """The content. Refused where there is none of that name, or where it is not the one that was pinned."""
        ...


@dataclass(frozen=True)
class GateContext:
    """All that a gate is given: plain values, and calls that are bounded and allowed."""

    service: str
    environment: str
    stage: str
    now: datetime
    release: Mapping[str, Any]
    """`id`, `incumbent`, `candidate`, `status`, `started_at`, `kind`."""
    manifest: Mapping[str, Any]
    """As it was given, plain JSON; empty where there is none."""
    target: Mapping[str, Any]
    http: StepHttp
    processes: StepProcesses
    files: GateFiles
    compile: Compile
    evidence: Callable[[str | None], Sequence[EvidencePiece]]
    """Evidence of this release of that name (None: all), newest first."""
    signatures: Sequence[Signature] = ()
    """Those that were not withdrawn."""
    holds_role: Callable[[str, str], bool] = lambda _person, _role: False
    """Whether a person (id) holds a role of the policy."""
    same_person: Callable[[str, str], bool] = lambda one, other: one == other
    canary: Mapping[str, Any] | None = None
    """The canary's standing, as `GET /canaries/{release}` gives it; None where none was opened."""
    live: Mapping[str, Any] = field(default_factory=dict)
    """What was read back of this environment last: `version`, `at`; empty where nothing was."""
    drills: Sequence[Mapping[str, Any]] = ()
    """Drills of this service, newest first: `id`, `playbook`, `environment`, `passed`, `ended_at`."""
    timeout: timedelta = timedelta(seconds=30)
    """For all that the gate does, by the wall clock."""


class Gate(Protocol):
    """An executable check with one objective.

    `collect` reads, and may raise any AndonError: that makes the verdict unknown, with the reason. `judge` is pure and
    never raises for what was measured; what cannot be judged is unknown.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Params: ClassVar[type[GateParams]]

    def title(self, params: Any) -> str:
        """What it checks, in a few words with its threshold: `f1 at least 0.9`."""
        ...

    def collect(self, params: Any, ctx: GateContext) -> Measured:
        """Look. Secrets are in `params` already and must not get into what is returned."""
        ...

    def judge(self, params: Any, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """Conclude, from `measured` alone."""
        ...
