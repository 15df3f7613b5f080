"""A chore of the clock: measures a restored state until it was good for as long as its policy wants, and tells."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.events import ANDON
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.stable_rules import StableRule
from bot.domain.times import format_duration
from bot.domain.watches import Look, Reading, Watch, WatchState, stable_words
from bot.domain.ways import ENGINEERING
from bot.flow import offers
from bot.flow.chores import Rounds, do_each
from bot.flow.situation import Situation
from bot.flow.stable_measuring import measure
from bot.flow.stepping import Workshop
from bot.flow.telling import About
from bot.flow.watches import alerts_of_note, begun, rule_of, watched_run

AT_ONCE = 8
"""Restored states that are measured at the same time."""
NOT_STABLE = "not_stable"
WANTED = "endorsement_wanted"


@dataclass(frozen=True)
class _Place:
    """One restored state that is to be looked at."""

    policy: Policy
    rule: StableRule
    incident_id: str


class Watching:
    """Any number of clocks may watch: a look belongs to whoever takes it first, and each thing is told once."""

    def __init__(self, rounds: Rounds, workshop: Workshop) -> None:
        self._rounds = rounds
        self._workshop = workshop

    def look(self) -> None:
        """Measure all that is due. It calls outside, so it may take a while."""
        due = self._due()
        if not due:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(due)), thread_name_prefix="watch") as pool:
            started = [pool.submit(self._look, place) for place in due]
        do_each(started, lambda one: one.result())

    def _due(self) -> list[_Place]:
        now = self._rounds.now()
        rules = {
            policy.service: (policy, rule)
            for policy in self._rounds.configuration().policies.values()
            if (rule := rule_of(policy)) is not None
        }
        if not rules:
            return []
        with self._rounds.store.read() as tx:
            restored = [
                one for one in tx.open_incidents(list(rules)).values() if one.status is IncidentStatus.MONITORING
            ]
            return [
                _Place(*rules[one.service], one.id)
                for one in restored
                if _is_due(tx.watch(one.id), rules[one.service][1], now) and watched_run(tx, one) is not None
            ]

    def _look(self, place: _Place) -> None:
        claimed = self._claim(place)
        if claimed is None:
            return
        now, monotonic = self._rounds.clock.now, self._rounds.clock.monotonic
        readings = measure(self._workshop, place.policy, claimed.environment, place.rule, now, monotonic)
        self._record(place, claimed, readings)

    def _claim(self, place: _Place) -> Watch | None:
        """The look, taken before the calls outside: whatever becomes of them, and for other clocks."""
        with self._rounds.at(place.policy.service) as situation:
            tx, now = situation.tx, situation.now
            incident = tx.incident(place.incident_id)
            run = watched_run(tx, incident) if incident is not None else None
            if incident is None or run is None:
                return None
            watch = tx.watch(incident.id)
            if watch is None or watch.run_id != run.id:
                watch = begun(tx, incident, run, place.rule, now)
                span = format_duration(timedelta(seconds=watch.window_seconds))
                self._note(situation, incident, watch, "watch.begun", f"What was restored is watched for {span}")
            elif not _is_due(watch, place.rule, now):
                return None
            claimed = replace(watch, looked_at=now)
            tx.save(claimed)
        return claimed

    def _record(self, place: _Place, claimed: Watch, readings: Sequence[Reading]) -> None:
        with self._rounds.at(place.policy.service) as situation:
            tx = situation.tx
            before, incident = tx.watch(claimed.incident_id), tx.incident(claimed.incident_id)
            if before is None or (before.run_id, before.looked_at) != (claimed.run_id, claimed.looked_at):
                return  # somebody has looked since
            if incident is None or incident.status is not IncidentStatus.MONITORING:
                return
            window, every = place.rule.watched_for or timedelta(0), place.rule.every
            alerts = alerts_of_note(tx.decisions(incident_id=incident.id))
            after = before.after(Look(before.looked_at, readings, alerts, window, every))
            self._tell(situation, place, incident, before, after)

    def _tell(self, situation: Situation, place: _Place, incident: Incident, before: Watch, after: Watch) -> None:
        """Save the watch with what people are told of it."""
        if after.is_news:
            after = replace(after, told=str(after.state))
            is_broken = after.state is WatchState.FAILING
            text = f"Not stable: {after.problem}" if is_broken else f"Not known whether it is stable: {after.problem}"
            action = "watch.failing" if is_broken else "watch.unknown"
            self._note(situation, incident, after, action, text)
            self._warn(situation, place.policy, incident, after)
        elif before.told and not after.told:
            again = "it holds again, and the window begins again"
            known = "it is measured again, and the window goes on"
            text = again if before.told == WatchState.FAILING else known
            self._note(situation, incident, after, "watch.holding", f"What was restored: {text}")
        situation.tx.save(after)
        if after.stable_at is not None and before.stable_at is None:
            self._note(situation, incident, after, "watch.stable", stable_words(after))
            self._want(situation, place, incident, after)

    def _warn(self, situation: Situation, policy: Policy, incident: Incident, watch: Watch) -> None:
        """To the engineers, and to the one who owns the incident."""
        teller = self._rounds.consequences.teller
        about = self._about(situation, NOT_STABLE, policy, incident, watch)
        situation.tell(teller.about_incident(about, (ENGINEERING,)))
        if incident.owner:
            situation.tell(teller.to_people(about, [incident.owner]))

    def _want(self, situation: Situation, place: _Place, incident: Incident, watch: Watch) -> None:
        """To those who may accept it."""
        role = place.rule.endorse or "endorser"
        buttons = offers.for_restored(incident)
        about = self._about(situation, WANTED, place.policy, incident, watch, role=role, buttons=buttons)
        members = place.policy.members(role)
        situation.tell(self._rounds.consequences.teller.to_members(about, members))

    def _about(
        self, situation: Situation, name: str, policy: Policy, incident: Incident, watch: Watch, **facts: Any
    ) -> About:
        facts |= {
            "problem": watch.problem,
            "window": format_duration(timedelta(seconds=watch.window_seconds)),
            "watch": str(watch.state),
            "watched": watch.figures,
        }
        run = situation.tx.run(watch.run_id)
        cause = f"watch:{incident.id}"
        return self._rounds.consequences.about(situation, name, policy, incident, cause=cause, run=run, **facts)

    def _note(self, situation: Situation, incident: Incident, watch: Watch, action: str, text: str) -> None:
        data: dict[str, object] = {"run": watch.run_id, "state": str(watch.state), "metrics": watch.figures}
        self._rounds.consequences.write(situation, incident, "watch", text, run_id=watch.run_id, data=data)
        situation.record(AuditEntry(situation.now, ANDON.name, action, f"incident:{incident.id}", data))


def _is_due(watch: Watch | None, rule: StableRule, now: datetime) -> bool:
    """A moment in the future is that of a clock that was set back."""
    return watch is None or not watch.looked_at <= now < watch.looked_at + rule.every
