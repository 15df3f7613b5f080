"""The forms that are certain: "decision: …", "action: @who what by when", "question: …", check boxes, lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.domain.heard import MAX_QUOTE, HeardItem, HeardKind, Utterance
from handlers.hearing.directory import HANDLE, MAIL, MENTION, WORD, Directory
from handlers.hearing.moments import Moment, choose_due, is_strong, without
from handlers.hearing.phrases import HEDGE, NAME_MARK, NAME_PRESENT, NAME_TO, NOT_PEOPLE, PERSON, REPORTED, UNOWNED
from handlers.hearing.resolutions import split_decision
from handlers.lines import BULLET

_MARKS = r"(?:\s*[\*_]{1,2})?\s*(?::|\s[-–—]\s)\s*(?:[\*_]{1,2}\s*)?"
_FOR = rf"\s+(?:for|on)\s+(?P<who>{MENTION}|{HANDLE}|{MAIL}|{WORD}(?:\s+{WORD})?)"
_FORMS: tuple[tuple[HeardKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"(?:[\*_]{{1,2}})?{words}(?:{_FOR})?(?:{_MARKS}|\s*\*\*\s+)(?P<body>\S.*)", flags | re.DOTALL))
    for kind, words, flags in (
        (HeardKind.DECISION, r"(?:(?:final|our|the)\s+)?(?:decision|decided)", re.IGNORECASE),
        (
            HeardKind.ACTION,
            r"(?:(?:new|next|real|last|another)\s+){0,2}(?:action(?:[ -](?:item|point))?s?|to[ -]?do|task|next\s+step)",
            re.IGNORECASE,
        ),
        (HeardKind.ACTION, "(?:AI|ACTION|TODO)", re.NOFLAG),
        (HeardKind.QUESTION, r"(?:(?:open|another)\s+)?question", re.IGNORECASE),
        (HeardKind.QUESTION, "Q", re.NOFLAG),
        (HeardKind.ANSWER, "answer", re.IGNORECASE),
        (HeardKind.ANSWER, "A", re.NOFLAG),
        (HeardKind.NOTE, "note", re.IGNORECASE),
    )
)
_TODO_OWNER = re.compile(r"TODO\s*\((?P<who>@?[\w.@-]{1,64})\)\s*:?\s*(?P<body>\S.*)", re.DOTALL)
_TODO = re.compile(r"(?:TODO|FIXME)\s+(?P<body>\S.*)", re.DOTALL)
_BOX = re.compile(r"\[(?P<mark>[ xX-]?)\]\s+(?P<body>\S.*)", re.DOTALL)
_DONE = re.compile(r"(?:done|cancel(?:l?ed)?|dropped|n/a)\b\s*:?", re.IGNORECASE)
_FIELDS = re.compile(
    r"owner\s*[:=]\s*(?P<who>[^,;|]{1,80})[,;|]\s*(?:task|what|action)\s*[:=]\s*(?P<task>[^;|]+?)(?:[,;|]\s*(?:due|by|when)\s*[:=]\s*(?P<due>.+))?$",
    re.IGNORECASE,
)
_OWNERS = re.compile(
    rf"(?P<who>{MENTION}|{HANDLE}|{MAIL})(?P<more>(?:\s*(?:,|and|&|\+)\s*(?:{MENTION}|{HANDLE}|{MAIL}))*)\s*(?::|->|→|-)?\s+(?:(?:to|will|please)\s+)?(?P<rest>\S.*)",
    re.DOTALL,
)
_MENTION_NAME = re.compile(r"\|[^>]*>")
_ME = re.compile(
    r"(?:me|myself|i(?:['’]ll|\s+will)?|on\s+me)\b\s*(?:[:,–-]|to\s)?\s*(?P<rest>\S.*)", re.IGNORECASE | re.DOTALL
)
_TRAILING = re.compile(rf"(?:\(|->|→|\s)\s*(?P<who>{MENTION}|{HANDLE})\)?")
_NAME_WILL = re.compile(
    rf"{PERSON}\s+(?:will|shall|must|should|needs\s+to|has\s+to|is\s+to|takes\s+care\s+of)\s+(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_ARROW = re.compile(r"->|→|=>")
_LINK = re.compile(r"(?:\[[^\]]{0,200}\]\([^)\s]{0,500}\)|https?://\S+)\W*")
_NAMED_WILL = re.compile(r"(?P<who>[A-Z][\w'-]{1,30})\s+(?:will|shall)\s+(?P<rest>\S.*)", re.DOTALL)
_ADORNED = re.compile(r"^(?:[^\w\s<@\[\"'`(*>-]\s*)+")

_SECTIONS = (
    (
        HeardKind.ACTION,
        re.compile(
            r"\b(?:actions?(?:\s+(?:items?|points?))?|follow[ -]?ups?|next\s+steps?|to[ -]?dos?|tasks)\W*$",
            re.IGNORECASE,
        ),
    ),
    (HeardKind.DECISION, re.compile(r"\b(?:decisions?|decided|agreements?)\W*$", re.IGNORECASE)),
    (HeardKind.QUESTION, re.compile(r"\bopen\s+(?:questions?|points|issues)\W*$|^questions?\W*$", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Task:
    """What an action's words say before its due date is read."""

    text: str
    owners: tuple[str, ...] = ()


def section_kind(heading: str) -> HeardKind | None:
    """What the points under a heading are; None where the heading does not say."""
    return next((kind for kind, pattern in _SECTIONS if pattern.search(heading.strip())), None)


