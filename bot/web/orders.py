"""Orders of people from the API and the pages: one door, one table of who may give which."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.attachments import attached_as, kept_file
from bot.domain.errors import AndonError, NotFound
from bot.domain.events import Actor, Command, Receipt, Role
from bot.domain.permits import NEEDED
from bot.domain.records import AuditEntry
from bot.domain.words import SUBJECT_OF, Subject, Word, words_about
from bot.web.head import Head
from bot.web.identity import Forbidden, demand
from bot.web.metrics import WebMetrics

LEAST_ROLE: Mapping[Word, Role] = {**NEEDED, Word.HALT: Role.OPERATOR}
"""The least role of an API token for each order: a halt over the network takes more than one at the command line."""
REPLAY_ROLE = Role.ADMIN
EVERYTHING = "all"
"""The subject of an order about everything."""

OF_SERVICES = words_about(Subject.SERVICE)
OF_INCIDENTS = words_about(Subject.INCIDENT)
OF_MINUTES = words_about(Subject.MINUTE)
OF_RUNS = words_about(Subject.RUN)
OF_RELEASES = words_about(Subject.RELEASE)
OF_DRILLS = words_about(Subject.DRILL)

_CALLED = {Subject.MINUTE: "item"}
"""What people call a record, where that is another word than the house's."""

_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Order:
    """What a person wants, before it is known whether that person may."""

    word: Word
    subject: str
    reason: str = ""
    environment: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Orders:
    """Hands orders to the front door, after the role was looked at, and counts them."""

    def __init__(self, head: Head, metrics: WebMetrics) -> None:
        self._head = head
        self._metrics = metrics

    def give(self, order: Order, actor: Actor, via: str) -> Receipt:
        """The receipt, refused or not. Forbidden, BadInput, NotFound, TryLater. Blocks for one commit."""
        self._demand(order, actor, via)
        subject = named(order.subject, "service" if order.word in OF_SERVICES else "record")
        self._look_up(order.word, subject)
        command = Command(order.word, subject, actor, via, order.reason, order.environment, order.details)
        return self._counted(str(order.word), lambda: self._head.intake.order(command))

    def _demand(self, order: Order, actor: Actor, via: str) -> None:
        """Forbidden where the role is too low; that is recorded as every refusal is."""
        try:
            demand(actor, LEAST_ROLE[order.word], f"{order.word.replace('_', ' ')}")
        except Forbidden as refusal:
            subject = order.subject if _SUBJECT.fullmatch(order.subject) else "?"
            data = {"why": refusal.detail, "via": via}
            entry = AuditEntry(self._head.clock.now(), actor.name, f"refused.{order.word}", f"order:{subject}", data)
            with self._head.store.write() as tx:
                tx.add(entry)
            raise

    def attach(self, incident_id: str, name: str, content: bytes, actor: Actor) -> Receipt:
        """Keep a file under its digest, then say that it is evidence. The errors of `give`; BadInput for its size."""
        demand(actor, LEAST_ROLE[Word.REPORT], "attach a file")
        incident = named(incident_id, "record")
        self._look_up(Word.REPORT, incident)
        file = kept_file(content, self._head.clock.now())
        with self._head.store.write() as tx:
            tx.keep_file(file)
        details = {"files": [attached_as(name, file)]}
        return self.give(Order(Word.REPORT, incident, details=details), actor, "api")

    def _look_up(self, word: Word, subject: str) -> None:
        """NotFound before anything is written, where the record of an address does not exist."""
        subject_kind = SUBJECT_OF[word]
        if subject_kind in (Subject.SERVICE, Subject.EVERYTHING):
            return
        with self._head.store.read() as tx:
            finders: Mapping[Subject, Callable[[str], object | None]] = {
                Subject.INCIDENT: tx.incident,
                Subject.RUN: tx.run,
                Subject.MINUTE: tx.minute,
                Subject.ESCALATION: tx.escalation,
                Subject.RELEASE: tx.release,
                Subject.DRILL: tx.drill,
            }
            found = finders[subject_kind](subject)
        if found is None:
            raise NotFound(f"No {_CALLED.get(subject_kind, subject_kind)} {subject}")

    def replay(self, event_id: str, actor: Actor) -> Receipt:
        """Take a dead letter once more. Forbidden, NotFound, Refused, BadInput, TryLater."""
        demand(actor, REPLAY_ROLE, "replay an event")
        event = named(event_id, "event")
        return self._counted("replay", lambda: self._head.intake.replay(event, actor))

    def _counted(self, word: str, door: Any) -> Receipt:
        started = time.perf_counter()
        try:
            receipt: Receipt = door()
        except AndonError:
            self._metrics.ordered(word, refused=True)
            raise
        self._metrics.decided("order", time.perf_counter() - started)
        self._metrics.ordered(word, receipt.refused)
        return receipt


def named(text: str, what: str) -> str:
    """The name or id as it stands in an address; NotFound where nothing could be called that."""
    if not _SUBJECT.fullmatch(text):
        raise NotFound(f"No {what} of that name", next="names have letters, digits, '.', '_' and '-', 64 at most")
    return text
