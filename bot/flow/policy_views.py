"""What is shown of policies and playbooks: which version is in force, who wrote and read it, and what it says."""

from __future__ import annotations

from typing_extensions import TypedDict

from bot.domain.configuration import Configuration
from bot.domain.errors import NotFound
from bot.domain.policy_versions import FileKind, PolicyVersion
from bot.domain.times import format_time
from bot.flow.policy_reviews import next_review
from bot.flow.shapes import Time
from bot.ports import Transaction


class PolicyView(TypedDict):
    kind: str
    """`policy` or `playbook`."""
    name: str
    """Of a policy, the service."""
    digest: str
    """As it stands with each decision."""
    in_force: bool
    since: Time
    until: Time | None
    first_in_force_at: Time
    commit: str | None
    committed_at: Time | None
    author: str | None
    reviewer: str | None
    reviewed: bool
    why_not: str
    """What keeps it from counting as reviewed."""
    dirty: bool
    previous: str | None
    review_due_at: Time | None
    """Where the policy has `review_every`."""


class PolicyDetail(PolicyView):
    text: str
    diff: str
    """Unified, against the version that was in force before."""
    versions: list[PolicyView]
    """All of this file, newest in force first."""


class Policies(TypedDict):
    items: list[PolicyView]
    next: str | None


def policies_view(tx: Transaction, configuration: Configuration | None = None) -> Policies:
    """Everything that is in force."""
    return {"items": [policy_view(one, configuration) for one in tx.policies_in_force()], "next": None}


def policy_detail(
    tx: Transaction,
    name: str,
    version: str | None,
    configuration: Configuration | None = None,
    kind: FileKind = FileKind.POLICY,
) -> PolicyDetail:
    """One version of a file, the one in force unless another is named by its digest. NotFound where there is none."""
    versions = tx.policy_versions((kind, name))
    if not versions:
        raise NotFound(f"No {kind} {name!r} was ever in force", next="`andon policy list` shows those that are")
    wanted = [one for one in versions if version is None or one.digest == version]
    if not wanted:
        raise NotFound(f"No version {version!r} of {name!r} was ever in force", next="leave it out for the newest")
    shown = policy_view(wanted[0], configuration)
    listed = [policy_view(one, configuration) for one in versions]
    return {**shown, "text": wanted[0].text, "diff": wanted[0].diff, "versions": listed}


def policy_view(version: PolicyVersion, configuration: Configuration | None = None) -> PolicyView:
    """One version."""
    policy = configuration.policies.get(version.name) if configuration and version.kind is FileKind.POLICY else None
    due = next_review(version, policy) if policy and version.is_in_force else None
    return {
        "kind": str(version.kind),
        "name": version.name,
        "digest": version.digest,
        "in_force": version.is_in_force,
        "since": format_time(version.in_force_since),
        "until": format_time(version.ended_at) if version.ended_at else None,
        "first_in_force_at": format_time(version.first_in_force_at),
        "commit": version.commit,
        "committed_at": format_time(version.committed_at) if version.committed_at else None,
        "author": version.author,
        "reviewer": version.reviewer,
        "reviewed": version.is_reviewed,
        "why_not": version.why,
        "dirty": version.dirty,
        "previous": version.previous,
        "review_due_at": format_time(due) if due else None,
    }
