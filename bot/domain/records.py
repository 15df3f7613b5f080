"""What is written down: timeline entries, approvals, notices, audit entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.errors import Refused


@dataclass(frozen=True)
class TimelineEntry:
    """One line of an incident's history. `kind` is a word for machines, `text` a sentence for people."""

    id: str
    incident_id: str
    at: datetime
    kind: str
    text: str
    actor: str | None = None
    run_id: str | None = None
    link: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class ApprovalStatus(StrEnum):
    """An approval is asked for once and answered once; an expired one may still be answered."""

    ASKED = "asked"
    EXPIRED = "expired"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Approval:
    """A question to a role, bound to one run and to exactly the plan that was shown."""

    id: str
    run_id: str
    role: str
    question: str
    plan_hash: str
    asked_at: datetime
    expires_at: datetime
    then: str = "hold"
    step_id: str | None = None
    """None: the approval that the run needs before its first step."""
    requested_by: str | None = None
    status: ApprovalStatus = ApprovalStatus.ASKED
    answered_by: str | None = None
    answered_at: datetime | None = None
    answered_as: str | None = None
    """The member of the role by which it was answered, where that is a group."""

    @property
    def is_open(self) -> bool:
        """Can still be answered: asked, or expired while the run keeps waiting."""
        return self.status in (ApprovalStatus.ASKED, ApprovalStatus.EXPIRED)

    def answered(self, status: ApprovalStatus, by: str, now: datetime, *, as_member: str | None = None) -> Self:
        """The approval after an answer; a second answer is refused with the first one's name and time."""
        if not self.is_open:
            raise Refused(f"This was {self.status} by {self.answered_by} at {self.answered_at:%H:%M:%S} UTC")
        return replace(self, status=status, answered_by=by, answered_at=now, answered_as=as_member)


class NoticeStatus(StrEnum):
    """States of a notice; see the states page of the documentation."""

    DUE = "due"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Notice:
    """One message to one audience over one medium, due because of a record."""

    id: str
    service: str
    audience: str
    name: str
    """Which notice it is, after its template: `restored`, `halted`, …"""
    cause: str
    """What it is due to, as `kind:id` of a record: an event, a run, a decision."""
    due_at: datetime
    facts: Mapping[str, Any]
    revision: int = 1
    incident_id: str | None = None
    run_id: str | None = None
    medium: str = "page"
    address: str = ""
    """A Slack channel or person, mail addresses joined by commas; empty for the page."""
    status: NoticeStatus = NoticeStatus.DUE
    subject: str = ""
    body: str = ""
    tries: int = 0
    error: str = ""
    sent_at: datetime | None = None
    attempted_at: datetime | None = None
    """When a try began whose end nobody recorded yet: it may have gone through."""
    tried: tuple[str, ...] = ()
    """`medium:address` of the ways that failed for good."""
    ref: str = ""
    """How its medium knows it: Slack's `ts`, a mail's Message-ID, a pager's key."""
    posted_in: str = ""
    """Where it stands: of a message to a person, the conversation."""
    link: str | None = None
    refresh_at: datetime | None = None
    """When what stands there is to be told anew, in place."""

    def sent(self, subject: str, body: str, now: datetime) -> Self:
        """Rendered and handed to its medium."""
        return replace(
            self, status=NoticeStatus.SENT, subject=subject, body=body, sent_at=now, error="", attempted_at=None
        )

    def superseded(self) -> Self:
        """Not to be sent any more: what it says is not so now."""
        return replace(self, status=NoticeStatus.SUPERSEDED)

    def failed(self, error: str, *, retry_at: datetime | None) -> Self:
        """Not sent: due again at `retry_at`, or dead where that is None."""
        status = NoticeStatus.DEAD if retry_at is None else NoticeStatus.FAILED
        return replace(self, status=status, error=error, tries=self.tries + 1, due_at=retry_at or self.due_at)


def is_of_drill(notice: Notice) -> bool:
    """Whether it tells of a rehearsal: its words begin with DRILL then, whatever its template says."""
    run = notice.facts.get("run")
    is_of_run = isinstance(run, Mapping) and run.get("drill")
    return bool(notice.facts.get("is_drill") or notice.facts.get("drill") or is_of_run)


@dataclass(frozen=True)
class AuditEntry:
    """One row of the append-only trail; it commits with its cause."""

    at: datetime
    actor: str
    action: str
    subject: str
    """What it was done to, as `kind:id`."""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditFault:
    """The first row of the trail that does not verify, and how."""

    position: int
    problem: str
