"""What is known of a key so far, one half or both, and the growing columns of what is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.evidence.key_memory import Fate
from bot.evidence.observation_columns import Observations
from bot.statistics.pairs import Pairs

_COLUMNS = (
    "keys",
    "incumbent",
    "candidate",
    "incumbent_ms",
    "candidate_ms",
    "incumbent_error",
    "candidate_error",
    "labels",
    "slices",
    "units",
    "at",
)
_TEXTS = {"incumbent_error", "candidate_error", "slices", "units"}


@dataclass(slots=True)
class Half:
    """One line, or what several lines have said of one key."""

    key: str
    incumbent: Any = None
    candidate: Any = None
    incumbent_ms: float | None = None
    candidate_ms: float | None = None
    incumbent_error: str = ""
    candidate_error: str = ""
    label: Any = None
    slice: str = ""
    unit: str = ""
    seen: float = 0.0

    @property
    def has_incumbent(self) -> bool:
        """Whether the incumbent has spoken, be it with an error."""
        return self.incumbent is not None or bool(self.incumbent_error)

    @property
    def has_candidate(self) -> bool:
        """Whether the candidate has spoken, be it with an error."""
        return self.candidate is not None or bool(self.candidate_error)

    @property
    def is_whole(self) -> bool:
        """Whether both have spoken."""
        return self.has_incumbent and self.has_candidate

    @property
    def fate(self) -> Fate:
        """What is to be remembered of it when nothing more is waited for."""
        if self.is_whole:
            return Fate.PAIRED
        return Fate.NO_CANDIDATE if self.has_incumbent else Fate.NO_INCUMBENT

    def take(self, other: Half) -> bool:
        """Add what another line says and this one did not know; whether that was a side. The first wins."""
        taken = False
        for side in ("incumbent", "candidate"):
            if getattr(other, f"has_{side}") and not getattr(self, f"has_{side}"):
                taken = True
                for name in (side, f"{side}_ms", f"{side}_error"):
                    setattr(self, name, getattr(other, name))
        if self.label is None:
            self.label = other.label
        self.slice = self.slice or other.slice
        self.unit = self.unit or other.unit
        return taken


@dataclass
class Lines:
    """A batch as columns of full length, to be read by line or by stretch."""

    batch: Observations
    columns: dict[str, Sequence[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = {name: self.batch.column(name, "" if name in _TEXTS else None) for name in _COLUMNS}

    def half(self, at: int, seen: float) -> Half:
        """What line `at` says."""
        half = Half(*(column[at] for name, column in self.columns.items() if name != "at"))
        half.seen = seen
        return half

    def stretch(self, start: int, end: int) -> dict[str, Sequence[Any]]:
        """The columns of the lines from `start` to before `end`."""
        return {name: column[start:end] for name, column in self.columns.items()}


def all_are_whole(stretch: dict[str, Sequence[Any]]) -> bool:
    """Whether each line of a stretch surely carries both answers."""
    return None not in stretch["incumbent"] and None not in stretch["candidate"]


class WholePairs:
    """The columns of pairs that are ready, in the order in which they are given out."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS if name != "at"}
        self.seen: list[float] = []

    def add(self, half: Half) -> None:
        """One more pair."""
        for name, column in self.columns.items():
            column.append(getattr(half, _SINGULAR.get(name, name)))
        self.seen.append(half.seen)

    def add_stretch(self, stretch: dict[str, Sequence[Any]], seen: float) -> None:
        """Many more pairs, all seen at once."""
        for name, column in self.columns.items():
            column.extend(stretch[name])
        self.seen.extend([seen] * len(stretch["keys"]))

    def pairs(self) -> Pairs:
        """All of them; needs NumPy."""
        import numpy as np

        columns = self.columns
        failed = {side: [error != "" for error in columns[f"{side}_error"]] for side in ("incumbent", "candidate")}
        answers = {
            side: [None if bad else one for one, bad in zip(columns[side], failed[side], strict=True)]
            if any(failed[side])
            else columns[side]
            for side in failed
        }
        return Pairs(
            keys=columns["keys"],
            incumbent=answers["incumbent"],
            candidate=answers["candidate"],
            incumbent_ms=np.array(columns["incumbent_ms"], dtype=np.float64),  # None becomes NaN
            candidate_ms=np.array(columns["candidate_ms"], dtype=np.float64),
            incumbent_failed=np.array(failed["incumbent"], dtype=np.bool_),
            candidate_failed=np.array(failed["candidate"], dtype=np.bool_),
            labels=columns["labels"] if any(one is not None for one in columns["labels"]) else (),
            slices=columns["slices"] if any(columns["slices"]) else (),
            units=columns["units"] if any(columns["units"]) else (),
            seen=self.seen,
        )


_SINGULAR = {"keys": "key", "labels": "label", "slices": "slice", "units": "unit"}
