"""The summary of an incident so far: key points, decisions, action items, open questions, and when people hear next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.policies import Policy
from bot.domain.records import TimelineEntry
from bot.domain.releases import Release
from bot.domain.report_facts import FIELDS, Fact, newest, spoken
from bot.domain.times import format_time
from bot.flow.consequences import Consequences
from bot.flow.gathering import reachable
from bot.flow.items import item_facts, meeting_facts, standing
from bot.flow.situation import Situation
from bot.flow.told_facts import incident_facts
from bot.ports import Transaction

_TOLD = (
    "broken", "user_effect", "metric", "confidence_interval", "suspected_cause", "business_effect", "legal_effect",
    "recommendation", "estimate",
)  # fmt: skip
IMPORTANT = frozenset(
    {"opened", "halt", "lift", "lifted", "restored", "endorsed", "resolved", "approval", "run", "update", "correction"}
)
"""Kinds of timeline lines that a summary tells; the others are on the page."""
_MOST_MOMENTS = 12


@dataclass(frozen=True)
class Summing:
    """What a summary is made of."""

    incident: Incident
    facts: Sequence[Fact]
    timeline: Sequence[TimelineEntry]
    minutes: Sequence[Minute]
    meetings: Sequence[Meeting] = ()
    release: Release | None = None

    @classmethod
    def read(cls, tx: Transaction, incident: Incident) -> Summing:
        """All of it, as it is stored."""
        return cls(
            incident=incident,
            facts=tx.facts(incident.id),
            timeline=tx.timeline(incident.id),
            minutes=tx.minutes(incident.id),
            meetings=tx.meetings(incident.id),
            release=tx.release(incident.release_id) if incident.release_id else None,
        )

    @property
    def says_something(self) -> bool:
        """People said or promised something: a summary tells more than the notice of the end does."""
        counts = any(one.status is not MinuteStatus.WITHDRAWN for one in self.minutes)
        return counts or any(fact.is_known for fact in self.facts) or bool(self.meetings)


def summary_facts(summing: Summing, now: datetime, meeting: Meeting | None = None) -> dict[str, Any]:
    """What the notice `summary` tells; plain JSON. Questions are those that are open, with the answered ones after."""
    minutes = list(summing.minutes)
    questions = sorted(standing(minutes, MinuteKind.QUESTION), key=lambda one: not one.is_open)
    due = summing.incident.update_due_at
    return {
        "meeting": meeting_facts(meeting) if meeting is not None else {},
        "key_points": key_points(summing),
        "decisions": [item_facts(one, now) for one in standing(minutes, MinuteKind.DECISION)],
        "action_items": [item_facts(one, now) for one in standing(minutes, MinuteKind.ACTION_ITEM)],
        "questions": [item_facts(one, now) for one in questions],
        "suggested": sum(1 for one in minutes if one.status is MinuteStatus.SUGGESTED),
        "next_update": format_time(due) if due is not None else "",
    }


def key_points(summing: Summing) -> list[str]:
    """What is known, then what happened, each with its time in UTC."""
    current = newest(list(summing.facts))
    points = [
        f"{FIELDS[name].label}: {spoken(name, current[name].value)}"
        for name in _TOLD
        if name in current and current[name].is_known
    ]
    moments = [entry for entry in summing.timeline if entry.kind in IMPORTANT]
    kept = [*moments[:2], *moments[2:][-(_MOST_MOMENTS - 2) :]]
    return [*points, *(f"{entry.at:%H:%M} UTC: {_line(entry.text)}" for entry in kept)]


def send_summary(
    consequences: Consequences,
    situation: Situation,
    policy: Policy,
    incident: Incident,
    *,
    cause: str,
    meeting: Meeting | None = None,
    last: str = "",
) -> bool:
    """Tell every audience, and whoever was invited and is in none; False where there is nothing to sum up.

    `last` is a point about what happens with this very commit."""
    summing = Summing.read(situation.tx, incident)
    if meeting is None and not summing.says_something:
        return False
    facts = summary_facts(summing, situation.now, meeting)
    facts["key_points"] += [_line(last)] if last else []
    about = consequences.about(situation, "summary", policy, incident, cause=cause, **facts)
    situation.tell(consequences.teller.about_incident(about))
    met = meeting or next(reversed(summing.meetings), None)
    if met is not None:
        told = {mail for one in policy.audiences.values() for mail in one.email}
        invited = [one for one in reachable(met.invitees) if one not in told]
        situation.tell(consequences.teller.to_people(about, invited))
    consequences.write(
        situation,
        incident,
        "summary",
        f"Summary sent: {len(facts['decisions'])} decisions, {len(facts['action_items'])} action items, "
        f"{len(facts['questions'])} questions",
        data={"meeting": meeting.id if meeting else None},
    )
    return True


def summary_report(
    tx: Transaction, incident: Incident, policy: Policy | None, address: str, now: datetime
) -> dict[str, Any]:
    """What the Markdown summary reads: the facts of the notice, with all meetings."""
    summing = Summing.read(tx, incident)
    last = next(reversed(summing.meetings), None)
    return {
        "as_of": format_time(now),
        "service": incident.service,
        "summary": policy.summary if policy else "",
        "incident": incident_facts(incident, address),
        "resolved_at": format_time(incident.resolved_at) if incident.resolved_at else "",
        "release": {"incumbent": summing.release.incumbent, "candidate": summing.release.candidate}
        if summing.release
        else {},
        "meetings": [meeting_facts(one) for one in summing.meetings],
        **summary_facts(summing, now, last),
    }


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
