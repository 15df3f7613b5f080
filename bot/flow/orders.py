"""A person's order at the front door: checked, carried out and recorded in one commit, refusals included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict
from bot.domain.errors import Conflict, Refused
from bot.domain.events import Command, Disposition, Event, Receipt
from bot.domain.heard import HeardItem
from bot.domain.permits import check_entitled
from bot.domain.records import AuditEntry
from bot.domain.words import Word
from bot.flow.consequences import Consequences
from bot.flow.drill_orders import DRILL_ORDERS
from bot.flow.meeting_orders import MEETING_ORDERS
from bot.flow.minute_orders import MINUTE_ORDERS
from bot.flow.notes_orders import NOTES_ORDERS, HearNotes, hear_in
from bot.flow.order import Answer, Order, PinnedFiles
from bot.flow.order_subjects import services_of
from bot.flow.ownership_orders import OWNERSHIP_ORDERS
from bot.flow.postmortem_orders import POSTMORTEM_ORDERS
from bot.flow.proposed_changes import Check, Proposal, proposed_in, unchecked
from bot.flow.release_moves import ReleaseMoves
from bot.flow.release_orders import RELEASE_ORDERS
from bot.flow.release_starting import start
from bot.flow.reporting import report
from bot.flow.run_orders import RUN_ORDERS
from bot.flow.service_orders import SERVICE_ORDERS
from bot.flow.situation import Situation
from bot.flow.update_orders import UPDATE_ORDERS
from bot.ports import Chance, Clock, Ids, Log, Queue, Schedules, Store, Transaction

SOURCE = "command"
"""The source of the events that orders are."""

HANDLERS: Mapping[Word, Callable[[Order], Answer]] = {
    **SERVICE_ORDERS,
    **RUN_ORDERS,
    **OWNERSHIP_ORDERS,
    **UPDATE_ORDERS,
    **MINUTE_ORDERS,
    **MEETING_ORDERS,
    **NOTES_ORDERS,
    **RELEASE_ORDERS,
    **DRILL_ORDERS,
    **POSTMORTEM_ORDERS,
    Word.RELEASE_START: start,
    Word.REPORT: report,
}


class Orders:
    """Takes commands. A refusal changes nothing but is recorded like any other decision."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        clock: Clock,
        ids: Ids,
        configuration: Callable[[], Configuration],
        consequences: Consequences,
        moves: ReleaseMoves,
        pinned_files: PinnedFiles,
        checkable: frozenset[str],
        hear: HearNotes,
        schedules: Schedules,
        chance: Chance,
        log: Log,
        check: Check = unchecked,
    ) -> None:
        self._schedules = schedules
        self._chance = chance
        self._hear = hear
        self._check = check
        self._log = log
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._configuration = configuration
        self._consequences = consequences
        self._checkable = checkable
        self._moves = moves
        self._pinned_files = pinned_files

    def give(self, command: Command) -> Receipt:
        """Carry out one order. BadInput and NotFound where it makes no sense; a refusal comes back as a receipt."""
        heard = hear_in(command, self._store, self._configuration(), self._clock, self._hear)
        proposal = proposed_in(command, self._configuration(), self._check)
        for _ in range(4):
            try:
                return self._once(command, heard, proposal)
            except Conflict:
                continue  # somebody else moved the same run or opened the same incident first
        return self._once(command, heard, proposal)

    def _once(self, command: Command, heard: Sequence[HeardItem], proposal: Proposal | None) -> Receipt:
        event_id = self._ids.new("evt")
        configuration = self._configuration()
        try:
            with self._store.write() as tx:
                if command.delivery and (before := tx.events_by_key(SOURCE, [command.delivery])):
                    return _again(tx, before[command.delivery])
                services = services_of(command, configuration, tx)
                situation = Situation(tx, tx.standing(services), self._clock.now(), self._ids)
                order = Order(
                    command,
                    event_id,
                    situation,
                    configuration,
                    self._consequences,
                    self._ids,
                    self._moves,
                    self._pinned_files,
                    self._schedules,
                    self._chance,
                    self._checkable,
                    heard,
                    proposal,
                )
                check_entitled(command, configuration.policies.get(services[0]) if len(services) == 1 else None)
                answer = HANDLERS[command.word](order)
                self._record(order, answer)
                situation.write_back()
        except Refused as refusal:
            return self._refuse(command, event_id, refusal)
        self._queue.ring(situation.bells)
        return self._taken(command, event_id, answer)

    def _taken(self, command: Command, event_id: str, answer: Answer) -> Receipt:
        self._log(
            "order taken",
            event_id=event_id,
            word=str(command.word),
            subject=command.subject,
            actor=command.actor.name,
            verdict=str(answer.verdict),
            incident_ids=list(answer.incident_ids),
            run_ids=list(answer.run_ids),
        )
        return Receipt(
            event_id,
            Disposition.ACCEPTED,
            incidents=answer.incident_ids,
            runs=answer.run_ids,
            message=answer.message,
            records=answer.record_ids,
        )

    def _record(self, order: Order, answer: Answer) -> None:
        command, now = order.command, order.situation.now
        about = {**({"service": answer.service} if answer.service else {}), **_audited(command)}
        body = {"word": command.word, "subject": command.subject, "reason": command.reason, **command.details}
        order.situation.record(
            Event(
                id=order.event_id,
                source=SOURCE,
                dedup_key=command.delivery or order.event_id,
                accepted_at=now,
                disposition=Disposition.ACCEPTED,
                body=json.dumps(body, default=str).encode(),
                actor=command.actor.name,
                incident_ids=answer.incident_ids,
                run_ids=answer.run_ids,
            ),
            Decision(
                id=self._ids.new("dec"),
                event_id=order.event_id,
                at=now,
                verdict=answer.verdict,
                reason=answer.message,
                actor=command.actor.name,
                service=answer.service,
                environment=answer.environment,
                incident_id=next(iter(answer.incident_ids), None),
                run_id=next(iter(answer.run_ids), None),
            ),
            AuditEntry(
                now,
                command.actor.name,
                f"order.{command.word}",
                f"order:{command.subject}",
                {"verdict": str(answer.verdict), "reason": command.reason, "via": command.via, **about},
            ),
        )

    def _refuse(self, command: Command, event_id: str, refusal: Refused) -> Receipt:
        self._log(
            "order refused",
            event_id=event_id,
            word=str(command.word),
            subject=command.subject,
            actor=command.actor.name,
            why=refusal.what,
        )
        now = self._clock.now()
        reason = str(refusal)
        with self._store.write() as tx:
            tx.add(
                Event(
                    id=event_id,
                    source=SOURCE,
                    dedup_key=command.delivery or event_id,
                    accepted_at=now,
                    disposition=Disposition.ACCEPTED,
                    actor=command.actor.name,
                ),
                Decision(
                    id=self._ids.new("dec"),
                    event_id=event_id,
                    at=now,
                    verdict=Verdict.REFUSE,
                    reason=reason,
                    actor=command.actor.name,
                ),
                AuditEntry(
                    now,
                    command.actor.name,
                    f"refused.{command.word}",
                    f"order:{command.subject}",
                    {"why": reason, "via": command.via},
                ),
            )
        return Receipt(event_id, Disposition.ACCEPTED, message=reason, refused=True)


_LONG: Mapping[Word, str] = {
    Word.NOTES: "text",
    Word.RELEASE_START: "manifest",
    Word.POSTMORTEM_EDIT: "text",
    Word.POSTMORTEM_LESSON: "diff",
}
"""Details of which the trail keeps the digest only."""


def _audited(command: Command) -> Mapping[str, Any]:
    """The details as the trail has them: of what is long its digest, because the event has the text."""
    long = _LONG.get(command.word)
    if long is None or long not in command.details:
        return command.details
    found = command.details[long]
    text = (found if isinstance(found, str) else json.dumps(found, sort_keys=True)).encode("utf-8", "replace")
    digest = {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)}
    return {**{key: value for key, value in command.details.items() if key != long}, **digest}


def _again(tx: Transaction, event: Event) -> Receipt:
    """What the first delivery of the same order led to, in its words."""
    first = next(iter(tx.decisions(event_id=event.id)), None)
    return Receipt(
        event.id,
        Disposition.DUPLICATE,
        incidents=event.incident_ids,
        runs=event.run_ids,
        message=first.reason if first else "",
        refused=first is not None and first.verdict is Verdict.REFUSE,
    )
