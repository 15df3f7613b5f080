"""The way of a release through its stages: what is remembered of it besides the release itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class ReleaseKind(StrEnum):
    """Emergencies have gates of their own, two persons, and a retrospective."""

    STANDARD = "standard"
    EMERGENCY = "emergency"


@dataclass(frozen=True)
class Walk:
    """Where a release is on its way, by which policy, and who wanted what. One row beside each release."""

    release_id: str
    service: str
    started_by: str
    policy_digest: str
    """Of the policy that was in force at the start."""
    pin: str
    """SHA-256 of the kept copy of that policy, its playbooks and files: its stages and gates hold until the end."""
    kind: ReleaseKind = ReleaseKind.STANDARD
    manifest_digest: str = ""
    stage_entered_at: datetime | None = None
    passed: tuple[str, ...] = ()
    """Stages that were passed, in order."""
    wanted_by: str | None = None
    """Who asked to go on from the present stage."""
    wanted_at: datetime | None = None
    judged_at: datetime | None = None
    judge_at: datetime | None = None
    """When its gates are to be looked at next by themselves."""
    run_id: str | None = None
    """The run of the present stage's playbook."""
    live_at: datetime | None = None
    watched_at: datetime | None = None
    endorsed_by: str | None = None
    endorsed_at: datetime | None = None
    second_person: str | None = None
    retrospective_due_at: datetime | None = None
    retrospective: str = ""
    retrospective_by: str | None = None
    retrospective_at: datetime | None = None

    def wanted(self, by: str, now: datetime) -> Self:
        """Somebody asks to go on; the gates are looked at now."""
        return replace(self, wanted_by=by, wanted_at=now, judge_at=now)

    def judged(self, now: datetime, *, again_at: datetime | None) -> Self:
        """The gates were looked at; nobody's wish is open any more."""
        return replace(self, wanted_by=None, wanted_at=None, judged_at=now, judge_at=again_at)

    def entered(self, now: datetime, *, passed: str | None = None, judge_at: datetime | None = None) -> Self:
        """In the next stage."""
        through = (*self.passed, passed) if passed else self.passed
        return replace(
            self, stage_entered_at=now, passed=through, wanted_by=None, wanted_at=None, run_id=None, judge_at=judge_at
        )


class VersionStanding(StrEnum):
    """Why a version may be restored."""

    BASELINE = "baseline"
    ENDORSED = "endorsed"


@dataclass(frozen=True)
class KnownVersion:
    """A version that a rollback of this service may restore."""

    service: str
    version: str
    standing: VersionStanding
    at: datetime
    by: str
    release_id: str | None = None


@dataclass(frozen=True)
class LiveVersion:
    """What was live from a moment on, and how that is known. `version` None: nothing is known from then on."""

    service: str
    environment: str
    version: str | None
    since: datetime
    how: str
    """`baseline`, `release`, `rollback`, `canary` (in part), or `read` (it was read back)."""
    release_id: str | None = None
    run_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UnplannedDependency:
    """Something of another service that this release turned out to depend on, and that its manifest does not name."""

    id: str
    release_id: str
    on_service: str
    what: str
    found_at: datetime
    why: str
