"""A person's order at the front door: checked, carried out and recorded in one commit, refusals included."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict
from bot.domain.errors import BadInput, Conflict, Refused
from bot.domain.events import Command, Disposition, Event, Receipt, Word
from bot.domain.permits import check_token
from bot.domain.records import AuditEntry
from bot.flow.consequences import Consequences
from bot.flow.order import Answer, Order
from bot.flow.run_orders import RUN_ORDERS
from bot.flow.service_orders import SERVICE_ORDERS
from bot.flow.situation import Situation
from bot.ports import Clock, Ids, Log, Queue, Store

HANDLERS: Mapping[Word, Callable[[Order], Answer]] = {**SERVICE_ORDERS, **RUN_ORDERS}


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
        checkable: frozenset[str],
        log: Log,
    ) -> None:
        self._log = log
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._configuration = configuration
        self._consequences = consequences
        self._checkable = checkable

    def give(self, command: Command) -> Receipt:
        """Carry out one order. BadInput and NotFound where it makes no sense; a refusal comes back as a receipt."""
        for _ in range(4):
            try:
                return self._once(command)
            except Conflict:
                continue  # somebody else moved the same run or opened the same incident first
        return self._once(command)

    def _once(self, command: Command) -> Receipt:
        event_id = self._ids.new("evt")
        configuration = self._configuration()
        try:
            with self._store.write() as tx:
                services = self._services(command, configuration, tx.run(command.subject), tx.incident(command.subject))
                situation = Situation(tx, tx.standing(services), self._clock.now(), self._ids)
                order = Order(
                    command, event_id, situation, configuration, self._consequences, self._ids, self._checkable
                )
                check_token(command)
                answer = HANDLERS[command.word](order)
                self._record(order, answer)
                situation.write_back()
        except Refused as refusal:
            return self._refuse(command, event_id, refusal)
        self._queue.ring(situation.bells)
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
        return Receipt(event_id, Disposition.ACCEPTED, 0, answer.incident_ids, answer.run_ids, message=answer.message)

    def _services(self, command: Command, configuration: Configuration, *found: object) -> list[str]:
        owner = next((one for one in found if one is not None), None)
        if owner is not None:
            return [str(getattr(owner, "service"))]  # noqa: B009
        if command.word in RUN_ORDERS:
            what = "incident" if command.word in (Word.RESOLVE, Word.ENDORSE) else "run"
            raise BadInput(f"No {what} {command.subject!r}", next="`andon incident list` shows what there is")
        if command.subject == "all":
            return sorted(configuration.policies)
        return [configuration.policy(command.subject).service] if command.word is not Word.AUTOMATION else []

    def _record(self, order: Order, answer: Answer) -> None:
        command, now = order.command, order.situation.now
        body = {"word": command.word, "subject": command.subject, "reason": command.reason, **command.details}
        order.situation.record(
            Event(
                id=order.event_id,
                source="command",
                dedup_key=order.event_id,
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
                {"verdict": str(answer.verdict), "reason": command.reason, "via": command.via, **command.details},
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
                    source="command",
                    dedup_key=event_id,
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
