"""What a step reports: done, wait, try later, failed or unknown, with what is to be written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self


class OutcomeKind(StrEnum):
    """`try_later`: surely nothing happened; `failed`: surely it cannot succeed; `unknown`: it may have happened."""

    DONE = "done"
    WAIT = "wait"
    TRY_LATER = "try_later"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Freeze:
    """A step asks that promotion of the run's service be frozen, in the commit of its outcome."""

    reason: str


@dataclass(frozen=True)
class Tell:
    """A step asks for a notice to the named audiences (none named: all that are told)."""

    notice: str
    audiences: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Ask:
    """A step waits for a member of a role to say yes or no."""

    role: str
    question: str
    expires: timedelta
    then: str = "hold"


Effect = Freeze | Tell


@dataclass(frozen=True)
class Outcome:
    """One report of a step. `output` is kept and readable by later steps; `state` is given back on resume."""

    kind: OutcomeKind
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    delay: timedelta = timedelta(0)
    state: Mapping[str, Any] = field(default_factory=dict)
    ask: Ask | None = None
    effects: tuple[Effect, ...] = ()

    @classmethod
    def done(cls, effects: tuple[Effect, ...] = (), **output: Any) -> Self:
        """The step's effect is there."""
        return cls(OutcomeKind.DONE, output=output, effects=effects)

    @classmethod
    def wait(cls, delay: timedelta, *, state: Mapping[str, Any], why: str = "") -> Self:
        """Nothing to do for `delay`; perform again with `state`. Holds no worker and is not a try."""
        return cls(OutcomeKind.WAIT, delay=delay, state=state, error=why)

    @classmethod
    def waits_for(cls, ask: Ask) -> Self:
        """Wait until a person answers; perform again with the answer in the context."""
        return cls(OutcomeKind.WAIT, ask=ask, error=ask.question)

    @classmethod
    def try_later(cls, error: str, delay: timedelta = timedelta(seconds=1)) -> Self:
        """Surely nothing happened, and another try may succeed."""
        return cls(OutcomeKind.TRY_LATER, error=error, delay=delay)

    @classmethod
    def failed(cls, error: str, **output: Any) -> Self:
        """The step cannot succeed."""
        return cls(OutcomeKind.FAILED, error=error, output=output)

    @classmethod
    def unknown(cls, error: str, **output: Any) -> Self:
        """The effect may or may not be there: never success, never repeated unless that is safe."""
        return cls(OutcomeKind.UNKNOWN, error=error, output=output)
