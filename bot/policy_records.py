"""What a unit of work knows of policies: the versions that were in force, and the alerts that were decided by them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.decisions import Decision
    from bot.domain.policy_versions import FileKey, PolicyVersion


class PolicyRecords(Protocol):
    """The part of a transaction that keeps versions of policies and playbooks."""

    def policy_versions(self, key: FileKey) -> Sequence[PolicyVersion]:
        """All of one file, newest in force first."""
        ...

    def policy_version(self, digest: str) -> PolicyVersion | None:
        """The version of this digest; None where it was never in force."""
        ...

    def policies_in_force(self) -> Sequence[PolicyVersion]:
        """Policies and playbooks, by kind and name."""
        ...

    def decided_alerts(self, *, since: datetime, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Decision]]:
        """Decisions about alerts, oldest first with their row numbers; `after` is the number of the last one seen."""
        ...
