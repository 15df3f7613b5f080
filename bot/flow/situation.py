"""What is known of some services inside one transaction, and what was changed; written back at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.decisions import alert_of
from bot.domain.drills import Drill
from bot.domain.events import ANDON, Alert, AlertState
from bot.domain.incidents import Incident
from bot.domain.judging import Known
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import PRODUCTION, Policy
from bot.domain.records import ApprovalStatus, Notice
from bot.domain.releases import Automation, Release, ReleaseStatus, Service
from bot.domain.report_facts import Fact
from bot.domain.runs import Run, RunEvent
from bot.flow.levels import end_levels
from bot.ports import Bell, Change, Ids, JobName, Lane, Place, Record, Standing, Transaction


def bell_for(run: Run) -> Bell:
    """The bell that wakes a worker for this run; rollbacks have workers of their own, so that nothing is in front."""
    lane = Lane.ROLLBACKS if run.kind is PlaybookKind.ROLLBACK else Lane.OTHER
    return Bell(JobName.ADVANCE_RUN, run.id, lane)


class Situation:
    """Read in one go, changed in memory by any number of events, written back once.

    The services were locked in name order first, so whatever was read stays true until the commit.
    """

    def __init__(self, tx: Transaction, standing: Standing, now: datetime, ids: Ids) -> None:
        self.tx = tx
        self.now = now
        self.ids = ids
        self.services: dict[str, Service] = dict(standing.services)
        self.incidents: dict[Place, Incident] = dict(standing.incidents)
        self.runs: dict[Place, Run] = dict(standing.runs)
        self.releases: dict[str, Release] = dict(standing.releases)
        self.automation: Automation = standing.automation
        self._last_actions: dict[Place, datetime | None] = dict(standing.last_actions)
        self._resolved = {place: one for place, one in standing.resolved.items() if place not in self.incidents}
        self._stored_services = dict(self.services)
        self._stored_incidents = {incident.id: incident for incident in self.incidents.values()}
        self._stored_releases = dict(self.releases)
        self._stored_automation = self.automation
        self._ended_incidents: list[Incident] = []
        self._new: list[Record] = []
        self.bells: list[Bell] = []
        """What to ring after the commit."""
        self._states: dict[tuple[str, str], AlertState] = {}
        self._reports: dict[str, list[Fact]] = {}
        self._saved: list[Change] = []

    def known(self, place: Place, policy: Policy) -> Known:
        """What a decision about this place may look at."""
        self.ensure_release(policy)
        return Known(
            now=self.now,
            service=self.services[place[0]],
            automation=self.automation,
            incident=self.incidents.get(place),
            run=self.runs.get(place),
            release=self.releases.get(place[0]),
            last_action_at=self._last_action(place) if policy.rollback or policy.canary else None,
        )

    def _last_action(self, place: Place) -> datetime | None:
        if place not in self._last_actions:
            self._last_actions[place] = self.tx.last_automatic_action(place)
        return self._last_actions[place]

    def latest_resolved(self, place: Place) -> Incident | None:
        """The incident of a place that was resolved last, before this transaction."""
        return self._resolved[place] if place in self._resolved else self.tx.latest_resolved(place)

    def drill_at(self, place: Place) -> Drill | None:
        """The drill that is at this place now; production has none, so nothing is asked there."""
        return None if place[1] == PRODUCTION else self.tx.running_drill(*place)

    def ensure_release(self, policy: Policy) -> Release | None:
        """The release in flight; the policy's own becomes one when it names versions that it did not name before.

        Not so where the policy has stages: an edited file neither takes a release off its way, nor names what a
        rollback restores. There a pair of versions is only what a first release is registered as.
        """
        release = self.releases.get(policy.service)
        named = policy.release
        if named and policy.stages and (release is not None or not self._may_restore(policy, named.incumbent)):
            return release
        if named and (release is None or _declared(release) != named.pair):
            if release is not None and release.is_in_flight:
                self.tx.save(replace(release, status=ReleaseStatus.ABANDONED, ended_at=self.now))
            release = Release(
                id=self.ids.new("rel"),
                service=policy.service,
                incumbent=named.incumbent,
                candidate=named.candidate,
                opened_at=self.now,
                author=named.author,
                declared=named.pair,
            )
            self.releases[policy.service] = release
        return release

    def _may_restore(self, policy: Policy, version: str) -> bool:
        known = [one.version for one in self.tx.known_versions(policy.service)]
        return version in (known or [policy.baseline or version])

    def record(self, *records: Record) -> None:
        """Something to insert at the end, in this order."""
        self._new.extend(records)

    def remember(self, state: AlertState) -> None:
        """The newest state of an alert identity."""
        self._states[state.source, state.identity] = state

    def state(self, key: tuple[str, str]) -> AlertState | None:
        """An alert state changed in this transaction."""
        return self._states.get(key)

    def relink(self, alert: Alert, run_id: str, instead: str | None) -> None:
        """What repeats this alert names another run from now on, or none, so that it may lead to one."""
        key = (alert.source, alert.identity)
        state = self.state(key) or self.tx.alert_states({key}).get(key)
        if state is not None and run_id in state.run_ids:
            others = (one for one in (*state.run_ids, instead) if one and one != run_id)
            self.remember(replace(state, run_ids=tuple(dict.fromkeys(others))))

    def release(self, facts: Mapping[str, Any], run_id: str) -> None:
        """What repeats the alert with these facts may lead on again, as if it had led nowhere."""
        self.relink(alert_of(facts), run_id, None)

    def report(self, incident_id: str) -> Sequence[Fact]:
        """What was said of an incident, oldest first; nothing yet of one that is opened here."""
        if incident_id not in self._reports:
            self._reports[incident_id] = [] if self.is_new(incident_id) else list(self.tx.facts(incident_id))
        return self._reports[incident_id]

    def is_new(self, incident_id: str) -> bool:
        """Opened in this transaction: nothing is stored about it yet."""
        is_here = any(one.id == incident_id for one in self.incidents.values())
        return is_here and incident_id not in self._stored_incidents

    def say(self, fact: Fact) -> None:
        """One more fact of an incident's report."""
        self._reports[fact.incident_id] = [*self.report(fact.incident_id), fact]
        self._new.append(fact)

    def keep(self, *changes: Change) -> None:
        """Something to save at the end, after what is new."""
        self._saved.extend(changes)

    def put_service(self, service: Service) -> None:
        """A changed service."""
        self.services[service.name] = service

    def put_release(self, release: Release) -> None:
        """A changed release."""
        self.releases[release.service] = release

    def put_incident(self, incident: Incident) -> None:
        """A new or changed incident; a resolved one leaves its place free."""
        place = (incident.service, incident.environment)
        if incident.is_open:
            self.incidents[place] = incident
        else:
            self.incidents.pop(place, None)
            self._ended_incidents.append(incident)

    def add_run(self, run: Run) -> None:
        """A new run at a free place; its bell is rung after the commit, unless it waits for an approval."""
        self.runs[run.service, run.environment] = run
        self._new.append(run)
        if not run.only_waits_for_approval:
            self.bells.append(bell_for(run))

    def tell(self, notices: Iterable[Notice]) -> None:
        """Notices that are due with this commit."""
        for notice in notices:
            self._new.append(notice)
            self.bells.append(Bell(JobName.SEND_NOTICE, notice.id, Lane.NOTICES))

    def move_run(self, after: Run, *, by: str = ANDON.name) -> Run:
        """A run that an order or a criterion moved, written at once so that its place is free for another.

        Nobody is called about it any more. What an ended run still asked is withdrawn in the name of `by`: nobody is
        to answer or to miss it."""
        place = (after.service, after.environment)
        before = self.runs[place]
        saved = self.tx.save_run(before, after)
        end_levels(self.tx, saved.id, self.now)
        if saved.is_ended:
            del self.runs[place]
            asked = [one for one in self.tx.approvals(saved.id) if one.is_open]
            self.tx.save(*(one.answered(ApprovalStatus.WITHDRAWN, by, self.now) for one in asked))
            wake_drill(self.tx, saved, self.now)
        else:
            self.runs[place] = saved
        return saved

    def supersede(self, run: Run, by: str) -> Run:
        """End a run that yields, in favour of another."""
        if run.kind is PlaybookKind.PROMOTE:
            return self.move_run(run.halted(self.now))
        return self.move_run(run.moved(RunEvent.SUPERSEDE, self.now, error=by))

    def write_back(self) -> None:
        """Save all that changed. Incidents go first because runs, decisions and notices point at them."""
        touched = (*self.incidents.values(), *self._ended_incidents)
        stored = self._stored_incidents
        self.tx.save(*(one for name, one in self.services.items() if one != self._stored_services.get(name)))
        self._write_releases()
        if self.automation != self._stored_automation:
            self.tx.save(self.automation)
        self.tx.add(*(one for one in touched if one.id not in stored))
        self.tx.save(*(one for one in touched if one.id in stored and one != stored[one.id]))
        self.tx.add(*self._new)
        self.tx.save(*self._states.values(), *self._saved)

    def _write_releases(self) -> None:
        for service, release in self.releases.items():
            before = self._stored_releases.get(service)
            if before is None or before.id != release.id:
                self.tx.add(release)
            elif before != release:
                self.tx.save(release)


def wake_drill(tx: Transaction, run: Run, now: datetime) -> None:
    """The drill that a run belongs to looks at it at once: it ended, or needs a person."""
    drill = tx.running_drill(run.service, run.environment) if run.drill else None
    if drill is not None:
        tx.save(replace(drill, wake_at=now))


def bell_for_drill(drill_id: str) -> Bell:
    """The bell that has a drill looked at."""
    return Bell(JobName.ADVANCE_DRILL, drill_id, Lane.OTHER)


def _declared(release: Release) -> str:
    """What the policy named when this release was made; a release of an earlier version was always the policy's."""
    return f"{release.incumbent} {release.candidate}" if release.declared is None else release.declared
