"""The error tree: five kinds of bad news, each with what happened, why, and what to do next.

AndonError
├─ BadInput      the sender's fault; answered clearly, nothing changes
│  └─ NotFound   the thing named does not exist
├─ Refused       a rule says no; recorded as a decision
├─ TryLater      the world is busy or away; carries a delay; never means the release is bad
│  ├─ LeaseLost  another worker holds the run now; this one stops touching it
│  └─ Conflict   somebody else wrote the same thing first; read again and decide again
├─ StepFailed    the step cannot succeed; the run stops and people are told
└─ ConfigError   found at start or by `andon check`; the process does not start
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


class AndonError(Exception):
    """Root of the tree. `what` happened, `why`, and what to do `next`; each a sentence or empty."""

    def __init__(self, what: str, *, why: str = "", next: str = "") -> None:  # noqa: A002
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next

    def __str__(self) -> str:
        more = "; ".join(part.rstrip(".") for part in (self.why, self.next) if part)
        if self.what[-1:] in (":", "?", "!"):
            return f"{self.what} {more}.".removesuffix(" .")
        end = "" if more.endswith(("?", "!")) else "."
        return f"{self.what.rstrip('.')}: {more}{end}" if more else f"{self.what.rstrip('.')}."


class BadInput(AndonError):
    """The sender's fault: it is answered clearly and nothing changes."""


class NotFound(BadInput):
    """The thing that was named does not exist."""


class Refused(AndonError):
    """A rule says no. The refusal is recorded as a decision."""


class TryLater(AndonError):
    """The world is busy or away; try again after `delay`. Says nothing about the release.

    `ambiguous`: it may have happened all the same; look before doing it again.
    """

    def __init__(
        self,
        what: str,
        *,
        delay: timedelta = timedelta(seconds=1),
        ambiguous: bool = False,
        why: str = "",
        next: str = "",  # noqa: A002
    ) -> None:
        super().__init__(what, why=why, next=next)
        self.delay = delay
        self.ambiguous = ambiguous


class LeaseLost(TryLater):
    """Another worker holds this run now, or it was moved meanwhile: stop touching it."""


class Conflict(TryLater):
    """Somebody else wrote the same thing first: read again and decide again."""


class StepFailed(AndonError):
    """The step cannot succeed; the run stops and people are told."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a file: `line` counts from 1, 0 when the file as a whole is meant."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ConfigError(AndonError):
    """The configuration cannot be used. `faults` lists every reason with file and line."""

    def __init__(self, what: str, *, faults: tuple[Fault, ...] = (), why: str = "", next: str = "") -> None:  # noqa: A002
        super().__init__(what, why=why, next=next)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults) or super().__str__()
