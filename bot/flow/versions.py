"""Builds the records of what became live, by which release or run, and of what may be restored."""

from __future__ import annotations

from datetime import datetime

from bot.domain.events import ANDON
from bot.domain.live import BASELINE, IN_PART, first_version, place_of_release
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.walks import KnownVersion, LiveVersion, VersionStanding
from bot.ports import Transaction


def went_live(release: Release, environment: str, now: datetime, *, run_id: str | None = None) -> LiveVersion:
    """The candidate serves everybody in this environment from now on."""
    return LiveVersion(release.service, environment, release.candidate, now, "release", release.id, run_id)


def partly_live(release: Release, environment: str, now: datetime, *, run_id: str | None = None) -> LiveVersion:
    """The candidate serves some in this environment from now on, beside what served before."""
    return LiveVersion(release.service, environment, release.candidate, now, IN_PART, release.id, run_id)


def restored(run: Run, now: datetime) -> LiveVersion:
    """What a rollback that succeeded put back; None as the version where its plan named none: then nobody knows."""
    release = run.facts.get("release") or {}
    version = release.get("incumbent") or None
    return LiveVersion(run.service, run.environment, version, now, "rollback", run.release_id, run.id)


def endorsed(release: Release, by: str, now: datetime) -> KnownVersion:
    """The candidate may be restored from now on: somebody accepted it."""
    return KnownVersion(release.service, release.candidate, VersionStanding.ENDORSED, now, by, release.id)


def baseline(policy: Policy, release: Release | None, now: datetime) -> tuple[LiveVersion | None, KnownVersion | None]:
    """What serves, and what may be restored, as far as the policy and its release say it before anything happened."""
    serves = first_version(policy, release)
    known = policy.baseline or (policy.release.incumbent if policy.release else None)
    live = LiveVersion(policy.service, place_of_release(policy), serves, now, BASELINE, release.id if release else None)
    standing = VersionStanding.BASELINE
    return (
        live if serves else None,
        KnownVersion(policy.service, known, standing, now, ANDON.name) if known else None,
    )


def register_baseline(tx: Transaction, policy: Policy, release: Release | None, now: datetime) -> None:
    """Write down what a service starts from, where nothing is known of it yet. The service has to be locked."""
    live, known = baseline(policy, release, now)
    subject = f"service:{policy.service}"
    if live is not None and not tx.live_versions(policy.service, live.environment, placed=True, limit=1):
        tx.add(live)
        data = {"version": live.version, "environment": live.environment}
        tx.add(AuditEntry(now, ANDON.name, "version.live", subject, {**data, "how": live.how}))
    if known is not None and not tx.known_versions(policy.service):
        tx.save(known)
        tx.add(AuditEntry(now, ANDON.name, "version.known", subject, {"version": known.version, "as": "baseline"}))


def is_registered(tx: Transaction, policy: Policy, now: datetime) -> bool:
    """Whether nothing is left to be written down; asked without a lock."""
    release = tx.latest_releases((policy.service,)).get(policy.service)
    live, known = baseline(policy, release, now)
    has_live = live is None or bool(tx.live_versions(policy.service, live.environment, placed=True, limit=1))
    return has_live and (known is None or bool(tx.known_versions(policy.service)))
