"""Tells anew what stands in a channel: a countdown, a question that was answered, facts that changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.configuration import Configuration
from bot.domain.incidents import Incident
from bot.domain.records import Approval, Notice
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.flow import offers
from bot.flow.items import item_facts, meeting_facts
from bot.flow.telling import About, Teller
from bot.ports import Transaction

LIVE = frozenset(
    {
        "progress", "approval_needed", "approval_expired", "needs_human", "halted", "restored", "handover_offered",
        "escalated", "update_wanted", "recorded", "suggested", "endorsement_wanted",
    }
)  # fmt: skip
"""Notices that show how things stand, so that what stands there is told anew when they change."""

PROGRESS = "progress"
ECHOES = ("recorded", "suggested")
"""Notices that echo a minute where it was said."""
MEETINGS = ("meeting_proposed", "meeting_started")
"""Notices that show a meeting that may still be moved, started, ended or called off."""
_SOON, _LATER = timedelta(seconds=5), timedelta(seconds=20)
_QUICK_FOR = timedelta(minutes=3)
"""Slack takes some 50 edits a minute (tier 3): a countdown moves quickly at first, then every 20 s."""


class Freshener:
    """Looks the records up again; it never decides and never changes them."""

    def __init__(self, teller: Teller, configuration: Callable[[], Configuration]) -> None:
        self._teller = teller
        self._configuration = configuration

    def fresh(self, tx: Transaction, notice: Notice, now: datetime) -> Notice | None:
        """The notice with the facts of now and its next time; None where it tells of a moment and stays as it is."""
        policy = self._configuration().policies.get(notice.service)
        incident = tx.incident(notice.incident_id) if notice.incident_id else None
        if notice.name in MEETINGS:
            return _meeting(tx, notice, now)
        if notice.name not in LIVE or policy is None or incident is None:
            return None
        run = tx.run(notice.run_id) if notice.run_id else None
        if notice.name in ECHOES:
            return _echo(tx, notice, now)
        approval = _approval(tx, notice, run)
        about = About(
            name=notice.name,
            policy=policy,
            incident=incident,
            cause=notice.cause,
            now=now,
            run=run,
            release=tx.release(incident.release_id) if incident.release_id else None,
            report=tx.facts(incident.id),
            more=_standing(notice, run, approval, incident),
        )
        if notice.name == "halted":
            service = tx.service(notice.service)
            about = replace(about, more={**about.more, "halted": service is not None and service.is_halted})
        facts = {**notice.facts, **self._teller.facts_of(about)}
        return replace(notice, facts=facts, revision=incident.revision, refresh_at=_next(notice, run, now))


def _echo(tx: Transaction, notice: Notice, now: datetime) -> Notice | None:
    """How the minute stands now; None where it says so already."""
    told = notice.facts.get("item")
    minute = tx.minute(str(told["id"])) if isinstance(told, Mapping) else None
    if minute is None or told == (item := item_facts(minute, now)):
        return None
    facts = {**notice.facts, "as_of": format_time(now), "item": item, "buttons": offers.for_minute(minute)}
    return replace(notice, facts=facts, refresh_at=None)


def _meeting(tx: Transaction, notice: Notice, now: datetime) -> Notice | None:
    """How the meeting stands now; None where it says so already."""
    told = notice.facts.get("meeting")
    if not isinstance(told, Mapping) or notice.incident_id is None:
        return None
    meeting = next((one for one in tx.meetings(notice.incident_id) if one.id == told["id"]), None)
    if meeting is None or told == (facts := meeting_facts(meeting)):
        return None
    changed = {"as_of": format_time(now), "meeting": facts, "buttons": offers.for_meeting(meeting)}
    return replace(notice, facts={**notice.facts, **changed}, refresh_at=None)


def _standing(notice: Notice, run: Run | None, approval: Approval | None, incident: Incident) -> dict[str, object]:
    answered = approval is not None and not approval.is_open
    return {
        "buttons": offers.of(notice.name, run=run, approval=approval, incident=incident, facts=notice.facts),
        "answer": {
            "status": str(approval.status),
            "by": approval.answered_by or "",
            "at": format_time(approval.answered_at) if approval.answered_at else "",
        }
        if approval is not None and answered
        else {},
    }


def _approval(tx: Transaction, notice: Notice, run: Run | None) -> Approval | None:
    named = notice.facts.get("approval")
    if run is None or not named:
        return None
    return next((one for one in tx.approvals(run.id) if one.id == named), None)


def _next(notice: Notice, run: Run | None, now: datetime) -> datetime | None:
    if notice.name != PROGRESS or run is None or run.is_ended:
        return None
    return now + (_SOON if now - run.accepted_at < _QUICK_FOR else _LATER)
