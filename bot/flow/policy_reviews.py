"""Reminds whoever answers for a service that its policy is to be read again, once each `review_every`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.events import ANDON
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.policy_versions import FileKind, PolicyVersion
from bot.domain.records import AuditEntry
from bot.domain.times import format_duration, spoken_time
from bot.flow.chores import Rounds, do_each

REVIEW_DUE = "review_due"
_PAUSE = timedelta(minutes=1)


class PolicyReviews:
    """A chore of the clock. When people were reminded last stands with the version that is in force."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._looked: tuple[str, datetime] | None = None

    def remind(self) -> None:
        """Of every policy whose time has come; looked at once a minute, however often the clock wakes."""
        configuration, now = self._rounds.configuration(), self._rounds.now()
        asking = {name: policy for name, policy in configuration.policies.items() if policy.review_every}
        if not asking or (self._looked and self._looked[0] == configuration.digest and now < self._looked[1] + _PAUSE):
            return
        with self._rounds.store.read() as tx:
            versions = [one for one in tx.policies_in_force() if one.kind is FileKind.POLICY and one.name in asking]
        due = [asking[one.name] for one in versions if is_due(one, asking[one.name], now)]
        do_each(due, self._remind)
        self._looked = configuration.digest, now

    def _remind(self, policy: Policy) -> None:
        with self._rounds.at(policy.service) as situation:
            found = situation.tx.policies_in_force()
            version = next((one for one in found if (one.kind, one.name) == (FileKind.POLICY, policy.service)), None)
            if version is None or not is_due(version, policy, situation.now):
                return
            situation.keep(replace(version, reminded_at=situation.now))
            teller = self._rounds.consequences.teller
            facts = {"text": _how_long(version, policy), "by": version.reviewer or "", "digest": version.digest}
            cause = f"policy:{policy.service}"
            people = policy.members(CHAMPION)
            situation.tell(teller.about_policy(REVIEW_DUE, policy, people, cause=cause, now=situation.now, **facts))
            data = {"digest": version.digest, "told": list(people)}
            situation.record(AuditEntry(situation.now, ANDON.name, "policy.review_due", cause, data))


def next_review(version: PolicyVersion, policy: Policy) -> datetime | None:
    """When it is to be read again; None where the policy does not ask for that."""
    return version.reviewed_at + policy.review_every if policy.review_every else None


def is_due(version: PolicyVersion, policy: Policy, now: datetime) -> bool:
    """Whether its last review is older than agreed, and so is the last reminder."""
    if not policy.review_every:
        return False
    since = max(version.reviewed_at, version.reminded_at or version.reviewed_at)
    return now >= since + policy.review_every


def _how_long(version: PolicyVersion, policy: Policy) -> str:
    every = format_duration(policy.review_every) if policy.review_every else ""
    if version.is_reviewed:
        return f"It was last reviewed on {spoken_time(version.reviewed_at)}, and is to be read again every {every}."
    since = spoken_time(version.reviewed_at)
    return f"No review of it is on record since it came into force on {since}; it is to be read every {every}."
