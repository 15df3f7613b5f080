"""What was known of a place when something was decided there, as far as a bundle tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.decisions import Decision, Verdict
from bot.domain.errors import BadInput
from bot.domain.judging import Known
from bot.domain.policies import AUTOMATIC
from bot.domain.records import ApprovalStatus
from bot.domain.releases import Automation, Release, ReleaseStatus, Service
from bot.domain.runs import Run, RunStatus
from bot.domain.times import parse_duration, parse_time
from bot.flow.bundle_reading import Audited, Told

_STARTED = (Verdict.RUN, Verdict.ASK)


@dataclass(frozen=True)
class PastKnowledge:
    """Reads it out of one bundle."""

    told: Told

    def at(self, number: int) -> Known:
        """What was known when the decision of this number, in the order of the bundle, was made."""
        decision = self.told.decisions[number]
        place = (decision.service or "", decision.environment or "")
        run = self._run(number, place)
        return Known(
            now=decision.at,
            service=self._service(place[0], decision.at),
            automation=self._automation(decision.at),
            run=run,
            release=self._release(place[0], decision.at),
            last_action_at=self._last_action(place, decision),
        )

    def _run(self, number: int, place: tuple[str, str]) -> Run | None:
        """The run of the place that was not ended then, as it was."""
        decision = self.told.decisions[number]
        before = {one.run_id for one in self.told.decisions[:number]}
        found = None
        for run in self.told.runs:
            is_of_this = run.id == decision.run_id and decision.verdict in _STARTED
            was_there = run.id in before or run.accepted_at < decision.at
            if (run.service, run.environment) == place and was_there and not is_of_this and _lasted(run, decision.at):
                found = run
        return self._as_it_was(found, decision.at) if found else None

    def _as_it_was(self, run: Run, at: datetime) -> Run:
        answers = [one for one in self.told.approvals if one.run_id == run.id and one.step_id is None]
        is_approved = run.authority == AUTOMATIC or any(
            one.status is ApprovalStatus.APPROVED and one.answered_at is not None and one.answered_at <= at
            for one in answers
        )
        status = RunStatus.RUNNING if is_approved else RunStatus.WAITING
        return replace(run, status=status, approved_by=run.approved_by if is_approved else None, finished_at=None)

    def _release(self, service: str, at: datetime) -> Release | None:
        here = [one for one in self.told.releases.values() if one.service == service and one.opened_at <= at]
        newest = max(here, key=lambda one: one.id, default=None)
        if newest is None or (newest.ended_at is not None and newest.ended_at <= at):
            return newest
        walk = self.told.walks.get(newest.id)
        is_live = walk is not None and walk.live_at is not None and walk.live_at <= at
        return replace(newest, status=ReleaseStatus.LIVE if is_live else ReleaseStatus.IN_FLIGHT, ended_at=None)

    def _last_action(self, place: tuple[str, str], decision: Decision) -> datetime | None:
        found = [
            run.first_action_at
            for run in self.told.runs
            if (run.service, run.environment) == place
            and run.first_action_at is not None
            and run.first_action_at < decision.at
            and run.authority == AUTOMATIC
            and run.criterion is not None
            and not run.drill
        ]
        before = self.told.subject.get("acted_before", {}).get(decision.incident_id or "")
        return max([*found, *([parse_time(before)] if before else [])], default=None)

    def _service(self, name: str, at: datetime) -> Service:
        rows = [one for one in self._switched("order.hands_off", at) if one.subject == f"order:{name}"]
        if not rows:
            return Service(name)
        return Service(name, hands_off_until=rows[-1].at + _span(rows[-1]), hands_off_reason=_reason(rows[-1]))

    def _automation(self, at: datetime) -> Automation:
        rows = self._switched("order.automation", at)
        return Automation(bool(rows[-1].data.get("on")), reason=_reason(rows[-1])) if rows else Automation()

    def _switched(self, action: str, at: datetime) -> list[Audited]:
        return [one for one in self.told.audit if one.action == action and one.at <= at]


def _lasted(run: Run, at: datetime) -> bool:
    """Not ended then. What was superseded in the same moment was there until the decision that did it."""
    if run.finished_at is None or run.finished_at > at:
        return True
    return run.finished_at == at and run.status is RunStatus.SUPERSEDED


def _span(row: Audited) -> timedelta:
    try:
        return parse_duration(str(row.data.get("for", "")))
    except BadInput:
        return timedelta(0)


def _reason(row: Audited) -> str:
    return str(row.data.get("reason") or "")
