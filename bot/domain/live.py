"""What serves according to the target itself, held against what releases and runs put there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from bot.domain.policies import PRODUCTION, Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import CANARY, EMERGENCY
from bot.domain.walks import LiveVersion

READ = "read"
IN_PART = "canary"
BASELINE = "baseline"
GRACE = 2
"""So many reads after a move may still see what was there before it."""
TOLD_AFTER = 3
"""So many reads in a row have failed before people are told that nothing is known."""
_EVERYBODY = (ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED)


@dataclass(frozen=True)
class LastRead:
    """The newest look at one environment of one service. One row each."""

    service: str
    environment: str
    read_at: datetime
    """When it began."""
    version: str | None = None
    """What was seen last; not known any more while `problem` says so."""
    problem: str = ""
    """Why it could not be read; empty where it could."""
    failures: int = 0
    """In a row."""
    moved_at: datetime | None = None
    """The move since which `reads` are counted."""
    reads: int = 0
    unreleased: str | None = None
    """The version of which people were told that no release put it there."""
    unreleased_since: datetime | None = None
    owed: Mapping[str, Any] = field(default_factory=dict)
    """Alerts that the front door has not taken yet, by the id of their delivery."""

    def failed(self, problem: str) -> Self:
        """It could not be read."""
        return replace(self, problem=problem, failures=self.failures + 1)

    def seen(self, version: str, moved_at: datetime | None) -> Self:
        """It was read."""
        reads = self.reads + 1 if moved_at == self.moved_at else 1
        return replace(self, version=version, problem="", failures=0, moved_at=moved_at, reads=reads)

    @property
    def is_settling(self) -> bool:
        """So soon after a move that what was there before it may still be seen."""
        return self.moved_at is not None and self.reads <= GRACE

    @property
    def is_unreadable(self) -> bool:
        """So often in a row that people were told."""
        return self.failures >= TOLD_AFTER


@dataclass(frozen=True)
class Expected:
    """The versions that may serve. None at all: nothing is known, so nothing is wrong."""

    versions: tuple[str, ...]
    """The one that should serve everybody first."""
    why: str
    in_part: bool = False
    """More than one may serve at the same time, each to some."""

    def allows(self, version: str) -> bool | None:
        """Whether this version may serve; None where nobody can tell."""
        return version in self.versions if self.versions else None


@dataclass(frozen=True)
class Placed:
    """What releases and runs did in one environment, as far as it says what should serve there."""

    policy: Policy
    environment: str
    placed: Sequence[LiveVersion]
    """Newest first, without what was only read back."""
    release: Release | None = None
    """The newest one."""
    run_is_under_way: bool = False

    @property
    def moved_at(self) -> datetime | None:
        """The last moment at which something may have been moved here."""
        moments = [one.since for one in self.placed[:1] if one.how != BASELINE]
        if self.release is not None:
            moments += [self.release.opened_at, *([self.release.ended_at] if self.release.ended_at else [])]
        return max(moments, default=None)

    def expected(self, *, is_settling: bool = False) -> Expected:
        """What may serve here now. See docs/live.md for the rule in words."""
        main, why = self._main()
        versions = [main]
        both = _versions_of(self.release)
        partly = self._serves_in_part()
        if partly or self.run_is_under_way or self.environment != place_of_release(self.policy):
            versions += both
        if self._is_on_its_way:
            versions += both[:1]
        versions += [one.version for one in self.placed[:1] if one.how == IN_PART]
        if is_settling:
            versions += [*both, *(one.version for one in self.placed[:2])]
        known = tuple(dict.fromkeys(one for one in versions if one))
        return Expected(known, why, in_part=partly and len(known) > 1)

    def _main(self) -> tuple[str | None, str]:
        """The version that should serve everybody, and who says so."""
        whole = next((one for one in self.placed if one.how != IN_PART), None)
        release = self.release
        if release is not None and (whole is None or _began(release) > whole.since):
            if release.status.is_over:
                return release.incumbent, f"{release.candidate} is {str(release.status).replace('_', ' ')}"
            if _standing(release) in _EVERYBODY:
                return release.candidate, f"release {release.id} put it there"
            if whole is None:
                return release.incumbent, f"it serves before release {release.id} is live"
        if whole is None:
            return None, "nothing was put there yet"
        return whole.version, _who(whole)

    @property
    def _is_on_its_way(self) -> bool:
        return self.release is not None and _standing(self.release) is ReleaseStatus.IN_FLIGHT

    def _serves_in_part(self) -> bool:
        """Whether the candidate may serve some by now: from the canary on, or where there are no stages at all."""
        if self.release is None or not self._is_on_its_way:
            return False
        names = [one.name for one in self.policy.stages]
        if self.release.stage == EMERGENCY or self.release.stage not in names:
            return True  # without stages, or by a policy that was in force before: it cannot be told, so both may
        first = next(
            (place for place, one in enumerate(self.policy.stages) if one.name in (CANARY, self.policy.live_stage)), 0
        )
        return names.index(self.release.stage) >= first


def place_of_release(policy: Policy) -> str:
    """The environment in which a release of this service goes live."""
    last = next((one for one in policy.stages if one.name == policy.live_stage), None)
    if last is not None:
        return last.place
    return next(iter(policy.targets)) if len(policy.targets) == 1 else PRODUCTION


def first_version(policy: Policy, release: Release | None) -> str | None:
    """What serves as far as anybody said, before anything was recorded."""
    if release is not None:
        return release.candidate if _standing(release) in _EVERYBODY else release.incumbent
    return policy.release.incumbent if policy.release else policy.baseline


def _versions_of(release: Release | None) -> list[str]:
    return [release.incumbent, release.candidate] if release else []


def _standing(release: Release) -> ReleaseStatus:
    """What it is, or was before it was halted."""
    halted = release.status is ReleaseStatus.HALTED
    return release.resumes_as or ReleaseStatus.IN_FLIGHT if halted else release.status


def _began(release: Release) -> datetime:
    return release.ended_at if release.status.is_over and release.ended_at else release.opened_at


def _who(one: LiveVersion) -> str:
    match one.how:
        case "release":
            return f"release {one.release_id} put it there"
        case "rollback":
            return f"run {one.run_id} put it back"
    return "it is the registered baseline"
