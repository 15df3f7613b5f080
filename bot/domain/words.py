"""The orders a person can give, and what each is about. Every one enters by the same front door as an alert."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Subject(StrEnum):
    """What an order is about."""

    SERVICE = "service"
    RUN = "run"
    INCIDENT = "incident"
    MINUTE = "minute"
    ESCALATION = "escalation"
    RELEASE = "release"
    DRILL = "drill"
    EVERYTHING = "everything"


class Word(StrEnum):
    """The orders."""

    # Services
    HALT = "halt"
    LIFT = "lift"
    HANDS_OFF = "hands_off"
    ROLLBACK = "rollback"
    AUTOMATION = "automation"
    # Runs
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    RETRY = "retry"
    DONE = "done"
    UNDO = "undo"
    TAKE_OVER = "take_over"
    # Incidents
    RESOLVE = "resolve"
    ENDORSE = "endorse"
    TAKE = "take"
    HANDOVER = "handover"
    ACCEPT = "accept"
    """Say yes to a handover."""
    REPORT = "report"
    """Say what is known: fields of the halt report."""
    UPDATE = "update"
    DECIDE = "decide"
    ACTION = "action"
    QUESTION = "question"
    NOTES = "notes"
    """Give the notes or the transcript of a meeting."""
    MEETING_PROPOSE = "meeting_propose"
    MEETING_START = "meeting_start"
    MEETING_END = "meeting_end"
    MEETING_CANCEL = "meeting_cancel"
    POSTMORTEM_EDIT = "postmortem_edit"
    POSTMORTEM_COMMENT = "postmortem_comment"
    POSTMORTEM_LESSON = "postmortem_lesson"
    """Say what was learned, with the change that follows; or take a lesson back."""
    POSTMORTEM_SIGN_OFF = "postmortem_sign_off"
    POSTMORTEM_REOPEN = "postmortem_reopen"
    # Minutes
    ANSWER = "answer"
    FINISH = "finish"
    SNOOZE = "snooze"
    REASSIGN = "reassign"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    """What was heard but not said for certain counts from now on."""
    # Escalations
    ACKNOWLEDGE = "acknowledge"
    # Releases
    RELEASE_START = "release_start"
    PROMOTE = "promote"
    """Ask to go on to the next stage; the gates decide."""
    SIGN = "sign"
    """Sign an item of the readiness checklist, or acknowledge a brief."""
    UNSIGN = "unsign"
    SECOND = "second"
    """Stand for an emergency release as its second person."""
    ABANDON = "abandon"
    RELEASE_ENDORSE = "release_endorse"
    """Accept a candidate that was watched: from now on it may be restored."""
    RETROSPECTIVE = "retrospective"
    # Drills
    DRILL = "drill"
    """Rehearse now."""
    RUN_DRILL = "run_drill"
    """Carry out a planned drill at once."""
    SKIP_DRILL = "skip_drill"
    MOVE_DRILL = "move_drill"


_OF: Mapping[Subject, tuple[Word, ...]] = {
    Subject.SERVICE: (Word.HALT, Word.LIFT, Word.HANDS_OFF, Word.ROLLBACK, Word.RELEASE_START, Word.DRILL),
    Subject.EVERYTHING: (Word.AUTOMATION,),
    Subject.RUN: (
        Word.APPROVE, Word.REJECT, Word.CANCEL, Word.RETRY, Word.DONE, Word.UNDO, Word.TAKE_OVER,
    ),
    Subject.INCIDENT: (
        Word.RESOLVE, Word.ENDORSE, Word.TAKE, Word.HANDOVER, Word.ACCEPT, Word.REPORT, Word.UPDATE, Word.DECIDE,
        Word.ACTION, Word.QUESTION, Word.NOTES, Word.MEETING_PROPOSE, Word.MEETING_START, Word.MEETING_END,
        Word.MEETING_CANCEL, Word.POSTMORTEM_EDIT, Word.POSTMORTEM_COMMENT, Word.POSTMORTEM_LESSON,
        Word.POSTMORTEM_SIGN_OFF, Word.POSTMORTEM_REOPEN,
    ),
    Subject.MINUTE: (
        Word.ANSWER, Word.FINISH, Word.SNOOZE, Word.REASSIGN, Word.AMEND, Word.WITHDRAW, Word.CONFIRM,
    ),
    Subject.ESCALATION: (Word.ACKNOWLEDGE,),
    Subject.RELEASE: (
        Word.PROMOTE, Word.SIGN, Word.UNSIGN, Word.SECOND, Word.ABANDON, Word.RELEASE_ENDORSE, Word.RETROSPECTIVE,
    ),
    Subject.DRILL: (Word.RUN_DRILL, Word.SKIP_DRILL, Word.MOVE_DRILL),
}  # fmt: skip

SUBJECT_OF: Mapping[Word, Subject] = {word: subject for subject, words in _OF.items() for word in words}
"""What each word is about."""


def words_about(subject: Subject) -> frozenset[Word]:
    """The orders that can be given about it."""
    return frozenset(_OF[subject])
