"""The front door: deliveries become events, decisions, incidents, runs and due notices in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.domain.configuration import Configuration
from bot.domain.errors import BadInput, Conflict, NotFound, Refused
from bot.domain.events import Actor, Alert, Command, Delivery, Disposition, Event, Receipt
from bot.domain.inner_alerts import is_inner, service_named
from bot.domain.judging import place_of
from bot.domain.policies import Policy
from bot.flow.batch import Batch, Heard, check_unreplayed
from bot.flow.consequences import Consequences
from bot.flow.matching import PolicyIndex
from bot.flow.orders import Orders
from bot.plugins import AlertSource
from bot.ports import Bell, Clock, Ids, Log, Queue, Store

_ATTEMPTS = 5

Ring = Callable[[Sequence[Bell]], object]


def _unforeseen(bells: Sequence[Bell]) -> None:
    """Nobody is in a hurry."""


class Intake:
    """Takes deliveries. Nothing is answered before the commit, and the bell is rung only after it."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        clock: Clock,
        ids: Ids,
        sources: Mapping[str, AlertSource],
        configuration: Callable[[], Configuration],
        consequences: Consequences,
        orders: Orders,
        crash: Callable[[str], None],
        log: Log,
    ) -> None:
        self._log = log
        self._orders = orders
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._sources = sources
        self._configuration = configuration
        self._consequences = consequences
        self._crash = crash
        self._indexed: tuple[Configuration | None, PolicyIndex] = (None, PolicyIndex(()))

    def accept(
        self, deliveries: Sequence[Delivery], ring: Ring | None = None, foresee: Ring = _unforeseen
    ) -> list[Receipt]:
        """Answer each delivery, all in one commit. Raises TryLater where it cannot be stored; then nothing is.

        `ring` may hand the bells to another thread, so that a queue that is away never delays an answer; whoever does
        so calls `note` once everybody has theirs. `foresee` is told just before the commit what will be rung after
        it; the commit may still come to nothing.
        """
        configuration = self._configuration()
        heard = [self._hear(delivery, configuration) for delivery in deliveries]
        receipts, bells = self._store_all(heard, configuration, foresee)
        self._crash("after_inbox_commit")
        (ring or self._queue.ring)(bells)
        if ring is None:
            self.note(receipts)
        return receipts

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Logs what led somewhere; the thousand others are counted in the metrics."""
        for receipt in receipts:
            if receipt.disposition is Disposition.DEAD_LETTER or (
                receipt.disposition is Disposition.ACCEPTED and receipt.runs
            ):
                self._log(
                    "delivery taken",
                    event_id=receipt.event_id,
                    disposition=str(receipt.disposition),
                    incident_ids=list(receipt.incidents),
                    run_ids=list(receipt.runs),
                    problem=receipt.message,
                )

    def order(self, command: Command) -> Receipt:
        """Carry out a person's order: the same front door."""
        return self._orders.give(command)

    def replay(self, event_id: str, actor: Actor) -> Receipt:
        """Take a kept dead letter once more, for instance after its source was mended."""
        with self._store.read() as tx:
            event = tx.event(event_id)
        if event is None:
            raise NotFound(f"No event {event_id!r}", next="`andon event list --dead` shows those that can be replayed")
        if event.disposition is not Disposition.DEAD_LETTER or event.body is None:
            raise Refused(f"Event {event_id} is {event.disposition}", why="only a dead letter can be replayed")
        check_unreplayed(event)
        delivery = Delivery(event.source, event.body, event.headers, replay_of=event_id)
        heard = self._hear(delivery, self._configuration())
        if heard.problem:
            raise BadInput("It is still not understood", why=heard.problem, next="it stays among the dead letters")
        receipts, bells = self._store_all([heard], self._configuration(), _unforeseen, event, actor)
        self._queue.ring(bells)
        return receipts[0]

    def _hear(self, delivery: Delivery, configuration: Configuration) -> Heard:
        heard = Heard(delivery, event_id=self._ids.new("evt"))
        source = self._sources[delivery.source]
        try:
            heard.delivery_id = source.delivery_id(delivery.raw, delivery.headers)
            heard.alerts = source.parse(delivery.raw, delivery.headers)
        except BadInput as error:
            heard.problem = str(error)
        for alert in heard.alerts:
            policies = self._policies_about(alert, configuration)
            heard.matches.append([(policy, place_of(alert, policy)) for policy in policies])
        return heard

    def _policies_about(self, alert: Alert, configuration: Configuration) -> Sequence[Policy]:
        if is_inner(alert):
            named = configuration.policies.get(service_named(alert))
            return (named,) if named else ()
        return self._index_of(configuration).matching(alert)

    def _index_of(self, configuration: Configuration) -> PolicyIndex:
        known, index = self._indexed
        if known is not configuration:
            index = PolicyIndex(configuration.policies.values())
            self._indexed = (configuration, index)
        return index

    def _store_all(
        self,
        heard: Sequence[Heard],
        configuration: Configuration,
        foresee: Ring,
        replayed: Event | None = None,
        actor: Actor | None = None,
    ) -> tuple[list[Receipt], list[Bell]]:
        for attempt in range(_ATTEMPTS):
            try:
                with self._store.write() as tx:
                    batch = Batch(tx, heard, self._clock.now(), self._ids, self._consequences, configuration)
                    receipts = batch.take_all()
                    if replayed is not None and actor is not None:
                        batch.mark_replayed(replayed, receipts[0].event_id, actor)
                    batch.situation.write_back()
                    tx.flush()
                    self._crash("before_inbox_commit")
                    foresee(batch.situation.bells)
                return receipts, batch.situation.bells
            except Conflict:
                # Another process wrote the same alert or opened the same incident first: read again, decide again.
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")
