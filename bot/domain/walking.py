"""The rules of the way through the stages: pure, and the same for every door that somebody might try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import Refused
from bot.domain.gates import GateResult, GateVerdict, worst
from bot.domain.incidents import Severity
from bot.domain.pins import Pin
from bot.domain.policies import Mode, Policy
from bot.domain.releases import Automation, Release, ReleaseStatus, Service
from bot.domain.stages import EMERGENCY, PRODUCTION, WATCH, Freeze, GateUse, Stage, live_stage
from bot.domain.times import format_time
from bot.domain.walks import ReleaseKind, Walk

_AT_STAKE = frozenset({PRODUCTION, WATCH, EMERGENCY})


@dataclass(frozen=True)
class Position:
    """A status with the stage that goes with it."""

    status: ReleaseStatus
    stage: str | None


def position_after(pin: Pin, release: Release) -> Position:
    """Where a release is once it has passed its present stage."""
    stages = pin.stages
    names = [one.name for one in stages]
    here = names.index(release.stage) if release.stage in names else len(names)
    following = names[here + 1] if here + 1 < len(names) else None
    is_live = release.status is ReleaseStatus.LIVE or release.stage == live_stage(stages)
    if not is_live:
        return Position(ReleaseStatus.IN_FLIGHT, following)
    if following is None and release.status is ReleaseStatus.LIVE:
        return Position(ReleaseStatus.WATCHED, None)
    return Position(ReleaseStatus.LIVE, following)


def check_may_go_on(pin: Pin, release: Release, walk: Walk, service: Service, now: datetime) -> Stage:
    """The stage that may be left once its gates pass; Refused with the reason why none may be, whoever asks."""
    if release.status.is_over:
        raise Refused(f"Release {release.id} is {str(release.status).replace('_', ' ')}", next="start a new release")
    if service.is_halted or release.status is ReleaseStatus.HALTED:
        by, why = service.halted_by or "somebody", service.halt_reason or "no reason given"
        raise Refused(
            f"{service.name} is halted by {by}", why=why, next="its gates answer fail until somebody lifts the halt"
        )
    if not release.is_in_flight:
        raise Refused(f"Release {release.id} is {release.status}", next="start a new release")
    stage = pin.stage(release.stage)
    if stage is None:
        raise Refused(f"Release {release.id} is {release.state}: there is no stage to pass")
    if pin.kind is ReleaseKind.EMERGENCY and walk.second_person is None:
        raise Refused(
            "An emergency release needs a second person",
            why=f"only {walk.started_by} stands for it so far",
            next=f"`andon release second {release.id}` by somebody else",
        )
    entered = walk.stage_entered_at
    if entered is not None and now < entered + stage.window:
        raise Refused(f"Stage {stage.name} lasts until {format_time(entered + stage.window)} at least")
    return stage


def check_not_frozen(freeze: Freeze | None) -> None:
    """Refused while a freeze holds. Halts and rollbacks never ask this."""
    if freeze is not None:
        raise Refused(f"Promotion is frozen: {freeze.name}", next="halts and rollbacks go on as always")


def check_acts(pin: Pin, policy: Policy) -> None:
    """Refused where a release of a policy that acted has come under one that only observes: nothing is touched then.

    One that was started under `observe` goes through the stages without touching anything, and is never live.
    """
    if pin.policy.mode is Mode.ACT and policy.mode is Mode.OBSERVE:
        raise Refused(f"The policy of {policy.service} only observes now", next="`mode: act` in its file lets it go on")


def check_automation(service: Service, automation: Automation, now: datetime) -> None:
    """Refused where nothing goes on by itself; asked of stages that nobody wanted to pass."""
    if service.is_hands_off(now):
        raise Refused(f"{service.name} is hands off", why=service.hands_off_reason or "no reason given")
    if not automation.on:
        raise Refused("Automation is off everywhere", why=automation.reason or "no reason given")


def verdict_over(stage: Stage, results: Sequence[GateResult]) -> GateVerdict:
    """The verdict over a stage: every gate has to pass, and one that was not run is unknown."""
    found = newest_of(stage, results)
    if not stage.gates:
        return GateVerdict.PASS
    return worst(
        found[position].verdict if position in found else GateVerdict.UNKNOWN for position in range(len(stage.gates))
    )


def newest_of(stage: Stage, results: Sequence[GateResult]) -> Mapping[int, GateResult]:
    """The newest result of each gate of this stage by its position; `results` are newest first."""
    found: dict[int, GateResult] = {}
    for one in results:
        if one.stage == stage.name and one.position < len(stage.gates):
            found.setdefault(one.position, one)
    return found


def severity_of(gate: GateUse, stage: Stage, release: Release) -> Severity:
    """How bad the failing of this gate is: worse once traffic is at stake."""
    if gate.severity is not None:
        return gate.severity
    at_stake = release.status is ReleaseStatus.LIVE or stage.name in _AT_STAKE or stage.name == "canary"
    return Severity.SEV_2 if at_stake else Severity.SEV_3
