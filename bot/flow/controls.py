"""The report on controls: for a time, who approved, ordered, changed and entered what, from the record alone.

For a time that is over the report is the same whenever it is made: what came to be known later is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from bot.account_records import GateTally
from bot.domain.drills import Drill, DrillState
from bot.domain.errors import BadInput
from bot.domain.gates import GateVerdict
from bot.domain.permits import SELF_APPROVAL
from bot.domain.records import Approval, ApprovalStatus, AuditEntry
from bot.domain.releases import Release
from bot.domain.times import format_time, parse_time
from bot.domain.walks import Walk
from bot.flow.controls_postmortems import postmortems_of
from bot.flow.controls_trail import Trail, policy_change
from bot.flow.token_keeping import CONFIGURED
from bot.ports import Transaction

PAYLOAD_TYPE = "application/vnd.andon.controls.v1+json"
ANCHORED = "audit.anchored"
"""Counted, not listed: it happens every hour."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """From one moment on until just before another, of one service or of all; `seen_until` is how far it is known."""

    since: datetime
    until: datetime
    seen_until: datetime
    service: str | None = None

    @property
    def is_over(self) -> bool:
        """Nothing is added to it any more."""
        return self.until <= self.seen_until

    def is_about(self, service: str | None) -> bool:
        """Whether a row belongs to it; what is about no service in particular is about every one."""
        return self.service is None or service in (None, "", self.service)


def period_of(first: str, last: str, now: datetime, service: str | None = None) -> Period:
    """The time between two days (UTC, the last one included) or RFC 3339 moments. BadInput where that is none."""
    since, until = _moment(first, end=False), _moment(last, end=True)
    if until <= since:
        raise BadInput(f"{last} does not come after {first}", next="give the first day, then the last")
    if since > now:
        raise BadInput(f"{first} is still to come", next="nothing is on record of it")
    return Period(since, until, max(since, min(until, now)), service)


def _moment(text: str, *, end: bool) -> datetime:
    if len(text) != len("2026-01-31"):
        return parse_time(text)
    try:
        day = datetime.combine(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date(), time(), tzinfo=UTC)
        return day + _DAY if end else day
    except (ValueError, OverflowError):
        raise BadInput(f"{text!r} is not a day", next="write it like 2026-01-31") from None


def controls_report(tx: Transaction, period: Period) -> dict[str, Any]:
    """Everything that the report says, as plain values."""
    trail = Trail(tx, period.since, period.until)
    approvals = [
        _approval(service, environment, one, period)
        for service, environment, one in tx.approvals_between(period.since, period.until)
        if period.is_about(service)
    ]
    rehearsed = tx.drills_between(period.since, period.until)
    drills = [_drill(one, period) for one in rehearsed if period.is_about(one.service)]
    verdicts = (GateVerdict.FAIL, GateVerdict.UNKNOWN)
    gates = [one for one in tx.gate_tallies(period.since, period.until, verdicts) if period.is_about(one.service)]
    emergencies = [
        _emergency(release, walk, trail, period)
        for release, walk in tx.emergencies_between(period.since, period.until)
        if period.is_about(release.service)
    ]
    accounts = _postmortems(tx, period)
    changes = [policy_change(tx, one) for one in trail.starting("policy.")]
    return {
        "report": "controls",
        "from": format_time(period.since),
        "to": format_time(period.until),
        "as_of": format_time(period.seen_until),
        "complete": period.is_over,
        "service": period.service,
        "approvals": approvals,
        "orders": trail.orders(period.is_about),
        "refused": _refused(trail, period),
        "drills": {"counts": _counts(one["state"] for one in drills), "items": drills},
        "gates": {"by_kind": _by_kind(gates), "by_release": [_tally(one) for one in gates]},
        "emergencies": emergencies,
        "policy_changes": [one for one in changes if period.is_about(one["service"])],
        "access": _access(tx, trail, period),
        "keeping": [one for one in trail.rows_about(period.is_about, "hold.", "audit.") if one["action"] != ANCHORED],
        "anchored": len(trail.starting(ANCHORED)),
        "exports": trail.rows_about(period.is_about, "bundle."),
        "postmortems": {"counts": _counts(one["state"] for one in accounts), "items": accounts},
        "watchdog": trail.rows("watchdog."),
    }


def _approval(service: str, environment: str, one: Approval, period: Period) -> dict[str, Any]:
    """As it stood at the end of the time: an answer that came later is not in it."""
    answered = one.answered_at is not None and one.answered_at < period.until
    lapsed = ApprovalStatus.EXPIRED if one.expires_at <= period.seen_until else ApprovalStatus.ASKED
    end = one.answered_at if answered and one.answered_at else period.seen_until
    return {
        "id": one.id,
        "service": service,
        "environment": environment,
        "run": one.run_id,
        "step": one.step_id,
        "role": one.role,
        "question": one.question,
        "plan": one.plan_hash,
        "asked_at": format_time(one.asked_at),
        "asked_by": one.requested_by,
        "status": str(one.status if answered else lapsed),
        "answered_by": one.answered_by if answered else None,
        "answered_as": one.answered_as if answered else None,
        "answered_at": format_time(end) if answered else None,
        "waited_seconds": round((end - one.asked_at).total_seconds(), 3),
    }


def _refused(trail: Trail, period: Period) -> list[dict[str, Any]]:
    found = []
    for row in trail.starting("refused."):
        service = trail.service_of(row)
        if period.is_about(service):
            why = str(row.data.get("why", ""))
            shown = {"at": format_time(row.at), "by": row.actor, "order": row.action.partition(".")[2]}
            about = {"subject": row.subject.partition(":")[2], "service": service, "via": row.data.get("via")}
            found.append({**shown, **about, "why": why, "self_approval": SELF_APPROVAL in why})
    return found


def _drill(one: Drill, period: Period) -> dict[str, Any]:
    ended = one.ended_at is not None and one.ended_at < period.until
    seconds = one.seconds_to_restore if ended else None
    return {
        "id": one.id,
        "service": one.service,
        "environment": one.environment,
        "playbook": one.playbook,
        "slot": format_time(one.slot),
        "asked_by": one.requested_by,
        "state": str(one.state) if ended else "open",
        "ended_at": format_time(one.ended_at) if ended and one.ended_at else None,
        "why": one.why if ended else "",
        "by": one.actor if ended and one.state in (DrillState.SKIPPED, DrillState.WITHDRAWN) else None,
        "restored_seconds": round(seconds, 3) if seconds is not None else None,
        "objective_seconds": one.objective_seconds,
        "human": one.human if ended else None,
    }


def _postmortems(tx: Transaction, period: Period) -> list[dict[str, Any]]:
    found = postmortems_of(tx, period.since, period.until, period.seen_until)
    return [one for one in found if period.is_about(one["service"])]


def _counts(words: Iterable[str]) -> list[dict[str, Any]]:
    return [{"state": word, "count": count} for word, count in sorted(Counter(words).items())]


def _by_kind(gates: Sequence[GateTally]) -> list[dict[str, Any]]:
    kinds: dict[str, Counter[str]] = {}
    for one in gates:
        kinds.setdefault(one.use, Counter())[str(one.verdict)] += one.count
    return [{"gate": use, "fail": found["fail"], "unknown": found["unknown"]} for use, found in sorted(kinds.items())]


def _tally(one: GateTally) -> dict[str, Any]:
    return {
        "service": one.service,
        "release": one.release_id,
        "stage": one.stage,
        "gate": one.use,
        "name": one.name,
        "verdict": str(one.verdict),
        "count": one.count,
        "first_at": format_time(one.first_at),
        "last_at": format_time(one.last_at),
    }


def _emergency(release: Release, walk: Walk, trail: Trail, period: Period) -> dict[str, Any]:
    due, at = walk.retrospective_due_at, walk.retrospective_at
    written = at is not None and at < period.until
    return {
        "release": release.id,
        "service": release.service,
        "candidate": release.candidate,
        "incumbent": release.incumbent,
        "author": release.author,
        "started_at": format_time(release.opened_at),
        "started_by": walk.started_by,
        "second_person": trail.second_person(release.id),
        "retrospective_due_at": format_time(due) if due else None,
        "retrospective_at": format_time(at) if at and written else None,
        "retrospective_by": walk.retrospective_by if written else None,
        "overdue": due is not None and due < period.seen_until and not (written and at is not None and at <= due),
    }


def _access(tx: Transaction, trail: Trail, period: Period) -> dict[str, Any]:
    before = tx.newest_audit(CONFIGURED, period.since)
    return {
        "tokens_at_start": list(before.data.get("tokens", ())) if before else None,
        "token_changes": [
            {"at": format_time(one.at), "tokens": list(one.data.get("tokens", ()))}
            for one in trail.starting(CONFIGURED)
        ],
        "links": [_entry(one) for one in trail.starting("access.link")],
        "sessions": [_entry(one) for one in trail.starting("access.session")],
        "logouts": len(trail.starting("access.ended")),
        "refused_logins": sum(int(one.data.get("count", 1)) for one in trail.starting("access.refused")),
    }


def _entry(one: AuditEntry) -> Mapping[str, Any]:
    by = one.data.get("by") or one.data.get("via")
    return {"at": format_time(one.at), "name": one.actor, "role": one.data.get("role"), "by": by}
