"""Chores of the clock about releases: what is open in them, once a week, and overdue retrospectives, once a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain.decisions import Decision, Verdict
from bot.domain.errors import AndonError
from bot.domain.events import ANDON, Disposition, Event
from bot.domain.people import is_mail, is_slack_person
from bot.domain.pins import Pin
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.releases import Release
from bot.domain.rounds_of_day import latest_monday, latest_morning
from bot.domain.walks import Walk
from bot.domain.ways import ENGINEERING
from bot.flow.chores import Rounds, do_each
from bot.flow.readiness import Missing, is_over, missing_in, owes_retrospective
from bot.flow.release_moves import ReleaseMoves
from bot.flow.situation import Situation
from bot.ports import Transaction

SOURCE = "clock"
"""Where these events come from. Their keys are unique, so that a week or a day is told once, by whichever clock."""
REVIEW = "readiness_review"
RETROSPECTIVE = "retrospective_due"


class ReleaseChores:
    """Any number of clocks may do them at once, and begin anew at any time: an event says what was told already."""

    def __init__(self, rounds: Rounds, moves: ReleaseMoves) -> None:
        self._rounds = rounds
        self._moves = moves
        self._known: dict[tuple[str, str], str] = {}
        """The period that was told last, as far as this process knows; only to spare the database the question."""

    # Once a week

    def review(self) -> None:
        """Mondays at nine of the engineers' clock: whoever has something open in a release hears of it, once."""
        policies = self._rounds.configuration().policies.values()
        do_each([one for one in policies if one.stages or one.emergency], self._review)

    def _review(self, policy: Policy) -> None:
        monday = latest_monday(self._rounds.now(), _zone(policy))
        week = f"{monday:%G-W%V}"
        if self._known.get((REVIEW, policy.service)) == week:
            return
        with self._rounds.store.read() as tx:
            found = _under_way(tx, policy.service, monday)
        if found is not None:
            with self._rounds.at(policy.service) as situation:
                self._review_once(situation, policy, monday, f"{REVIEW}:{policy.service}:{week}")
        self._known[REVIEW, policy.service] = week

    def _review_once(self, situation: Situation, policy: Policy, monday: datetime, key: str) -> None:
        tx = situation.tx
        found = _under_way(tx, policy.service, monday)
        if found is None or tx.events_by_key(SOURCE, [key]):
            return
        release, walk = found
        pin = self._pin(tx, policy, walk)
        missing = missing_in(tx, policy, pin, release, walk)
        cause = self._record(
            situation, policy, key, Verdict.NOTE if missing else Verdict.NO_OP, _counted(missing, release)
        )
        if missing:
            self._tell(situation, policy, self._moves.story(tx, pin, release, walk), missing, cause)

    def _tell(
        self, situation: Situation, policy: Policy, story: Mapping[str, Any], missing: Sequence[Missing], cause: str
    ) -> None:
        """The whole to engineering; to each person of a role what is open there."""
        teller = self._moves.teller
        teller.audience(situation, "readiness_review", policy, ENGINEERING, {**story, **_grouped(missing)}, cause)
        by_person: dict[str, list[Missing]] = {}
        named: dict[str, str] = {}
        for one in missing:
            for member in _members(policy, one):
                person = policy.person(member)
                named.setdefault(person, member)
                by_person.setdefault(person, []).append(one)
        for person, theirs in by_person.items():
            facts = {**story, **_grouped(theirs)}
            teller.owner(situation, "readiness_review", policy, named[person], facts, cause)

    # Once a day

    def remind(self) -> None:
        """At nine of the engineers' clock: who started an emergency, and its second person, owe a retrospective."""
        with self._rounds.store.read() as tx:
            due = tx.due_retrospectives()
        do_each(due, self._remind)

    def _remind(self, seen: Walk) -> None:
        policy = self._rounds.configuration().policies.get(seen.service)
        if policy is None:
            return  # nobody is named who could be told
        morning = latest_morning(self._rounds.now(), _zone(policy))
        day = f"{morning:%Y-%m-%d}"
        is_early = seen.retrospective_due_at is not None and seen.retrospective_due_at > morning
        if is_early or self._known.get((RETROSPECTIVE, seen.release_id)) == day:
            return
        with self._rounds.at(seen.service) as situation:
            self._remind_once(situation, policy, seen.release_id, f"{RETROSPECTIVE}:{seen.release_id}:{day}")
        self._known[RETROSPECTIVE, seen.release_id] = day

    def _remind_once(self, situation: Situation, policy: Policy, release_id: str, key: str) -> None:
        tx = situation.tx
        walk, release = tx.walk(release_id), tx.release(release_id)
        if walk is None or release is None or not owes_retrospective(walk) or tx.events_by_key(SOURCE, [key]):
            return
        reason = f"The retrospective of release {release_id} is overdue: it was due by {walk.retrospective_due_at}"
        cause = self._record(situation, policy, key, Verdict.NOTE, reason)
        story = self._moves.story(tx, self._pin(tx, policy, walk), release, walk)
        people = {policy.person(one): one for one in (walk.second_person, walk.started_by) if one and one != ANDON.name}
        told: list[str | None] = [*people.values()] or [None]
        for one in told:
            self._moves.teller.owner(situation, "retrospective_due", policy, one, story, cause)

    # Both

    def _record(self, situation: Situation, policy: Policy, key: str, verdict: Verdict, reason: str) -> str:
        """The event with its decision: the row that says that this was told. It is what notices name as their cause."""
        ids, now = self._rounds.ids, situation.now
        event = Event(ids.new("evt"), SOURCE, key, now, Disposition.ACCEPTED, actor=ANDON.name)
        decision = Decision(ids.new("dec"), event.id, now, verdict, reason, service=policy.service)
        audit = AuditEntry(
            now, ANDON.name, "release.reviewed", f"service:{policy.service}", {"key": key, "why": reason}
        )
        situation.record(event, decision, audit)
        return f"event:{event.id}"

    def _pin(self, tx: Transaction, policy: Policy, walk: Walk) -> Pin:
        """Its own; the policy in force where that was lost, because people are to hear of it all the same."""
        try:
            return self._moves.pin_of(tx, walk)
        except AndonError:
            return Pin(policy, kind=walk.kind)


