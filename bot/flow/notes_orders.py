"""The order to take the notes of a meeting: what is certain in them is recorded, what is not is suggested, once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StrictStr

from bot.domain.configuration import Configuration
from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, Refused
from bot.domain.events import Command
from bot.domain.fields import Part
from bot.domain.heard import HeardItem, HeardKind, KnownPerson
from bot.domain.incidents import Incident
from bot.domain.meetings import MeetingStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.people import is_mail, is_slack_person
from bot.domain.permits import check_entitled
from bot.domain.policies import Policy
from bot.domain.strict_json import storable
from bot.domain.words import Word
from bot.flow.deadlines import zone_of
from bot.flow.minute_details import LONGEST_QUOTE, LONGEST_TEXT, Short, Source, details_of
from bot.flow.minute_orders import next_reminder
from bot.flow.order import Answer, Order
from bot.flow.owners import owner_of
from bot.flow.recording import incident_of, known_key, record_minute
from bot.ports import Clock, Store

HearNotes = Callable[[str, str, Sequence[KnownPerson], datetime, ZoneInfo], Sequence[HeardItem]]
"""Text, name of the file, known people, when it began, time zone → items. BadInput where it cannot be read."""

MOST_BYTES = 1024 * 1024
MOST_ITEMS = 500
MOST_ASKED = 10
"""Suggestions that are posted in the channel; the others wait on the incident's page."""

_KINDS = {
    HeardKind.DECISION: MinuteKind.DECISION,
    HeardKind.ACTION: MinuteKind.ACTION_ITEM,
    HeardKind.QUESTION: MinuteKind.QUESTION,
}


def _fits(text: str) -> str:
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise ValueError(f"notes have {MOST_BYTES // 1024} KiB at most: send them in parts")
    if not text.strip():
        raise ValueError("nothing is written in it")
    return storable(text)


class NotesDetails(Part):
    """A file: its text, its name, and where it was given."""

    text: Annotated[StrictStr, Field(max_length=MOST_BYTES), AfterValidator(_fits)]
    name: Short = ""
    zone: Short = ""
    source: Source = Source()


@dataclass
class _Draft:
    """A minute on its way, with the item that it comes from."""

    minute: Minute
    kind: HeardKind
    line: int


def hear_in(
    command: Command, store: Store, configuration: Configuration, clock: Clock, hear: HearNotes
) -> Sequence[HeardItem]:
    """What is heard in the notes of this order, read before anything is locked; nothing for other orders.

    Who may not give notes is refused with the order, not here."""
    if command.word is not Word.NOTES:
        return ()
    with store.read() as tx:
        incident = tx.incident(command.subject)
        policy = configuration.policies.get(incident.service) if incident else None
        met = [one.started_at or one.starts_at for one in tx.meetings(incident.id)] if incident else []
    if incident is None or policy is None:
        return ()
    try:
        check_entitled(command, policy)
    except Refused:
        return ()
    said = details_of(command, NotesDetails)
    began = min(met[-1], clock.now()) if met else clock.now()
    return hear(said.text, said.name, known_people(policy), began, zone_of(policy, said.zone))


def known_people(policy: Policy) -> list[KnownPerson]:
    """Persons of the policy by their names, and whoever else has a role there by id."""
    people, named = [], set[str]()
    for name, ids in policy.persons.items():
        named.update(ids)
        slack, mail = next(filter(is_slack_person, ids), ""), next(filter(is_mail, ids), "")
        people.append(KnownPerson(id=slack, name=name, mail=mail))
    others = dict.fromkeys(one for members in policy.roles.values() for one in members if one not in named)
    people += [KnownPerson(id=one) for one in others if is_slack_person(one)]
    people += [KnownPerson(mail=one) for one in others if is_mail(one)]
    return people


def notes(order: Order) -> Answer:
    """Record what the notes say, each record pointing to its line; the same notes again record nothing again."""
    said = details_of(order.command, NotesDetails)
    incident, policy = incident_of(order)
    digest = hashlib.sha256(said.text.encode()).hexdigest()
    drafts = _drafts(order, incident, policy, said)
    kept: list[Minute] = []
    known, met = 0, _meeting_of(order, incident)
    for draft, key in zip(drafts, _keys(drafts, digest), strict=True):
        own, before = known_key(order, incident, key)
        if before is not None:
            known += 1
            continue
        minute = replace(draft.minute, source_key=own, meeting_id=met)
        asked = sum(1 for one in kept if one.status is MinuteStatus.SUGGESTED)
        is_asked = minute.status is MinuteStatus.SUGGESTED and asked < MOST_ASKED
        kept.append(record_minute(order, incident, policy, minute, echo=is_asked))
    message = _message(order, said, kept, known, policy)
    if kept:
        data: dict[str, object] = {"sha256": digest, "name": said.name, "recorded": len(kept)}
        link = said.source.link
        order.consequences.write(
            order.situation, incident, "notes", f"{order.actor} gave notes: {message}", actor=order.actor, link=link,
            data=data,
        )  # fmt: skip
    return Answer(
        Verdict.ORDER if kept else Verdict.NO_OP,
        message,
        incident.service,
        incident.environment,
        incident_ids=(incident.id,),
        record_ids=tuple(one.id for one in kept),
    )


