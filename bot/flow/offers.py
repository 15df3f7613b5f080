"""What a reader of a notice may do at once: its buttons, as its facts hold them. Each is checked again when pressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.drills import Drill, DrillState
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.letters import ButtonStyle
from bot.domain.meetings import Meeting, MeetingStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.records import Approval
from bot.domain.runs import Run, RunEvent, RunStatus
from bot.domain.times import format_time
from bot.domain.words import Word

Offer = dict[str, str]

_NONE: Mapping[str, Any] = {}

_HELP: Sequence[tuple[Word, RunEvent, str, ButtonStyle, str]] = (
    (Word.RETRY, RunEvent.RETRY, "Retry", ButtonStyle.PRIMARY, ""),
    (Word.DONE, RunEvent.DONE, "Done", ButtonStyle.PLAIN, "Is it done? Its check has to agree."),
    (Word.UNDO, RunEvent.UNDO, "Undo", ButtonStyle.DANGER, "Take back what was done so far?"),
    (Word.TAKE_OVER, RunEvent.TAKE_OVER, "Take over", ButtonStyle.PLAIN, "Andon will not touch this run any more."),
)


def offer(
    word: str, label: str, style: ButtonStyle = ButtonStyle.PLAIN, confirm: str = "", **value: str | None
) -> Offer:
    """One button: the word of its order, and what it is about."""
    pairs = ";".join(f"{key}={one}" for key, one in value.items() if one)
    return {"action": word, "label": label, "value": pairs, "style": str(style), "confirm": confirm}


def for_approval(run: Run, approval: Approval) -> list[Offer]:
    """Yes and no to exactly the plan that is shown; nothing once somebody has answered."""
    if not approval.is_open or run.is_ended:
        return []
    about = {"run": run.id, "plan": approval.plan_hash}
    return [
        offer(Word.APPROVE, "Approve", ButtonStyle.PRIMARY, f"Approve plan {approval.plan_hash}?", **about),
        offer(Word.REJECT, "Reject", ButtonStyle.DANGER, **about),
    ]


def for_help(run: Run) -> list[Offer]:
    """What helps a run that needs a person."""
    if run.status is not RunStatus.NEEDS_HUMAN:
        return []
    return [
        offer(word, label, style, confirm, run=run.id)
        for word, event, label, style, confirm in _HELP
        if run.allows(event)
    ]


def for_progress(run: Run) -> list[Offer]:
    """While a rollback goes on: to stop the bot and go on by hand."""
    if run.is_ended:
        return []
    confirm = "Andon stops before its next step and does not touch this run any more."
    return [offer(Word.TAKE_OVER, "Take over", ButtonStyle.DANGER, confirm, run=run.id)]


def for_halt(incident: Incident) -> list[Offer]:
    """What is known can be said, and somebody can take it."""
    if incident.status is IncidentStatus.RESOLVED:
        return []
    return [
        offer(Word.REPORT, "Say what is known", ButtonStyle.PRIMARY, incident=incident.id),
        offer(Word.TAKE, "Take it", incident=incident.id),
        offer(Word.MEETING_START, "Start the meeting", incident=incident.id),
    ]


def for_restored(incident: Incident) -> list[Offer]:
    """The restored state can be accepted."""
    if incident.status is not IncidentStatus.MONITORING:
        return []
    confirm = "Is the restored state serving as it should?"
    return [offer(Word.ENDORSE, "Endorse", ButtonStyle.PRIMARY, confirm, incident=incident.id)]


def for_handover(incident: Incident) -> list[Offer]:
    """Yes to taking it over, for whom it was offered to."""
    if incident.offered_to is None:
        return []
    return [offer(Word.ACCEPT, "Accept", ButtonStyle.PRIMARY, incident=incident.id)]


def for_call(run: Run, approval: Approval | None, incident: Incident, level: str) -> list[Offer]:
    """What somebody who is called can do: answer it, look at it, or take the incident."""
    answers = for_help(run) if approval is None else for_approval(run, approval)
    if not answers:
        return []
    looks = offer(Word.ACKNOWLEDGE, "I look at it", escalation=level)
    return [*answers, looks, offer(Word.TAKE, "Take the incident", incident=incident.id)]


def for_draft(incident: Incident, draft: str) -> list[Offer]:
    """What an owner can do with the draft of an update; nothing once an update went out."""
    asked_at = incident.update_asked_at
    if asked_at is None or format_time(asked_at) != draft:
        return []
    return [
        offer(Word.UPDATE, "Send as it is", ButtonStyle.PRIMARY, incident=incident.id, draft=draft),
        offer(Word.UPDATE, "Edit", incident=incident.id, edit=draft),
    ]


def for_item(minute: Minute) -> list[Offer]:
    """What an owner can do with what is still to be done, or still without an answer."""
    if not minute.is_open:
        return []
    is_question = minute.kind is MinuteKind.QUESTION
    first = (Word.ANSWER, "Answer") if is_question else (Word.FINISH, "Done")
    return [
        offer(*first, ButtonStyle.PRIMARY, minute=minute.id),
        offer(Word.SNOOZE, "Snooze", minute=minute.id),
        offer(Word.REASSIGN, "Reassign", minute=minute.id),
    ]


def for_meeting(meeting: Meeting) -> list[Offer]:
    """A meeting that is proposed can be started or called off, one that goes on can be ended."""
    about, primary = meeting.incident_id, ButtonStyle.PRIMARY
    if meeting.status is MeetingStatus.PROPOSED:
        return [
            offer(Word.MEETING_START, "Start the meeting", primary, incident=about),
            offer(Word.MEETING_CANCEL, "Call it off", confirm="Call the meeting off?", incident=about),
        ]
    if meeting.status is MeetingStatus.STARTED:
        return [offer(Word.MEETING_END, "End it and send the summary", primary, incident=about)]
    return []


def for_minute(minute: Minute) -> list[Offer]:
    """What was recorded can be corrected or taken back; what was only heard, confirmed or dismissed."""
    if minute.status is MinuteStatus.WITHDRAWN:
        return []
    if minute.status is MinuteStatus.SUGGESTED:
        return [
            offer(Word.CONFIRM, "Confirm", ButtonStyle.PRIMARY, minute=minute.id),
            offer(Word.AMEND, "Correct", minute=minute.id),
            offer(Word.WITHDRAW, "Dismiss", minute=minute.id),
        ]
    confirm = "Take this back? It stays in the history."
    return [
        offer(Word.AMEND, "Correct", minute=minute.id),
        offer(Word.WITHDRAW, "Withdraw", ButtonStyle.DANGER, confirm, minute=minute.id),
    ]


def for_drill(drill: Drill) -> list[Offer]:
    """A drill whose time has not come can be carried out now, left out, or moved."""
    if drill.state is not DrillState.PLANNED:
        return []
    return [
        offer(Word.RUN_DRILL, "Run now", ButtonStyle.PRIMARY, f"Rehearse in {drill.environment} now?", drill=drill.id),
        offer(Word.SKIP_DRILL, "Skip with reason", drill=drill.id),
        offer(Word.MOVE_DRILL, "Move to", drill=drill.id),
    ]


def for_release(name: str, facts: Mapping[str, Any], audience: str) -> list[Offer]:
    """Of notices about a release: a brief can be acknowledged by its audience, a watched candidate be accepted."""
    about = str(facts["release"]["id"])
    if name == "release_brief":
        return [offer(Word.SIGN, "Acknowledge", ButtonStyle.PRIMARY, release=about, brief=audience)]
    if name == "release_watched":
        confirm = "Does the new version serve as it should?"
        return [offer(Word.RELEASE_ENDORSE, "Endorse", ButtonStyle.PRIMARY, confirm, release=about)]
    return []


def of(
    name: str, *, run: Run | None, approval: Approval | None, incident: Incident, facts: Mapping[str, Any] = _NONE
) -> list[Offer]:
    """The buttons of a notice of this name, as things stand now; `facts` are those that it was made with."""
    if draft := facts.get("draft_id"):
        return for_draft(incident, str(draft))
    if name in _ABOUT_INCIDENT:
        return _ABOUT_INCIDENT[name](incident)
    if run is None:
        return []
    if level := facts.get("escalation"):
        return for_call(run, approval, incident, str(level))
    if name == "progress":
        return for_progress(run)
    return for_approval(run, approval) if approval is not None else for_help(run)


_ABOUT_INCIDENT = {
    "halted": for_halt,
    "restored": for_restored,
    "endorsement_wanted": for_restored,
    "handover_offered": for_handover,
}
