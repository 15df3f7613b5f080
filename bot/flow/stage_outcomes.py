"""What the gates of a policy come to over the recorded stages of a release, and where two policies differ in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.gates import Figure, GateVerdict
from bot.domain.policies import Policy


@dataclass(frozen=True)
class GateOutcome:
    """One gate of a policy over what was recorded."""

    gate: str
    verdict: GateVerdict
    why: str
    figures: tuple[Figure, ...] = ()
    is_recorded: bool = False
    """Whether it is the verdict of then, because the gate asks somebody who cannot be asked of then."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "gate": self.gate,
            "verdict": str(self.verdict),
            "why": self.why,
            "figures": [one.as_json() for one in self.figures],
            "recorded": self.is_recorded,
        }


@dataclass(frozen=True)
class StageOutcome:
    """One stage of a policy over what was recorded of one release."""

    release_id: str
    stage: str
    environment: str
    at: datetime
    """As things stood then."""
    verdict: GateVerdict
    was_left: bool
    """Whether the release went on from there."""
    acts: bool
    """Whether the policy halts; one that observes does not."""
    gates: tuple[GateOutcome, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The same for every policy."""
        return self.release_id, self.stage

    @property
    def is_halt(self) -> bool:
        """Whether the release would have been halted there."""
        return self.verdict is GateVerdict.FAIL and self.acts

    @property
    def is_stuck(self) -> bool:
        """Whether the release went on from where this policy does not know enough."""
        return self.verdict is GateVerdict.UNKNOWN and self.was_left

    @property
    def deciding(self) -> tuple[GateOutcome, ...]:
        """The gates that made the verdict."""
        return tuple(one for one in self.gates if one.verdict is self.verdict)

    def said(self) -> str:
        """Verdict and reasons, in a sentence."""
        if self.verdict is GateVerdict.PASS:
            return f"pass: {', '.join(one.gate for one in self.gates)}"
        return f"{self.verdict}: " + "; ".join(f"{one.gate}: {one.why}" for one in self.deciding)


OutcomesOf = Callable[[Policy], Sequence[StageOutcome]]
"""What recorded releases come to under a policy, in the order of their stages."""


def no_releases(_policy: Policy) -> Sequence[StageOutcome]:
    """Nothing is recorded of releases."""
    return ()


class Turn(StrEnum):
    """What may differ at a stage."""

    HALT = "halt"
    STUCK = "stuck"


@dataclass(frozen=True)
class StageDifference:
    """A stage at which two policies come to different ends; one of both may not have it."""

    turn: Turn
    gained: bool
    before: StageOutcome | None
    after: StageOutcome | None

    @property
    def shown(self) -> StageOutcome:
        """The side that halts, or does not know."""
        found = self.after if self.gained else self.before
        assert found is not None
        return found


def differences(old: Iterable[StageOutcome], new: Iterable[StageOutcome]) -> Iterator[StageDifference]:
    """Halts on one side only, and promotions that one side does not know enough for while the other passes them. A
    release that one side has halted earlier is not compared any further for what is unknown."""
    before, after = ({one.key: one for one in side} for side in (old, new))
    stopped = [{one.release_id for one in side.values() if one.is_halt} for side in (before, after)]
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if _is_halt(was) != _is_halt(now):
            yield StageDifference(Turn.HALT, _is_halt(now), was, now)
        elif not _is_halt(was) and _is_stuck(was) != _is_stuck(now):
            other = stopped[0] if _is_stuck(now) else stopped[1]
            if key[0] not in other:
                yield StageDifference(Turn.STUCK, _is_stuck(now), was, now)


def count_turns(outcomes: Iterable[StageOutcome]) -> Mapping[Turn, int]:
    """How many halts and unknown promotions there are."""
    found = list(outcomes)
    return {Turn.HALT: sum(one.is_halt for one in found), Turn.STUCK: sum(one.is_stuck for one in found)}


def _is_halt(one: StageOutcome | None) -> bool:
    return one is not None and one.is_halt


def _is_stuck(one: StageOutcome | None) -> bool:
    return one is not None and one.is_stuck