def _zone(policy: Policy) -> str:
    told = policy.audiences.get(ENGINEERING)
    return told.timezone if told else "UTC"


def _under_way(tx: Transaction, service: str, monday: datetime) -> tuple[Release, Walk] | None:
    """The newest release, where something may be open in it; one that began since is reviewed a week later."""
    release = tx.latest_releases([service]).get(service)
    walk = tx.walk(release.id) if release is not None and release.opened_at < monday else None
    if release is None or walk is None or (is_over(release) and not owes_retrospective(walk)):
        return None
    return release, walk


def _members(policy: Policy, one: Missing) -> Sequence[str]:
    """Ids that hold it, or the one person that it names; nobody for the briefs, which the engineers pass on."""
    if members := () if one.is_person else policy.members(one.role):
        return members
    listed = {id_ for ids in (*policy.roles.values(), *policy.persons.values()) for id_ in ids}
    is_known = one.role in listed or is_mail(one.role) or is_slack_person(one.role)
    return (one.role,) if one.is_person or is_known else ()


def _grouped(missing: Sequence[Missing]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for one in missing:
        found.setdefault(one.role, []).append(one.text)
    return {"open_by_role": [{"role": role, "open": open_} for role, open_ in found.items()]}


def _counted(missing: Sequence[Missing], release: Release) -> str:
    count = f"{len(missing)} things are" if len(missing) != 1 else "1 thing is"
    return f"{count if missing else 'Nothing is'} open in release {release.id}"
