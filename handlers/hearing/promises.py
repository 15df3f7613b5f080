"""Actions as people speak them: promises of one's own, tasks for somebody named, suggestions that nobody took yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.domain.due_dates import Due
from handlers.hearing import phrases
from handlers.hearing.directory import Directory
from handlers.hearing.moments import Moment, choose_due, is_strong, strong_dues, without

NO_DUE = "no due date was said"
NOBODY = "nobody was named"
TWO_PEOPLE = "two people were named"
LONGEST_SUGGESTION = 25
"""Words of a clause that suggests work; a longer one argues."""


@dataclass(frozen=True)
class Promise:
    """What somebody is to do. `owner` is as written; "" means the one who speaks."""

    text: str
    owner: str | None
    due: Due | None
    why_uncertain: str = ""
    is_firm: bool = False
    """Only the due date is missing: it is certain once one is said."""


def find_promise(clause: str, directory: Directory, moment: Moment) -> Promise | None:
    """The action that a clause states, or None: for questions, conditions, jokes, reports, negations, the past."""
    if phrases.JOKE.search(clause) or phrases.BROKEN_OFF.search(clause) or clause.rstrip(" \"')").endswith("?"):
        return None
    if phrases.CONDITION.search(clause):
        return None
    due = choose_due(clause, moment)
    several = len(strong_dues(clause, moment)) > 1
    for find in (_third_person, _first_person, _weaker_first_person, _unowned):
        promise = find(clause, directory, due)
        if promise is not None and several and not promise.why_uncertain:
            return replace(promise, why_uncertain="more than one due date was said")
        if promise is not None:
            return promise
    return None


def _first_person(clause: str, directory: Directory, due: Due | None) -> Promise | None:
    found = phrases.FIRST_PERSON.search(clause) or phrases.ELIDED.search(clause)
    if found is None or phrases.REPORTED.search(clause[: found.start("rest")]):
        return None
    if phrases.DENIED.search(clause[: found.start("rest")]):
        return None
    if phrases.TALK.match(found["rest"]) and not (due and is_strong(due)):
        return None
    before = clause[: found.start("rest")]
    if found.re is phrases.ELIDED and not (due and is_strong(due)):
        return None
    why = "it is hedged" if phrases.HEDGE.search(before) or phrases.HEDGE.match(found["rest"]) else ""
    if _names_another(clause[: found.start()], directory):
        why = TWO_PEOPLE
    return _promise(found["rest"], clause, "", due, why)


def _weaker_first_person(clause: str, directory: Directory, due: Due | None) -> Promise | None:  # noqa: ARG001
    """Forms that promise only with an end: "I'm rerunning it, through by 19:00", "leave it to me, done by 13:00"."""
    hedged = re.search(
        r"\bi\s+(?:might|may|could|should|would\s+like\s+to|hope\s+to|want\s+to|plan\s+to|['’]ll\s+try\s+to)\s+(?P<rest>\S.*)",
        clause,
        re.IGNORECASE,
    )
    if hedged:
        return _promise(hedged["rest"], clause, "", due, "it is hedged")
    if due is None or phrases.REPORTED.search(clause) or phrases.HEDGE.search(clause):
        return None
    to_me = phrases.TO_ME.search(clause)
    if to_me:
        return _promise(to_me["rest"] + to_me["more"], clause, "", due, "")
    present = phrases.PROGRESSIVE.search(clause)
    if present and (is_strong(due) or re.search(r"\b(?:eta|through|done|finished)\b", clause, re.IGNORECASE)):
        return _promise(present["rest"], clause, "", due, "")
    plain = phrases.PLAIN_PRESENT.search(clause)
    return _promise(plain["rest"], clause, "", due, "") if plain and is_strong(due) else None


def _third_person(clause: str, directory: Directory, due: Due | None) -> Promise | None:
    for found in (*phrases.NEEDED.finditer(clause), *phrases.THIRD_PERSON.finditer(clause)):
        owner = _person(found["who"], directory)
        if owner is None or phrases.DENIED.search(clause[: found.start("rest")]):
            continue
        if phrases.REPORTED.search(clause[: found.start("rest")]):
            continue
        if due is None and not directory.knows(owner) and "will" not in found[0][: -len(found["rest"])].lower():
            continue
        hedged = phrases.HEDGE.search(clause[: found.start("rest")])
        if _names_another(clause[: found.end("who") - len(owner)], directory):
            return _promise(found["rest"], clause, owner, due, TWO_PEOPLE)
        why = "it is hedged" if hedged else "" if directory.knows(owner) else f"nobody known is called {owner}"
        return _promise(found["rest"], clause, owner, due, why)
    return None


def _unowned(clause: str, directory: Directory, due: Due | None) -> Promise | None:  # noqa: ARG001
    suggestion = phrases.UNOWNED.search(clause)
    if suggestion and len(clause.split()) > LONGEST_SUGGESTION:
        return None
    if suggestion:
        return Promise(without(suggestion["rest"], _within(suggestion["rest"], clause, due)), None, due, NOBODY)
    passive = phrases.PASSIVE.search(clause)
    if passive and due is not None:
        return Promise(without(clause, due), None, due, NOBODY)
    ours = phrases.WE_WILL.search(clause)
    return (
        Promise(without(ours["rest"], _within(ours["rest"], clause, due)), None, due, NOBODY) if ours and due else None
    )


def _promise(rest: str, clause: str, owner: str, due: Due | None, why: str) -> Promise:
    text = without(rest, _within(rest, clause, due)) or rest.strip()
    return Promise(text, owner, due, why or ("" if due else NO_DUE), is_firm=not why)


def _names_another(before: str, directory: Directory) -> bool:
    """Whether "… Priya and" stands before a name: an action has one owner, and nobody said which of the two."""
    found = re.search(r"(\S+)\s+(?:and|&|or)\s*$", before)
    return found is not None and directory.knows(found[1].strip(" ,"))


def _within(rest: str, clause: str, due: Due | None) -> Due | None:
    """The due date with its span counted from the start of `rest`, which ends the clause."""
    if due is None:
        return None
    moved = due.start - (len(clause) - len(rest))
    return (
        Due(due.at, due.text, moved, moved + len(due.text), due.hour_assumed, due.preposition) if moved >= 0 else None
    )


def _person(who: str, directory: Directory) -> str | None:
    """The person that words before "will" name, as written; None where they are no name."""
    if who.startswith(("<@", "@")) or "@" in who:
        return who
    words = who.split()
    if "'" in who:
        return None
    for name in (who, words[-1]):
        if directory.names(name) and words[-1].lower() not in phrases.NOT_PEOPLE:
            return name
    last = words[-1]
    is_name = last[:1].isupper() and not last.isupper() and last.lower() not in phrases.NOT_PEOPLE
    return last if is_name and len(words) == 1 else None
