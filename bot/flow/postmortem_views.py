"""What is shown of postmortems: the account with its words, its lessons and its signatures, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.errors import NotFound
from bot.domain.incidents import Incident
from bot.domain.policies import Policy
from bot.domain.postmortem_rules import PostmortemRule
from bot.domain.postmortems import (
    TITLES,
    Lesson,
    Postmortem,
    PostmortemComment,
    Section,
    SectionText,
    newest_texts,
    standing_signatures,
)
from bot.domain.times import format_time
from bot.flow.postmortem_draft import Drafting, Words, draft_facts, hints
from bot.flow.postmortem_shapes import CommentView, LessonView, PostmortemLine, PostmortemView, SectionView, SignOffView
from bot.ports import Transaction


def postmortem_view(
    tx: Transaction, incident: Incident, policy: Policy | None, address: str, now: datetime
) -> PostmortemView:
    """The account of an incident, also where nobody has begun one: then it is the draft alone."""
    drafting = Drafting.read(tx, incident, policy, address)
    words, people = drafting.words, drafting.people
    return {
        **line_view(words.postmortem or Postmortem(incident.id, incident.service, incident.opened_at), now),
        "state": str(words.postmortem.state) if words.postmortem else "",
        "severity": str(incident.severity),
        "title": incident.title,
        "sections": _sections(words.texts, people),
        "comments": [_comment(one, people) for one in tx.postmortem_comments(incident.id)],
        "lessons": [_lesson(one, people) for one in words.lessons],
        "sign_offs": _sign_offs(words),
        "missing": _missing(words, policy),
        "draft": draft_facts(drafting),
    }


def line_view(one: Postmortem, now: datetime) -> PostmortemLine:
    """One line of a list."""
    return {
        "incident_id": one.incident_id,
        "service": one.service,
        "state": str(one.state),
        "owner": one.owner,
        "due_at": format_time(one.due_at) if one.due_at else None,
        "overdue": one.is_overdue(now),
        "revision": one.revision,
        "reviewed_at": format_time(one.reviewed_at) if one.reviewed_at else None,
    }


def patch_of(tx: Transaction, incident_id: str, lesson_id: str) -> str:
    """The diff of a lesson, exactly as it was given. NotFound where it has none."""
    found = next((one for one in tx.lessons(incident_id) if one.id == lesson_id), None)
    if found is None or not found.diff:
        raise NotFound(f"No change is proposed by a lesson {lesson_id}", next="the postmortem shows its lessons")
    return found.diff


def _sections(texts: Sequence[SectionText], people: Sequence[str]) -> list[SectionView]:
    written = newest_texts(texts)
    return [_section(section, written.get(section), people) for section in Section]


def _section(section: Section, text: SectionText | None, people: Sequence[str]) -> SectionView:
    return {
        "name": str(section),
        "title": TITLES[section],
        "text": text.text if text else "",
        "by": text.by if text else None,
        "at": format_time(text.at) if text else None,
        "revision": text.revision if text else 0,
        "hints": hints(text.text, people) if text else [],
    }


def _comment(one: PostmortemComment, people: Sequence[str]) -> CommentView:
    return {
        "id": one.id,
        "at": format_time(one.at),
        "by": one.by,
        "text": one.text,
        "section": str(one.section) if one.section else None,
        "hints": hints(one.text, people),
    }


def _lesson(one: Lesson, people: Sequence[str]) -> LessonView:
    return {
        "id": one.id,
        "at": format_time(one.at),
        "by": one.by,
        "text": one.text,
        "diff": one.diff,
        "verdict": str(one.verdict),
        "faults": list(one.faults),
        "base": list(one.base),
        "withdrawn_by": one.withdrawn_by,
        "withdrawn_at": format_time(one.withdrawn_at) if one.withdrawn_at else None,
        "hints": hints(one.text, people),
    }


def _sign_offs(words: Words) -> list[SignOffView]:
    revision = words.postmortem.revision if words.postmortem else 0
    return [
        {
            "role": one.role,
            "by": one.by,
            "at": format_time(one.at),
            "revision": one.revision,
            "counts": one.revision == revision,
        }
        for one in words.signatures
    ]


def _missing(words: Words, policy: Policy | None) -> list[str]:
    rule = policy.postmortem if policy else PostmortemRule()
    signed = standing_signatures(words.postmortem, words.signatures) if words.postmortem else {}
    return [role for role in rule.sign_off if role not in signed]
