"""Delivers what the record says is due: renders a notice in its audience's words and hands it to its medium."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.domain.errors import AndonError, StepFailed, TryLater
from bot.domain.records import AuditEntry, Notice
from bot.ports import Clock, Log, Messenger, Renderer, Store

_MOST_TRIES = 8


class NoticeDesk:
    """At least once: a crash between handing over and recording repeats a notice, it never loses one."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        renderer: Renderer,
        messengers: Mapping[str, Messenger],
        owner: str,
        ttl: timedelta,
        log: Log,
        crash: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._renderer = renderer
        self._messengers = messengers
        self._owner = owner
        self._ttl = ttl
        self._log = log
        self._crash = crash

    def send(self, notice_id: str) -> None:
        """Send one notice, if it is due and nobody else is at it."""
        with self._store.write() as tx:
            notice = tx.claim_notice(notice_id, self._owner, self._ttl)
        if notice is None:
            return
        self._crash("before_notice")
        sent = self._deliver(notice)
        self._crash("after_notice")
        with self._store.write() as tx:
            tx.save(sent)
            data = {"audience": sent.audience, "medium": sent.medium, "error": sent.error}
            tx.add(AuditEntry(self._clock.now(), "andon", f"notice.{sent.status}", f"notice:{sent.id}", data))
        self._log(
            "notice",
            notice_id=sent.id,
            incident_id=sent.incident_id,
            run_id=sent.run_id,
            name=sent.name,
            audience=sent.audience,
            status=str(sent.status),
            problem=sent.error,
        )

    def _deliver(self, notice: Notice) -> Notice:
        subject, body = self._words(notice)
        try:
            messenger = self._messengers.get(notice.medium)
            if messenger is None:
                raise StepFailed(f"There is no medium {notice.medium!r}")
            messenger.send(notice, subject, body)
        except TryLater as error:
            again = self._clock.now() + max(error.delay, timedelta(seconds=2.0 ** min(notice.tries, 7)))
            return notice.failed(str(error), retry_at=again if notice.tries + 1 < _MOST_TRIES else None)
        except AndonError as error:
            return notice.failed(str(error), retry_at=None)
        return notice.sent(subject, body, self._clock.now())

    def _words(self, notice: Notice) -> tuple[str, str]:
        try:
            return self._renderer.render(notice)
        except AndonError as error:
            # A broken template must not keep anybody from hearing that something happened.
            self._log("notice template failed", notice_id=notice.id, name=notice.name, problem=str(error))
            return plain_words(notice, str(error))


def plain_words(notice: Notice, problem: str) -> tuple[str, str]:
    """A notice without its template: the bare facts, and that the template is broken."""
    facts = [f"{key}: {value}" for key, value in notice.facts.items() if isinstance(value, str | int | float) and value]
    subject = f"{notice.service}: {notice.name.replace('_', ' ')}"
    lines = [subject, "", *facts, "", f"(The template of this notice could not be used: {problem})"]
    return subject, "\n".join(lines)
