"""Gates: executable checks that open the way out of a stage. Pass, fail or unknown, and unknown never passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class GateVerdict(StrEnum):
    """What a gate says, worst first."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105 - a word


def worst(verdicts: Iterable[object]) -> GateVerdict:
    """The verdict over several gates: fail before unknown before pass. Nothing at all, and what is no verdict,
    is unknown, never a pass."""
    found = {one if isinstance(one, GateVerdict) else GateVerdict.UNKNOWN for one in verdicts}
    return next((one for one in GateVerdict if one in found), GateVerdict.UNKNOWN)


@dataclass(frozen=True)
class Figure:
    """One number that a verdict rests on, with what it was held against."""

    name: str
    value: float | None
    threshold: str = ""
    """In words, such as `at least 0.9`."""
    low: float | None = None
    high: float | None = None
    """The ends of its interval, where it has one."""
    n: int | None = None
    """Sample size."""
    subject: str = "candidate"
    """`candidate`, `incumbent`, `difference`, or the name of a slice or feature."""
    unit: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; absent ones left out."""
        return {name: value for name, value in vars(self).items() if value not in (None, "")}


@dataclass(frozen=True)
class Judgement:
    """What a gate concludes, why in one sentence, and the figures it rests on."""

    verdict: GateVerdict
    why: str
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else a reader should see, as plain JSON."""

    @classmethod
    def passed(cls, why: str, *figures: Figure, **details: Any) -> Self:
        """Measured, and good enough."""
        return cls(GateVerdict.PASS, why, figures, details)

    @classmethod
    def failed(cls, why: str, *figures: Figure, **details: Any) -> Self:
        """Measured, and not good enough."""
        return cls(GateVerdict.FAIL, why, figures, details)

    @classmethod
    def unknown(cls, why: str, *figures: Figure, **details: Any) -> Self:
        """Not measured, or not enough: never a pass."""
        return cls(GateVerdict.UNKNOWN, why, figures, details)


@dataclass(frozen=True)
class GateResult:
    """One verdict as it is kept, with all that is needed to see how it came about."""

    id: str
    release_id: str
    service: str
    stage: str
    position: int
    """Of the gate in its stage, from 0."""
    use: str
    name: str
    """How people call the gate: its own name, or its kind with what it looks at."""
    params: Mapping[str, Any]
    verdict: GateVerdict
    why: str
    at: datetime
    code_version: str
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    """What was asked, where something was."""
    evidence_ids: tuple[str, ...] = ()
    by: str = "andon"
    """Who had it judged."""


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence as it came in; its content is kept under its digest."""

    id: str
    service: str
    release_id: str | None
    name: str
    """What it is called by gates, such as `evaluation`."""
    media: str
    """Media type: `application/json`, `application/x-ndjson`, `text/csv`, `application/vnd.apache.parquet`."""
    sha256: str
    size: int
    at: datetime
    by: str
    source: str = "push"
    """`push`, or where it was fetched from."""
    about: str = "candidate"
    """`candidate` or `incumbent`: whose it is."""
    version: str = ""
    """The version that it says it is about, as it was pushed."""


@dataclass(frozen=True)
class Signature:
    """A checklist item signed, or a brief acknowledged, by a person in a role."""

    id: str
    release_id: str
    subject: str
    """`item:<name>`, `brief:<audience>`, or `person:second`."""
    by: str
    at: datetime
    role: str = ""
    note: str = ""
    withdrawn_at: datetime | None = None
