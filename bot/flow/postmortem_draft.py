"""The draft of a postmortem: facts for the template, made of the record alone and of what people wrote around it.

The same record gives the same draft, byte for byte: nothing here asks for the time. People appear by their roles; the
owner of an action item keeps the name, because a promise needs somebody. What people wrote stays as they wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.minutes import MinuteKind
from bot.domain.policies import Policy
from bot.domain.postmortems import TITLES, Lesson, Postmortem, Section, SectionText, SignOff, authors, newest_texts
from bot.domain.records import TimelineEntry
from bot.domain.role_names import RoleNames, role_names
from bot.domain.times import format_duration, format_time
from bot.domain.wording import findings
from bot.flow.account import Account
from bot.flow.account_conditions import Finding, conditions_of
from bot.flow.account_impact import impact_of
from bot.flow.account_luck import luck, went_well
from bot.flow.account_suggestions import Suggestion, suggestions_of
from bot.flow.account_times import Response, response_facts, response_of
from bot.flow.items import item_facts, standing
from bot.flow.postmortem_shapes import HintView
from bot.flow.told_facts import incident_facts
from bot.ports import Transaction

MOST_LINES = 1000
"""Of the timeline in a draft: the first half of them and the last half."""
_LIST_MARK = re.compile(r"(?:[-*+]|\d{1,3}[.)]) +(?=\S)")
_MOST_HINTS = 20


@dataclass(frozen=True)
class Words:
    """What people wrote into one postmortem, as it is stored."""

    postmortem: Postmortem | None
    texts: Sequence[SectionText] = ()
    lessons: Sequence[Lesson] = ()
    signatures: Sequence[SignOff] = ()

    @classmethod
    def read(cls, tx: Transaction, incident_id: str) -> Words:
        """All of it."""
        found = tx.postmortem(incident_id)
        if found is None:
            return cls(None)
        return cls(found, tx.section_texts(incident_id), tx.lessons(incident_id), tx.sign_offs(incident_id))


@dataclass(frozen=True)
class Drafting:
    """A draft in the making: the record, who is called what in it, and where it is read."""

    account: Account
    words: Words
    policy: Policy | None
    address: str

    @classmethod
    def read(cls, tx: Transaction, incident: Incident, policy: Policy | None, address: str) -> Drafting:
        """Everything that is known of an incident."""
        return cls(Account.read(tx, incident), Words.read(tx, incident.id), policy, address)

    @property
    def roles(self) -> RoleNames:
        """What people are called."""
        incident = self.account.incident
        things = [incident.service, incident.environment, *(run.playbook.name for run in self.account.runs)]
        words = self.words
        writers = [*authors(words.texts, words.lessons), *(one.by for one in words.signatures)]
        return role_names(self.policy, {*self.account.people(), *writers}, spared=things)

    @property
    def people(self) -> list[str]:
        """Names that stand for persons, for the check of words."""
        return [*self.policy.persons] if self.policy else []


def draft_facts(drafting: Drafting) -> dict[str, Any]:
    """What `reports/postmortem.md.j2` reads; plain JSON."""
    account, roles, words = drafting.account, drafting.roles, drafting.words
    response = response_of(account)
    return {
        "as_of": format_time(account.incident.opened_at),
        "service": account.incident.service,
        "summary": drafting.policy.summary if drafting.policy else "",
        "incident": incident_facts(account.incident, drafting.address)
        | {"title": roles.in_text(account.incident.title), "owner": roles.of(account.incident.owner)},
        "release": _release(account),
        "titles": {str(section): title for section, title in TITLES.items()},
        "postmortem": _state(words, roles),
        "texts": _texts(words, roles),
        "told": summary_sentences(drafting, response),
        "impact": [one | {"text": roles.in_text(one["text"])} for one in impact_of(account, response)],
        **_timeline(account.timeline, account.incident.opened_at, roles),
        "response": response_facts(response),
        "conditions": _findings(conditions_of(account), roles),
        "well": _findings(went_well(account, response), roles),
        "luck": _findings(luck(account, response), roles),
        "lessons": [lesson_facts(one, roles) for one in words.lessons if one.counts],
        "suggestions": [_suggestion(one) for one in _untaken(suggestions_of(account), words)],
        **_minutes(account, roles),
        "glossary": [],
    }


def summary_sentences(drafting: Drafting, response: Response) -> list[str]:
    """The incident in a few sentences, for the beginning of the draft and for chat."""
    account, incident = drafting.account, drafting.account.incident
    where = f"{incident.service} in {incident.environment}"
    title = drafting.roles.in_text(incident.title).rstrip(".")
    said = [f"On {_moment(incident.opened_at)} a {incident.severity} incident was opened for {where}: {title}."]
    if account.release is not None:
        said.append(f"Version {account.release.candidate} was to replace version {account.release.incumbent}.")
    said.append(_ending(account, response))
    if incident.resolved_at is None:
        said.append("It is not resolved yet.")
    else:
        lasted = _span(incident.resolved_at - incident.opened_at)
        said.append(f"It was resolved {lasted} after it was detected.")
    return said


def _ending(account: Account, response: Response) -> str:
    run = account.restoring
    if run is None or response.took is None or response.within is None:
        return "No rollback restored it." if account.rollbacks else "Nothing was rolled back."
    agreed = {True: "within", False: "later than", None: "of"}[response.met]
    took, within = _span(response.took), _span(response.within)
    return f"{run.playbook.name} restored it {took} after it was detected, {agreed} the {within} agreed."


def hints(text: str, people: Iterable[str]) -> list[HintView]:
    """What could be said better in a text that somebody wrote: never a refusal."""
    return [
        {"said": one.said, "why": one.why, "better": one.better, "swap": one.swap or ""}
        for one in findings(text, list(people))[:_MOST_HINTS]
    ]


def lines_of(text: str) -> list[dict[str, Any]]:
    """A text line by line: `mark` is `bullet`, `number` or empty, so that all else in it can be made plain."""
    found = []
    for line in text.splitlines():
        match = _LIST_MARK.match(line.strip())
        mark = "" if match is None else "bullet" if match[0][0] in "-*+" else "number"
        said = line.strip()[match.end() if match else 0 :]
        number = int(match[0].rstrip(" .)")) if match and mark == "number" else 0
        found.append({"mark": mark, "number": number, "text": said})
    return found


def lesson_facts(lesson: Lesson, roles: RoleNames) -> dict[str, Any]:
    """A lesson with its proposed change."""
    return {
        "id": lesson.id,
        "lines": lines_of(lesson.text),
        "by": roles.of(lesson.by),
        "at": format_time(lesson.at),
        "verdict": str(lesson.verdict),
        "faults": list(lesson.faults),
        "base": list(lesson.base),
        "diff": lesson.diff.splitlines(),
    }


def _untaken(found: Sequence[Suggestion], words: Words) -> list[Suggestion]:
    """Those that nobody has taken as a lesson."""
    taken = {one.text for one in words.lessons}
    return [one for one in found if one.text not in taken]


def _suggestion(one: Suggestion) -> dict[str, Any]:
    return {"text": one.text, "evidence": "; ".join(one.evidence), "diff": one.diff}


def _state(words: Words, roles: RoleNames) -> dict[str, Any]:
    found = words.postmortem
    if found is None:
        return {"state": "", "due_at": "", "reviewed_at": "", "revision": 0, "signatures": []}
    signed = [one for one in words.signatures if one.revision == found.revision]
    return {
        "state": str(found.state),
        "due_at": format_time(found.due_at) if found.due_at else "",
        "reviewed_at": format_time(found.reviewed_at) if found.reviewed_at else "",
        "revision": found.revision,
        "signatures": [{"role": one.role, "by": roles.of(one.by), "at": format_time(one.at)} for one in signed],
    }


def _texts(words: Words, roles: RoleNames) -> dict[str, Any]:
    """Of every section: a template asks for each by its name."""
    written = newest_texts(words.texts)
    nothing: dict[str, Any] = {"lines": [], "by": "", "at": ""}
    return {str(one): _text(written[one], roles) if one in written else nothing for one in Section}


def _text(one: SectionText, roles: RoleNames) -> dict[str, Any]:
    return {"lines": lines_of(one.text), "by": roles.of(one.by), "at": format_time(one.at)}


def _release(account: Account) -> dict[str, str]:
    release = account.release
    if release is None:
        return {"id": "", "incumbent": "", "candidate": "", "state": ""}
    return {"id": release.id, "incumbent": release.incumbent, "candidate": release.candidate, "state": release.state}


def _timeline(entries: Sequence[TimelineEntry], opened_at: datetime, roles: RoleNames) -> dict[str, Any]:
    half = MOST_LINES // 2
    kept = list(entries) if len(entries) <= MOST_LINES else [*entries[:half], *entries[-half:]]
    lines = [
        {
            "at": format_time(one.at),
            "seconds": round((one.at - opened_at).total_seconds(), 3),
            "kind": one.kind,
            "text": roles.in_text(one.text),
            "link": one.link or "",
        }
        for one in kept
    ]
    return {"timeline": lines, "left_out": len(entries) - len(kept), "left_out_after": half}


def _findings(found: Iterable[Finding], roles: RoleNames) -> list[dict[str, str]]:
    return [{"text": roles.in_text(one.text), "evidence": "; ".join(one.evidence)} for one in found]


def _minutes(account: Account, roles: RoleNames) -> dict[str, Any]:
    minutes, opened_at = list(account.minutes), account.incident.opened_at
    items = [item_facts(one, opened_at) for one in standing(minutes, MinuteKind.ACTION_ITEM)]
    decided = [item_facts(one, opened_at) for one in standing(minutes, MinuteKind.DECISION)]
    return {
        "actions": items,
        "decisions": [one | {"by": roles.of(one["by"])} for one in decided],
        "questions": [item_facts(one, opened_at) for one in standing(minutes, MinuteKind.QUESTION) if one.is_open],
    }


def short_form(facts: Mapping[str, Any]) -> list[str]:
    """A few lines for chat: what happened, how far the account is."""
    state = facts["postmortem"]["state"] or "not begun"
    due = facts["postmortem"]["due_at"]
    counts = f"{len(facts['conditions'])} contributing conditions, {len(facts['lessons'])} lessons"
    open_items = [one for one in facts["actions"] if one["status"] == "open"]
    until = f", due {due[:16].replace('T', ' ')} UTC" if due and state != "reviewed" else ""
    return [*facts["told"], f"Postmortem: {state}{until}. {counts}, {len(open_items)} action items open."]


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y} at {at:%H:%M:%S} UTC"


def _span(span: timedelta) -> str:
    return format_duration(timedelta(seconds=round(span.total_seconds())))
