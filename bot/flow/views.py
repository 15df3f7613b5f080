"""What is shown of the records, in one place: plain JSON values for the API, `--json` and the pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.decisions import Decision
from bot.domain.events import Event, Receipt
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.live import TOLD_AFTER, place_of_release
from bot.domain.minutes import MinuteKind, MinuteStatus
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import PRODUCTION, Mode, Policy
from bot.domain.records import AuditFault, Notice, TimelineEntry
from bot.domain.releases import Automation, Release, ReleaseStatus, Service
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.flow import shapes
from bot.flow.live_views import live_in
from bot.flow.people_views import items_of, items_that_are, meeting_view, report_view, team_decisions
from bot.flow.run_views import run_view
from bot.flow.watches import watch_view
from bot.ports import Transaction


def incident_summary(tx: Transaction, incident: Incident) -> shapes.IncidentSummary:
    """One line of a list of incidents."""
    release = tx.release(incident.release_id) if incident.release_id else None
    return {
        "id": incident.id,
        "service": incident.service,
        "environment": incident.environment,
        "title": incident.title,
        "severity": str(incident.severity),
        "status": str(incident.status),
        "release": release_view(release),
        "opened_at": format_time(incident.opened_at),
        "resolved_at": _time(incident.resolved_at),
        "previous_id": incident.previous_id,
        "event_id": incident.event_id,
        "alerts": incident.alert_count,
        "revision": incident.revision,
        "owner": incident.owner,
        "offered_to": incident.offered_to,
        "update_due_at": _time(incident.update_due_at),
    }


def incident_view(tx: Transaction, incident: Incident, now: datetime) -> shapes.IncidentView:
    """An incident with all that belongs to it. Runs are newest first, everything else oldest first."""
    minutes = tx.minutes(incident.id)
    decided = [decision_view(decision) for decision in tx.decisions(incident_id=incident.id)]
    return {
        **incident_summary(tx, incident),
        "timeline": [timeline_view(entry, incident.opened_at) for entry in tx.timeline(incident.id)],
        "decisions": sorted([*decided, *team_decisions(minutes, incident)], key=lambda one: one["at"]),
        "action_items": items_of(minutes, MinuteKind.ACTION_ITEM, now),
        "questions": items_of(minutes, MinuteKind.QUESTION, now),
        "suggested": items_that_are(minutes, MinuteStatus.SUGGESTED, now),
        "withdrawn": items_that_are(minutes, MinuteStatus.WITHDRAWN, now),
        "meetings": [meeting_view(one) for one in tx.meetings(incident.id)],
        "report": report_view(tx.facts(incident.id)),
        "watch": watch_view(tx, incident),
        "runs": [run_view(tx, run) for run in tx.runs(limit=100, incident_id=incident.id)],
        "notices": [notice_view(notice) for notice in tx.notices(incident_id=incident.id)],
    }


def timeline_view(entry: TimelineEntry, opened_at: datetime) -> shapes.TimelineView:
    """One line of a timeline, with its distance from the opening."""
    return {
        "id": entry.id,
        "at": format_time(entry.at),
        "seconds": round((entry.at - opened_at).total_seconds(), 3),
        "kind": entry.kind,
        "text": entry.text,
        "actor": entry.actor,
        "run_id": entry.run_id,
        "link": entry.link,
        "data": dict(entry.data),
    }


def decision_view(decision: Decision) -> shapes.DecisionView:
    """A decision with its reason, what each criterion said, and the alert that was judged."""
    return {
        "kind": "verdict",
        "id": decision.id,
        "event_id": decision.event_id,
        "at": format_time(decision.at),
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "actor": decision.actor,
        "service": decision.service,
        "environment": decision.environment,
        "severity": str(decision.severity) if decision.severity else None,
        "criterion": decision.criterion,
        "playbook": decision.playbook,
        "authority": decision.authority,
        "policy_digest": decision.policy_digest,
        "incident_id": decision.incident_id,
        "run_id": decision.run_id,
        "trace": [{"criterion": one.criterion, "truth": one.truth, "why": one.why} for one in decision.trace],
        "alert": dict(decision.alert),
        "text": "",
        "options": [],
        "choice": "",
        "why": "",
        "evidence": None,
        "source_link": None,
    }


def notice_view(notice: Notice) -> shapes.NoticeView:
    """One message to one audience."""
    return {
        "id": notice.id,
        "service": notice.service,
        "audience": notice.audience,
        "name": notice.name,
        "cause": notice.cause,
        "medium": notice.medium,
        "status": str(notice.status),
        "revision": notice.revision,
        "incident_id": notice.incident_id,
        "run_id": notice.run_id,
        "due_at": format_time(notice.due_at),
        "sent_at": _time(notice.sent_at),
        "subject": notice.subject,
        "body": notice.body,
        "tries": notice.tries,
        "error": notice.error,
        "address": notice.address,
        "link": notice.link,
        "ref": notice.ref,
        "tried": list(notice.tried),
    }


def release_view(release: Release | None) -> shapes.ReleaseView | None:
    """A release, or None where there is none."""
    if release is None:
        return None
    return {
        "id": release.id,
        "service": release.service,
        "incumbent": release.incumbent,
        "candidate": release.candidate,
        "status": str(release.status),
        "state": release.state,
        "stage": release.stage,
        "opened_at": format_time(release.opened_at),
        "ended_at": _time(release.ended_at),
    }


def service_view(tx: Transaction, name: str, policy: Policy | None, now: datetime) -> shapes.ServiceView:
    """The state of a service: a halt first, since it stays until it is lifted, then what its incidents do."""
    service = tx.service(name) or Service(name)
    release = tx.release(service.release_id) if service.release_id else tx.latest_releases([name]).get(name)
    incidents = list(tx.open_incidents([name]).values())
    runs = list(tx.active_runs([name]).values())
    return {
        "service": name,
        "summary": policy.summary if policy else "",
        "state": _service_state(service, incidents, runs),
        "mode": str(policy.mode) if policy else None,
        "observe": bool(policy and policy.mode is Mode.OBSERVE),
        "halted": _halt_view(service),
        "hands_off": _hands_off_view(service, now),
        "release": release_view(release),
        "live": _live_view(tx, name, policy, release),
        "environments": sorted(policy.targets) if policy else [],
        "incidents": sorted(incident.id for incident in incidents),
        "runs": sorted(run.id for run in runs),
    }


def _service_state(service: Service, incidents: Iterable[Incident], runs: Iterable[Run]) -> str:
    statuses = {incident.status for incident in incidents if not incident.drill}
    restoring = any(run.kind is PlaybookKind.ROLLBACK and run.is_approved and not run.drill for run in runs)
    if service.is_halted:
        return "halted"
    if restoring or IncidentStatus.ROLLING_BACK in statuses:
        return "rolling_back"
    return "monitoring" if IncidentStatus.MONITORING in statuses else "normal"


def _halt_view(service: Service) -> shapes.HaltView | None:
    if service.halted_at is None:
        return None
    return {"at": format_time(service.halted_at), "by": service.halted_by, "reason": service.halt_reason}


def _hands_off_view(service: Service, now: datetime) -> shapes.HandsOffView | None:
    if service.hands_off_until is None or not service.is_hands_off(now):
        return None
    until = format_time(service.hands_off_until)
    return {"until": until, "by": service.hands_off_by, "reason": service.hands_off_reason}


def _live_view(tx: Transaction, name: str, policy: Policy | None, release: Release | None) -> shapes.LiveView:
    state = live_in(tx, name, place_of_release(policy) if policy else PRODUCTION, policy)
    last = state["last_read"]
    if last is not None and (last["failures"] >= TOLD_AFTER or state["as_expected"] is False):
        return {"version": state["version"], "reason": state["reason"]}
    if release is None:
        known = state["version"] is not None
        return {"version": state["version"], "reason": state["reason"] if known else "no release is registered"}
    if release.status is ReleaseStatus.ROLLED_BACK:
        return {"version": state["version"] or release.incumbent, "reason": f"restored from {release.candidate}"}
    if release.status is ReleaseStatus.ABANDONED:
        return {"version": state["version"] or release.incumbent, "reason": f"{release.candidate} was abandoned"}
    if len(state["expected"]) == 1 and state["as_expected"]:
        return {"version": state["version"], "reason": state["reason"]}
    return {"version": None, "reason": f"in flight: {release.candidate} is on its way past {release.incumbent}"}


def event_view(event: Event) -> shapes.EventView:
    """One line of a list of events."""
    return {
        "id": event.id,
        "source": event.source,
        "disposition": str(event.disposition),
        "accepted_at": format_time(event.accepted_at),
        "alerts": event.alerts,
        "problem": event.problem,
        "actor": event.actor,
        "replay_of": event.replay_of,
        "replayed_as": event.replayed_as,
        "incidents": list(event.incident_ids),
        "runs": list(event.run_ids),
    }


def event_detail(tx: Transaction, event: Event) -> shapes.EventDetail:
    """An event with what came in and what was decided."""
    return {
        **event_view(event),
        "headers": dict(event.headers),
        "body": None if event.body is None else event.body.decode("utf-8", "replace"),
        "decisions": [decision_view(decision) for decision in tx.decisions(event_id=event.id)],
    }


def receipt_view(receipt: Receipt) -> shapes.ReceiptView:
    """The answer to a delivery."""
    return {
        "event_id": receipt.event_id,
        "disposition": str(receipt.disposition),
        "alerts": receipt.alerts,
        "incidents": list(receipt.incidents),
        "runs": list(receipt.runs),
    }


def order_view(receipt: Receipt) -> shapes.OrderView:
    """The answer to an order, with its sentence for people."""
    return {
        **receipt_view(receipt),
        "message": receipt.message,
        "refused": receipt.refused,
        "records": list(receipt.records),
    }


def automation_view(automation: Automation) -> shapes.AutomationView:
    """The switch for everything."""
    return {
        "on": automation.on,
        "changed_by": automation.changed_by,
        "changed_at": _time(automation.changed_at),
        "reason": automation.reason,
    }


def audit_view(fault: AuditFault | None) -> shapes.AuditView:
    """The outcome of a walk along the audit chain."""
    if fault is None:
        return {"ok": True, "position": None, "problem": None}
    return {"ok": False, "position": fault.position, "problem": fault.problem}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
