"""The deliveries of one commit, taken one after the other: alerts become decisions and what follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.canaries import CANARY_SOURCE
from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict
from bot.domain.drills import DRILL_SOURCE
from bot.domain.errors import Refused
from bot.domain.events import ANDON, Actor, Alert, AlertState, AlertStatus, Delivery, Disposition, Event, Receipt
from bot.domain.inner_alerts import drill_named
from bot.domain.judging import decide, ignored, repeats
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.flow.consequences import Consequences
from bot.flow.divergence import of_canary
from bot.flow.situation import Situation
from bot.flow.watchdog import sign_in
from bot.ports import Ids, Place, Transaction

_KEPT_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "ce-id", "ce-type", "ce-source"})


@dataclass
class Heard:
    """One delivery, understood or not, before the transaction."""

    delivery: Delivery
    event_id: str
    alerts: list[Alert] = field(default_factory=list)
    matches: list[list[tuple[Policy, Place]]] = field(default_factory=list)
    """For each alert, the policies that are about it, and where it is by each of them."""
    delivery_id: str | None = None
    problem: str = ""

    @property
    def dedup_key(self) -> str:
        """The sender's id of the delivery; a dead letter is one by its bytes; anything else is told by its alerts."""
        if self.delivery.replay_of:
            return f"replay:{self.delivery.replay_of}"
        if self.problem:
            return "dead:" + hashlib.sha256(self.delivery.raw).hexdigest()[:40]
        return f"id:{self.delivery_id}"[:200] if self.delivery_id else self.event_id


@dataclass
class _Result:
    """What the alerts of one event led to so far."""

    dispositions: set[Disposition] = field(default_factory=set)
    incidents: dict[str, None] = field(default_factory=dict)
    runs: dict[str, None] = field(default_factory=dict)

    @property
    def disposition(self) -> Disposition:
        """The first of accepted, dead_letter, duplicate, ignored that occurs."""
        return next((one for one in Disposition if one in self.dispositions), Disposition.IGNORED)


