"""Versions of policies and playbooks, and the alerts that were decided by them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.adapters.sql.policy_tables import IN_FORCE, policy_versions
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import decisions
from bot.adapters.sql.work import Work
from bot.domain.decisions import Decision
from bot.domain.policy_versions import FileKey, PolicyVersion

_VERSION = columns_of(policy_versions, PolicyVersion)
_NEWEST = policy_versions.c.in_force_since.desc()

_OF_FILE = (
    select(*_VERSION)
    .where(policy_versions.c.kind == bindparam("kind"), policy_versions.c.name == bindparam("name"))
    .order_by(_NEWEST)
)
_BY_DIGEST = select(*_VERSION).where(policy_versions.c.digest == bindparam("digest")).order_by(_NEWEST).limit(1)
_IN_FORCE = select(*_VERSION).where(IN_FORCE).order_by(policy_versions.c.kind, policy_versions.c.name)
_DECIDED = (
    select(decisions.c.number, *columns_of(decisions, Decision))
    .where(
        decisions.c.number > bindparam("after"),
        decisions.c.at >= bindparam("since"),
        decisions.c.alert != bindparam("nothing"),
    )
    .order_by(decisions.c.number)
)


class PolicyQueries(Work):
    """What decided, when, and who had read it."""

    def policy_versions(self, key: FileKey) -> Sequence[PolicyVersion]:
        """All of one file, newest in force first."""
        rows = self.rows(_OF_FILE, {"kind": key[0], "name": key[1]})
        return [PolicyVersion(*row) for row in rows]

    def policy_version(self, digest: str) -> PolicyVersion | None:
        """The version of this digest; None where it was never in force."""
        row = self.row(_BY_DIGEST, {"digest": digest})
        return PolicyVersion(*row) if row else None

    def policies_in_force(self) -> Sequence[PolicyVersion]:
        """Policies and playbooks, by kind and name."""
        return [PolicyVersion(*row) for row in self.rows(_IN_FORCE)]

    def decided_alerts(self, *, since: datetime, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Decision]]:
        """Decisions about alerts, oldest first with their row numbers; `after` is the number of the last one seen."""
        rows = self.rows(_DECIDED.limit(limit), {"since": since, "after": after, "nothing": {}})
        return [(row[0], Decision(*row[1:])) for row in rows]
