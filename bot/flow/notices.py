"""Delivers what the record says is due: a notice becomes a letter in its audience's words, and goes to its medium."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, StepFailed, TryLater
from bot.domain.letters import Letter, Medium, Posted, marked_as_drill
from bot.domain.quiet_hours import next_in_rate
from bot.domain.records import AuditEntry, Notice, NoticeStatus, TimelineEntry, is_of_drill
from bot.domain.threads import Pace, Thread
from bot.domain.ways import PERSON, other_way
from bot.flow.timeline import line
from bot.ports import Clock, Ids, Log, Messenger, Renderer, Store, Transaction

_MOST_TRIES = 8
_PACES: Mapping[str, timedelta] = {Medium.SLACK: timedelta(seconds=1)}
"""How far apart two messages to one address stand: Slack takes one a second in each channel
(https://docs.slack.dev/apis/web-api/rate-limits)."""
_HOUR = timedelta(hours=1)
_THREADED = (Medium.SLACK, Medium.MAIL)

Freshen = Callable[[Transaction, Notice, datetime], Notice | None]
"""The notice with facts as they are now, and when it is to be told anew next; None: it stays as it stands."""


class NoticeDesk:
    """At least once, with a look before a second try: a crash between handing over and recording loses nothing, and
    repeats nothing where the medium can be asked.

    One address gets its notices one after the other, in the order in which they were due.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        renderer: Renderer,
        messengers: Mapping[str, Messenger],
        configuration: Callable[[], Configuration],
        freshen: Freshen,
        owner: str,
        ttl: timedelta,
        log: Log,
        crash: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._renderer = renderer
        self._messengers = messengers
        self._configuration = configuration
        self._freshen = freshen
        self._owner = owner
        self._ttl = ttl
        self._log = log
        self._crash = crash

    def send(self, notice_id: str) -> None:
        """Send one notice if it is due, or tell it anew where that is due, unless somebody else is at it."""
        with self._store.write() as tx:
            notice = self._claim(tx, notice_id)
            thread = self._thread(tx, notice) if notice else None
            renewed = None if notice else self._claim_again(tx, notice_id)
        if notice is not None:
            self._crash("before_notice")
            sent = self._deliver(notice, thread)
            self._crash("after_notice")
            self._record(sent, thread)
        elif renewed is not None:
            self._edit(renewed)

    def _claim(self, tx: Transaction, notice_id: str) -> Notice | None:
        """The notice, marked as being tried; None where it is not its turn yet, which is written down then."""
        notice = tx.claim_notice(notice_id, self._owner, self._ttl)
        if notice is None or notice.medium == Medium.PAGE:
            return notice
        now = self._clock.now()
        later = self._not_before(tx, notice, now)
        if later > now:
            tx.save(replace(notice, due_at=later))
            return None
        self._set_pace(tx, notice, now)
        tx.record_attempt(notice.id, now)
        # It may have waited: what is told is how things stand now.
        return self._freshen(tx, notice, now) or notice

    def _not_before(self, tx: Transaction, notice: Notice, now: datetime) -> datetime:
        pace = _PACES.get(notice.medium, timedelta(milliseconds=200))
        moments = [now]
        if ahead := len(tx.waiting_before(notice)):
            moments.append(now + ahead * pace)
        if known := tx.pace(notice.medium, notice.address):
            moments.append(known.next_at)
        policy = self._configuration().policies.get(notice.service)
        audience = policy.audiences.get(notice.audience) if policy else None
        if audience is not None and audience.max_per_hour:
            told = tx.sent_since(notice.service, notice.audience, now - _HOUR)
            moments.append(next_in_rate(now, told, audience.max_per_hour))
        return max(moments)

    def _thread(self, tx: Transaction, notice: Notice) -> Thread | None:
        if notice.incident_id is None:
            return None
        return tx.thread(notice.incident_id, notice.medium, notice.address)

    def _deliver(self, notice: Notice, thread: Thread | None) -> Notice:
        letter = self._words(notice)
        try:
            messenger = self._messenger(notice)
            posted = messenger.find(notice, thread) if notice.attempted_at else None
            posted = posted or messenger.send(notice, letter, thread)
        except TryLater as error:
            return self._passing(notice, error)
        except AndonError as error:
            return self._closed(notice, error)
        sent = notice.sent(letter.subject, letter.body, self._clock.now())
        return replace(sent, ref=posted.ref, posted_in=posted.address, link=posted.link, error=posted.problem)

    def _messenger(self, notice: Notice) -> Messenger:
        messenger = self._messengers.get(notice.medium)
        if messenger is None:
            raise StepFailed(f"There is no medium {notice.medium!r}", next="set it up, or tell this audience elsewhere")
        return messenger

    def _passing(self, notice: Notice, error: TryLater) -> Notice:
        if notice.tries + 1 >= _MOST_TRIES:
            return self._closed(notice, error)
        again = self._clock.now() + max(error.delay, timedelta(seconds=2.0 ** min(notice.tries, 7)))
        # It may have gone through all the same; then the medium is asked before it is sent once more.
        attempted = self._clock.now() if error.ambiguous else None
        return replace(notice.failed(str(error), retry_at=again), attempted_at=attempted)

    def _closed(self, notice: Notice, error: AndonError) -> Notice:
        """This way is closed for good: the next one, or none."""
        failed = replace(
            notice.failed(str(error), retry_at=None),
            tried=(*notice.tried, f"{notice.medium}:{notice.address}"),
            attempted_at=None,
        )
        policy = self._configuration().policies.get(notice.service)
        way = other_way(policy, notice.audience, self._messengers, failed.tried) if policy else None
        if way is None:
            return failed
        return replace(
            failed,
            status=NoticeStatus.FAILED,
            medium=way.medium,
            address=way.address,
            tries=0,
            due_at=self._clock.now(),
        )

    def _record(self, sent: Notice, thread: Thread | None) -> None:
        with self._store.write() as tx:
            tx.save(sent)
            self._set_pace(tx, sent, self._clock.now())  # from its end on: it may have taken a while
            if sent.status is NoticeStatus.SENT and sent.incident_id and thread is None and sent.medium in _THREADED:
                begun = Thread(sent.incident_id, sent.medium, sent.address, sent.ref, sent.subject, sent.link)
                tx.save(begun)
            if told := self._line(sent):
                tx.add(told)
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

    def _line(self, sent: Notice) -> TimelineEntry | None:
        """Who was told where, with what opens it, or who could not be; what only the page shows is seen there."""
        if sent.incident_id is None or (sent.medium == Medium.PAGE and not sent.tried):
            return None
        whom = sent.audience.removeprefix(PERSON)
        match sent.status:
            case NoticeStatus.SENT:
                text = f"{whom} was told by {sent.medium}: {sent.subject}"
            case NoticeStatus.DEAD:
                text = f"{whom} could not be told ({sent.name.replace('_', ' ')}): {sent.error}"
            case _ if sent.tries == 0 and sent.tried:
                text = f"{whom} cannot be told by {sent.tried[-1].partition(':')[0]}, so {sent.medium} is tried"
            case _:
                return None
        now = self._clock.now()
        return line(self._ids, sent.incident_id, now, "notice", text, run_id=sent.run_id, link=sent.link)

    def _claim_again(self, tx: Transaction, notice_id: str) -> Notice | None:
        """A notice that stands somewhere and is to be told anew, with the facts of now."""
        notice = tx.claim_refresh(notice_id, self._owner, self._ttl)
        if notice is None:
            return None
        now = self._clock.now()
        known = tx.pace(notice.medium, notice.address)
        if known is not None and known.next_at > now:
            tx.save(replace(notice, refresh_at=known.next_at))
            return None
        fresh = self._freshen(tx, notice, now)
        if fresh is None:
            tx.save(replace(notice, refresh_at=None))
            return None
        self._set_pace(tx, notice, now)
        return fresh

    def _set_pace(self, tx: Transaction, notice: Notice, now: datetime) -> None:
        if pace := _PACES.get(notice.medium):
            tx.save(Pace(notice.medium, notice.address, now + pace))

    def _edit(self, notice: Notice) -> None:
        letter = self._words(notice)
        try:
            posted: Posted | None = self._messenger(notice).edit(notice, letter)
            edited = replace(notice, subject=letter.subject, body=letter.body)
        except TryLater as error:
            posted, edited = (
                None,
                replace(notice, refresh_at=self._clock.now() + max(error.delay, timedelta(seconds=2))),
            )
        except AndonError as error:
            # What was said stands; whoever reads it finds the newest on the page.
            posted, edited = None, replace(notice, refresh_at=None, error=str(error))
        with self._store.write() as tx:
            tx.save(edited)
        if posted is None:
            self._log("notice not told anew", notice_id=notice.id, name=notice.name, problem=edited.error)

    def _words(self, notice: Notice) -> Letter:
        try:
            return self._renderer.write(notice)
        except AndonError as error:
            # A broken template must not keep anybody from hearing that something happened.
            self._log("notice template failed", notice_id=notice.id, name=notice.name, problem=str(error))
            return plain_words(notice, str(error))


def plain_words(notice: Notice, problem: str) -> Letter:
    """A notice without its template: the bare facts, and that the template is broken."""
    facts = [f"{key}: {value}" for key, value in notice.facts.items() if isinstance(value, str | int | float) and value]
    subject = f"{notice.service}: {notice.name.replace('_', ' ')}"
    lines = [subject, "", *facts, "", f"(The template of this notice could not be used: {problem})"]
    body = "\n".join(lines)
    return Letter(*marked_as_drill(subject, body)) if is_of_drill(notice) else Letter(subject, body)