class Batch:
    """The deliveries of one commit, taken one after the other on one situation."""

    def __init__(
        self,
        tx: Transaction,
        heard: Sequence[Heard],
        now: datetime,
        ids: Ids,
        consequences: Consequences,
        configuration: Configuration,
    ) -> None:
        self.tx = tx
        matches = [match for one in heard for found in one.matches for match in found]
        self.standing = tx.standing(
            sorted({policy.service for policy, _ in matches}),
            places={place for policy, place in matches if policy.rollback or policy.canary},
            deliveries={(one.delivery.source, one.dedup_key) for one in heard if one.dedup_key != one.event_id},
            alerts={(alert.source, alert.identity) for one in heard for alert in one.alerts},
        )
        self.heard = heard
        self.situation = Situation(tx, self.standing, now, ids)
        self.consequences = consequences
        self.configuration = configuration
        self.now = now
        self.ids = ids

    def take_all(self) -> list[Receipt]:
        """One receipt for each delivery."""
        known, seen = dict(self.standing.events), dict(self.standing.alerts)
        return [self._take(one, known, seen) for one in self.heard]

    def _take(
        self, heard: Heard, known: dict[tuple[str, str], Event], seen: dict[tuple[str, str], AlertState]
    ) -> Receipt:
        source = heard.delivery.source
        before = known.get((source, heard.dedup_key))
        if before is not None:
            return Receipt(
                before.id, Disposition.DUPLICATE, before.alerts, before.incident_ids, before.run_ids, "delivered before"
            )
        result = _Result()
        if heard.problem:
            self._dead_letter(heard, result)
        for alert, matches in zip(heard.alerts, heard.matches, strict=True):
            self._take_alert(heard.event_id, alert, matches, seen, result)
        event = self._event(heard, result)
        known[source, heard.dedup_key] = event
        self.situation.record(event)
        return Receipt(event.id, event.disposition, event.alerts, event.incident_ids, event.run_ids, heard.problem)

    def _event(self, heard: Heard, result: _Result) -> Event:
        disposition = result.disposition
        repeated = disposition is Disposition.DUPLICATE
        return Event(
            id=heard.event_id,
            source=heard.delivery.source,
            dedup_key=heard.dedup_key,
            accepted_at=self.now,
            disposition=disposition,
            alerts=len(heard.alerts),
            # A repeated body is kept by its first delivery already.
            body=None if repeated else heard.delivery.raw,
            headers={key: value for key, value in heard.delivery.headers.items() if key in _KEPT_HEADERS},
            problem=heard.problem or None,
            replay_of=heard.delivery.replay_of,
            incident_ids=tuple(result.incidents),
            run_ids=tuple(result.runs),
        )

    def _dead_letter(self, heard: Heard, result: _Result) -> None:
        result.dispositions.add(Disposition.DEAD_LETTER)
        decision = Decision(
            id=self.ids.new("dec"),
            event_id=heard.event_id,
            at=self.now,
            verdict=Verdict.DEAD_LETTER,
            reason=heard.problem,
        )
        self.situation.record(decision)
        cause, problem = f"event:{heard.event_id}", heard.problem
        facts = {"source": heard.delivery.source, "event": heard.event_id, "problem": problem}
        told = self.consequences.teller.about_house("dead_letter", cause=cause, now=self.now, **facts)
        self.situation.tell([told])
        self.situation.record(AuditEntry(self.now, ANDON.name, "event.dead_letter", cause, {"problem": problem}))

    def _take_alert(
        self,
        event_id: str,
        alert: Alert,
        matches: Sequence[tuple[Policy, Place]],
        seen: dict[tuple[str, str], AlertState],
        result: _Result,
    ) -> None:
        if sign := sign_in(alert, self.now):
            self.situation.keep(sign)
        key = (alert.source, alert.identity)
        before = seen.get(key)
        repeated = repeats(alert, before)
        if repeated is not None and before is not None and not self._leads_on(alert, matches, before, repeated):
            self._repeat(event_id, alert, repeated, before, seen, result)
            return
        if not matches:
            decisions = [ignored(alert, self.now, "no policy matches it")]
        else:
            decisions = [self._decide(event_id, alert, policy, place) for policy, place in matches]
        decisions = [replace(one, id=one.id or self.ids.new("dec"), event_id=event_id) for one in decisions]
        self.situation.record(*decisions)
        incidents = [one.incident_id for one in decisions if one.incident_id]
        runs = [one.run_id for one in decisions if one.run_id]
        result.dispositions.add(Disposition.ACCEPTED if matches else Disposition.IGNORED)
        result.incidents.update(dict.fromkeys(incidents))
        result.runs.update(dict.fromkeys(runs))
        seen[key] = _next_state(alert, before, event_id, self.now, tuple(incidents), tuple(runs))
        self.situation.remember(seen[key])

    def _leads_on(
        self, alert: Alert, matches: Sequence[tuple[Policy, Place]], before: AlertState, repeated: Decision
    ) -> bool:
        """Whether a repeated alert is news after all: it still fires, led to nothing, and would lead to more today.

        Its policy may be new or have changed, or automation was off: senders repeat what still fires for that reason.
        """
        if repeated.verdict is not Verdict.DUPLICATE or alert.status is not AlertStatus.FIRING or before.run_ids:
            return False
        if matches and not before.incident_ids:
            return True
        answers = [decide(alert, policy, self.situation.known(place, policy), place[1]) for policy, place in matches]
        return any(answer.verdict in (Verdict.RUN, Verdict.ASK) for answer in answers)

    def _decide(self, event_id: str, alert: Alert, policy: Policy, place: Place) -> Decision:
        if alert.source == DRILL_SOURCE and not self._is_drilled(alert, place):
            return ignored(alert, self.now, "no such drill is running there")
        known = self.situation.known(place, policy)
        decision = replace(decide(alert, policy, known, place[1]), id=self.ids.new("dec"), event_id=event_id)
        carry_out = of_canary if alert.source == CANARY_SOURCE else Consequences.of_alert
        return carry_out(self.consequences, self.situation, decision, alert, policy, self.configuration)

    def _is_drilled(self, alert: Alert, place: Place) -> bool:
        drill = self.situation.drill_at(place)
        return drill is not None and drill.id == drill_named(alert)

    def _repeat(
        self,
        event_id: str,
        alert: Alert,
        decision: Decision,
        before: AlertState,
        seen: dict[tuple[str, str], AlertState],
        result: _Result,
    ) -> None:
        stale = decision.verdict is Verdict.STALE
        result.dispositions.add(Disposition.IGNORED if stale else Disposition.DUPLICATE)
        result.incidents.update(dict.fromkeys(before.incident_ids))
        result.runs.update(dict.fromkeys(before.run_ids))
        self.situation.record(replace(decision, id=self.ids.new("dec"), event_id=event_id, at=self.now))
        ended = _resolved_until(alert, before)
        counted = replace(before, count=before.count + 1, seen_at=self.now, resolved_starts_at=ended)
        seen[before.source, before.identity] = counted
        self.situation.remember(counted)

    def mark_replayed(self, event: Event, replayed_as: str, actor: Actor) -> None:
        """The dead letter points to what became of it; refused where somebody else was quicker."""
        check_unreplayed(self.tx.event(event.id) or event)
        self.tx.save(replace(event, replayed_as=replayed_as))
        self.situation.record(
            AuditEntry(self.now, actor.name, "event.replayed", f"event:{event.id}", {"as": replayed_as})
        )


def check_unreplayed(event: Event) -> None:
    """A dead letter is taken once more, not twice."""
    if event.replayed_as:
        raise Refused(f"Event {event.id} was replayed already, as {event.replayed_as}")


def _next_state(
    alert: Alert,
    before: AlertState | None,
    event_id: str,
    now: datetime,
    incidents: tuple[str, ...],
    runs: tuple[str, ...],
) -> AlertState:
    return AlertState(
        source=alert.source,
        identity=alert.identity,
        status=alert.status,
        starts_at=alert.starts_at,
        resolved_starts_at=_resolved_until(alert, before),
        event_id=event_id,
        seen_at=now,
        incident_ids=incidents,
        run_ids=runs,
    )


def _resolved_until(alert: Alert, before: AlertState | None) -> datetime | None:
    """The newest start of those that were resolved; a firing alert that began no later is stale."""
    known = before.resolved_starts_at if before else None
    if alert.status is not AlertStatus.RESOLVED or alert.starts_at is None:
        return known
    return max(alert.starts_at, known) if known else alert.starts_at