def _meeting_of(order: Order, incident: Incident) -> str | None:
    """The meeting that the notes are of: the last one that was held."""
    held = (MeetingStatus.STARTED, MeetingStatus.ENDED)
    return next((one.id for one in reversed(order.situation.tx.meetings(incident.id)) if one.status in held), None)


def _keys(drafts: Sequence[_Draft], digest: str) -> Iterator[str]:
    """`notes:<sha256 of the text>:<line>:<kind>`, counted on where one line has more of a kind."""
    seen: Counter[str] = Counter()
    for draft in drafts:
        key = f"notes:{digest}:{draft.line}:{draft.kind}"
        seen[key] += 1
        yield key if seen[key] == 1 else f"{key}:{seen[key]}"


def _drafts(order: Order, incident: Incident, policy: Policy, said: NotesDetails) -> list[_Draft]:
    drafts: list[_Draft] = []
    items = [one for one in order.heard if one.kind in _KINDS or one.kind is HeardKind.ANSWER]
    if len(items) > MOST_ITEMS:
        raise BadInput(
            "The notes say too much at once", why=f"{len(items)} items were heard", next="send them in parts"
        )
    for item in items:
        if item.kind in _KINDS:
            drafts.append(_Draft(_draft(order, incident, policy, said, item), item.kind, item.line))
        elif item.certain:
            _answer_last(drafts, item, order.situation.now)
    return drafts


def _draft(order: Order, incident: Incident, policy: Policy, said: NotesDetails, item: HeardItem) -> Minute:
    kind, now = _KINDS[item.kind], order.situation.now
    standing = MinuteStatus.DONE if kind is MinuteKind.DECISION else MinuteStatus.OPEN
    by = owner_of(item.speaker or "", order.command.actor, policy).name
    owner = owner_of(item.owner or "", order.command.actor, policy).name if kind is not MinuteKind.DECISION else None
    minute = Minute(
        id=order.ids.new("min"),
        incident_id=incident.id,
        service=incident.service,
        kind=kind,
        status=standing if item.certain else MinuteStatus.SUGGESTED,
        text=item.text.strip()[:LONGEST_TEXT],
        by=by or order.actor,
        at=now,
        owner=owner,
        due_at=item.due_at,
        due_text=item.due_text or "",
        options=item.options,
        answer=item.choice or "",
        reason=item.reason or "",
        source={**_source(said, item), "event": order.event_id},
    )
    return replace(minute, remind_at=next_reminder(minute, now))


def _source(said: NotesDetails, item: HeardItem) -> Mapping[str, Any]:
    source: dict[str, Any] = {**said.source.as_kept(), "name": said.name, "line": item.line}
    source["quote"] = item.quote[:LONGEST_QUOTE]
    if item.why_uncertain:
        source["why_uncertain"] = item.why_uncertain
    if item.ref:
        source["ts"] = item.ref
    return {key: value for key, value in source.items() if value}


def _answer_last(drafts: list[_Draft], item: HeardItem, now: datetime) -> None:
    """An answer belongs to the question before it that has none."""
    for draft in reversed(drafts):
        one = draft.minute
        if one.kind is MinuteKind.QUESTION and not one.answer:
            if one.status is MinuteStatus.OPEN:
                one = replace(one, status=MinuteStatus.DONE, ended_at=now, remind_at=None)
            draft.minute = replace(one, answer=item.text.strip()[:LONGEST_TEXT], answered_by=item.speaker)
            return


def _message(order: Order, said: NotesDetails, kept: Sequence[Minute], known: int, policy: Policy) -> str:
    name = said.name or "the notes"
    if not kept:
        heard = f"all {known} items in {name} were recorded before" if known else f"nothing to record in {name}"
        return f"Nothing new: {heard}."
    certain = Counter(one.kind for one in kept if one.status is not MinuteStatus.SUGGESTED)
    suggested = sum(1 for one in kept if one.status is MinuteStatus.SUGGESTED)
    counts = ", ".join(f"{certain[kind]} {_PLURALS[kind]}" for kind in MinuteKind)
    parts = [f"Recorded from {name}: {counts}."]
    if suggested:
        parts.append(f"{suggested} more wait to be confirmed, because they were not said for certain.")
    if known:
        parts.append(f"{known} were recorded before.")
    owners = dict.fromkeys(one.owner for one in kept if one.owner)
    unknown = [one for one in owners if not owner_of(one, order.command.actor, policy).is_known]
    if unknown:
        parts.append(f"Nobody can be reminded as {', '.join(unknown[:10])}: reassign those, or name them as persons.")
    return " ".join(parts)


_PLURALS = {
    MinuteKind.DECISION: "decisions",
    MinuteKind.ACTION_ITEM: "action items",
    MinuteKind.QUESTION: "questions",
}

NOTES_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {Word.NOTES: notes}
