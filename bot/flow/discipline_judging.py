"""Judges how well one service's way back is proven: by its last attempts and by the schedules of its policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.discipline import (
    FIVE_MINUTES,
    Attempt,
    How,
    Practice,
    Result,
    Schedule,
    Spread,
    Verdict,
    latest,
    latest_proof,
    spoken_age,
    spoken_span,
    trouble_key,
    worst,
)
from bot.domain.policies import Policy
from bot.domain.times import format_duration
from bot.flow.drill_periods import period_of

RECENT = 12
"""The last so many restorations of a service are shown one by one."""
_NAGS_FOR = timedelta(days=90)
"""A drill that no schedule has is in trouble for so long after it failed."""
_SAID = {Result.FAILED: "failed", Result.ABORTED: "was aborted", Result.MISSED: "was missed"}


@dataclass(frozen=True)
class Trouble:
    """Something about drills that is to be mended: the last one was missed, failed or aborted, or one is overdue."""

    environment: str
    playbook: str
    kind: str
    """`failed`, `aborted`, `missed` or `overdue`."""
    key: str
    """The same for as long as it is the same trouble."""
    text: str
    since: datetime | None
    drill_id: str | None
    next_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """Where one service stands."""

    service: str
    verdict: Verdict
    why: str
    objective: timedelta
    assumed: timedelta | None
    latest: Attempt | None
    """The last in which something was tried."""
    proof: Attempt | None
    """The last that restored, with its time measured."""
    measured: Attempt | None
    """The last with a measured time."""
    drills: Spread
    rollbacks: Spread
    schedules: tuple[Schedule, ...]
    troubles: tuple[Trouble, ...]
    recent: tuple[Attempt, ...]
    """Those with a measured time, oldest first."""
    next_at: datetime | None

    @property
    def is_scheduled(self) -> bool:
        """The policy wants drills of it."""
        return bool(self.schedules)


class Judging:
    """Looks at one service. `attempts` are oldest first; those before `since` are only looked at one by one."""

    def __init__(
        self,
        service: str,
        policy: Policy | None,
        attempts: Sequence[Attempt],
        practices: Sequence[Practice],
        since: datetime,
        now: datetime,
    ) -> None:
        self._service = service
        self._policy = policy
        self._since = since
        self._now = now
        self._practices = {(one.environment, one.playbook): one for one in practices}
        rules = policy.drills if policy else ()
        self._objectives = {(rule.environment, rule.playbook): rule.objective for rule in rules}
        self._attempts = [self._held_against(one) for one in attempts]
        self._newest = self._attempts[::-1]
        self._schedules = tuple(self._each_schedule())

    def standing(self) -> Standing:
        """Where it stands now."""
        recent = [one for one in self._attempts if one.at >= self._since]
        measured = [one for one in recent if one.seconds is not None]
        last, verdict = latest(self._newest), self._verdict()
        planned = [one.next_at for one in self._practices.values() if one.next_at is not None]
        return Standing(
            service=self._service,
            verdict=verdict,
            why=self._why(verdict),
            objective=self._objective(last),
            assumed=self._policy.assumed_restore if self._policy else None,
            latest=last,
            proof=latest_proof(self._newest),
            measured=latest(one for one in self._newest if one.seconds is not None),
            drills=Spread.of([one for one in recent if one.how is How.DRILL]),
            rollbacks=Spread.of([one for one in recent if one.how is How.ROLLBACK]),
            schedules=self._schedules,
            troubles=tuple(self._troubles()),
            recent=tuple(measured[-RECENT:]),
            next_at=min(planned, default=None),
        )

    def _held_against(self, one: Attempt) -> Attempt:
        """A drill is held against what the policy asks now: a time that was good enough once need not be today."""
        objective = self._objectives.get((one.environment, one.playbook)) if one.how is How.DRILL else None
        seconds = objective.total_seconds() if objective else one.objective_seconds
        return one if seconds == one.objective_seconds else replace(one, objective_seconds=seconds)

    def _each_schedule(self) -> Iterator[Schedule]:
        for rule in self._policy.drills if self._policy else ():
            if rule.cron is None:
                continue
            place = (rule.environment, rule.playbook)
            yield Schedule(
                environment=rule.environment,
                playbook=rule.playbook,
                cron=rule.cron,
                period=period_of(rule.cron),
                objective=rule.objective,
                practice=self._practices.get(place),
                last_passed=latest(one for one in self._drills(place) if one.result is Result.RESTORED),
            )

    def _drills(self, place: tuple[str, str]) -> Iterator[Attempt]:
        """Newest first."""
        for one in self._newest:
            if one.how is How.DRILL and (one.environment, one.playbook) == place:
                yield one

    def _verdict(self) -> Verdict:
        last = latest(self._newest)
        found = [last.verdict] if last else []
        for one in self._schedules:
            tried = latest(self._of(one))
            found += [tried.verdict] if tried else []
            found += [Verdict.OVERDUE] if one.is_overdue(self._now) else []
        proof = latest_proof(self._newest)
        if not self._schedules and proof is not None and proof.at < self._since:
            found.append(Verdict.OVERDUE)
        return worst(found)

    def _of(self, schedule: Schedule) -> Iterator[Attempt]:
        """Newest first, what was tried of it: its drills, and real rollbacks by its playbook wherever they were."""
        for one in self._newest:
            is_there = one.how is How.ROLLBACK or one.environment == schedule.environment
            if one.playbook == schedule.playbook and is_there:
                yield one

    def _objective(self, last: Attempt | None) -> timedelta:
        if self._schedules:
            return min(one.objective for one in self._schedules)
        return timedelta(seconds=last.objective_seconds) if last else FIVE_MINUTES

    def _why(self, verdict: Verdict) -> str:
        if verdict is Verdict.OVERDUE:
            late = next((one for one in self._schedules if one.is_overdue(self._now)), None)
            return (
                self._how_late(late) if late else "no schedule asks for drills, and the last proof is older than this"
            )
        tried = [latest(self._newest), *(latest(self._of(one)) for one in self._schedules)]
        decisive = next((one for one in tried if one is not None and one.verdict is verdict), None)
        if decisive is None:
            return "nothing was ever restored here, in a drill or for real"
        return self._told(decisive)

    def _told(self, one: Attempt) -> str:
        what = "a drill of" if one.how is How.DRILL else "a real rollback by"
        told = f"{what} {one.playbook} in {one.environment}, {spoken_age(self._now - one.at)},"
        agreed = spoken_span(one.objective_seconds)
        if one.seconds is not None and one.result is not Result.ABORTED:
            return f"{told} restored in {spoken_span(one.seconds)}; agreed are {agreed}"
        if one.result is Result.RESTORED:
            return f"{told} succeeded, but how long that took was not measured"
        return f"{told} {_SAID[one.result]}{f': {one.why}' if one.why else ''}"

    def _how_late(self, one: Schedule) -> str:
        what = f"the drill of {one.playbook} in {one.environment}"
        every = f"every {format_duration(one.period)}" if one.period else f"by {one.cron!r}"
        if one.last_passed is None:
            return f"{what} never passed, and is wanted {every}"
        return f"{what} last passed {spoken_age(self._now - one.last_passed.at)}, and is wanted {every}"

    def _troubles(self) -> Iterator[Trouble]:
        scheduled = {(one.environment, one.playbook): one for one in self._schedules}
        drilled = [(one.environment, one.playbook) for one in self._attempts if one.how is How.DRILL]
        for place in sorted({*scheduled, *drilled}):
            last = next(self._drills(place), None)
            if last is not None and last.result in _SAID and (place in scheduled or self._still_counts(last)):
                yield self._gone_wrong(last, place)
        for one in self._schedules:
            if one.is_overdue(self._now):
                key = trouble_key("overdue", one.last_passed.id if one.last_passed else None)
                where = (one.environment, one.playbook)
                yield Trouble(*where, "overdue", key, self._how_late(one), one.due_by, None, one.next_at)

    def _gone_wrong(self, last: Attempt, place: tuple[str, str]) -> Trouble:
        practice = self._practices.get(place)
        kind, next_at = str(last.result), practice.next_at if practice else None
        told = self._told(last)
        if last.result is Result.FAILED and last.seconds is not None:
            told = f"{told}, so it failed{f': {last.why}' if last.why else ''}"
        return Trouble(*place, kind, trouble_key(kind, last.id), told, last.at, last.id, next_at)

    def _still_counts(self, last: Attempt) -> bool:
        """Somebody asked for it, not long ago. What a policy no longer has is nobody's any more."""
        return last.asked and last.at >= self._now - _NAGS_FOR