def read_explicit(utterance: Utterance, line: str, directory: Directory, moment: Moment) -> list[HeardItem] | None:
    """The items of a line that has an explicit form; [] for one that is done or cancelled; None for any other line."""
    bullet = BULLET.match(line.lstrip())
    words = _ADORNED.sub("", line.lstrip()[bullet.end() if bullet else 0 :]).strip()
    if bullet and _DONE.match(words):
        return []
    box = _BOX.match(words)
    if box:
        if box["mark"].strip():
            return []
        words = box["body"]
    found = _labelled(words)
    if found is None and (box or bullet):
        kind = HeardKind.ACTION if box else section_kind(utterance.heading)
        found = (kind, words, None) if kind else None
    if found is None:
        return _listed(utterance, words, directory, moment) if bullet else None
    kind, body, owner = found
    if kind is HeardKind.ACTION:
        if _LINK.fullmatch(body.strip()):
            return []
        parts = [part for part in body.split(";") if part.strip()]
        return [item for part in parts for item in _actions(utterance, part, owner, directory, moment)]
    return [_plain(utterance, kind, body)]


def _labelled(words: str) -> tuple[HeardKind, str, str | None] | None:
    owned = _TODO_OWNER.match(words)
    if owned:
        return HeardKind.ACTION, owned["body"], owned["who"]
    for kind, form in _FORMS:
        found = form.match(words)
        if found:
            return kind, found["body"], found["who"]
    bare = _TODO.match(words)
    return (HeardKind.ACTION, bare["body"], None) if bare else None


def _plain(utterance: Utterance, kind: HeardKind, body: str) -> HeardItem:
    item = made(utterance, kind, body.strip(" *_"))
    if kind is HeardKind.DECISION:
        split = split_decision(item.text)
        return replace(item, options=split.options, choice=split.choice, reason=split.reason)
    return item


def _listed(utterance: Utterance, words: str, directory: Directory, moment: Moment) -> list[HeardItem] | None:
    """A bullet outside any list of actions that has the form "Chen -> rotate keys by Friday"."""
    fields = _FIELDS.match(words)
    if fields:
        return _actions(utterance, words, None, directory, moment)
    named = NAME_MARK.match(words) or NAME_TO.match(words) or NAME_PRESENT.match(words)
    is_marked = named is not None and directory.knows(named["who"])
    due = choose_due(words, moment)
    # "Tom: met on Tuesday" is a note; "Tom: write it by Tuesday" and "Tom -> write it (Tuesday)" are not.
    if not is_marked or REPORTED.search(words) or due is None or not (is_strong(due) or _ARROW.search(words)):
        return None
    return _actions(utterance, words, None, directory, moment)


def _actions(
    utterance: Utterance, body: str, owner: str | None, directory: Directory, moment: Moment
) -> list[HeardItem]:
    body = body.strip(" *_")
    task = Task(body, (owner,)) if owner else read_task(body, utterance.speaker, directory)
    why = "it is a suggestion" if (UNOWNED.search(body) or HEDGE.match(body)) and not task.owners else ""
    due = choose_due(task.text, moment)
    item = replace(
        made(utterance, HeardKind.ACTION, without(task.text, due) or task.text),
        due_text=due.text if due else None,
        due_at=due.at if due else None,
        hour_assumed=bool(due and due.hour_assumed),
        certain=not why,
        why_uncertain=why,
    )
    return [replace(item, owner=_MENTION_NAME.sub(">", one)) for one in task.owners] or [item]


def read_task(body: str, speaker: str | None, directory: Directory) -> Task:
    """Who is to do what, in the words after "action:" or in a list of actions."""
    fields = _FIELDS.match(body)
    if fields:
        due = f" by {fields['due']}" if fields["due"] else ""
        return Task(fields["task"].strip() + due, (fields["who"].strip(),))
    owners = _OWNERS.match(body)
    if owners:
        more = re.findall(f"{MENTION}|{HANDLE}|{MAIL}", owners["more"])
        return Task(owners["rest"], (owners["who"], *more))
    me = _ME.match(body)
    if me and speaker:
        return Task(re.sub(r"^(?:need|have|am going|want)\s+to\s+", "", me["rest"]), (speaker,))
    for form in (NAME_MARK, _NAME_WILL, NAME_TO, NAME_PRESENT):
        named = form.match(body)
        if named and directory.knows(named["who"]):
            return Task(named["rest"], (named["who"],))
    return _task_of_stranger(body)


def _task_of_stranger(body: str) -> Task:
    """Somebody who is not known: "Myles will …", or a mention behind the task."""
    stranger = _NAMED_WILL.match(body)
    if stranger and stranger["who"].lower() not in NOT_PEOPLE:
        return Task(stranger["rest"], (stranger["who"],))
    trailing = list(_TRAILING.finditer(body))
    if trailing:
        last = trailing[-1]
        return Task(f"{body[: last.start()]} {body[last.end() :]}".strip(), (last["who"],))
    return Task(body)


def made(utterance: Utterance, kind: HeardKind, text: str) -> HeardItem:
    """An item with everything that its utterance says about where and when it was heard."""
    return HeardItem(
        kind,
        text.strip(),
        utterance.line,
        utterance.text[:MAX_QUOTE],
        speaker=utterance.speaker,
        at=utterance.at,
        offset_seconds=utterance.offset_seconds,
        ref=utterance.ref,
    )
