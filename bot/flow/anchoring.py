"""A chore of the clock: sends the newest signed head of the audit trail to places outside, once in each interval."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.audit_anchors import Anchor, AnchorKind, AnchorStatus, AnchorTarget, slot_of
from bot.domain.audit_trail import SignedHead
from bot.domain.errors import AndonError
from bot.domain.events import ANDON
from bot.domain.records import AuditEntry, Notice, NoticeStatus
from bot.flow.chores import Rounds, do_each
from bot.ports import Bell, JobName, Lane, Transaction

Put = Callable[[AnchorTarget, SignedHead], None]
ANCHOR, FAILED = "audit_anchor", "anchor_failed"
MEDIA = {AnchorKind.SLACK: "slack", AnchorKind.MAIL: "mail"}
"""Places that are told by a notice; the others are written to."""


class Anchoring:
    """Any number of clocks may do this: the row of a place and an interval belongs to whoever inserts it."""

    def __init__(self, rounds: Rounds, targets: Sequence[AnchorTarget], every: timedelta, put: Put) -> None:
        """`put` writes to a place that is no medium: a file, a web address."""
        self._rounds = rounds
        self._targets = targets
        self._every = every
        self._put = put

    def look(self) -> None:
        """Send it wherever it has not been sent in this interval, if the trail has grown. It calls outside."""
        if not self._targets:
            return
        self._hear()
        slot = slot_of(self._rounds.now(), self._every)
        with self._rounds.store.read() as tx:
            head, last, positions = tx.audit_head(), tx.last_anchors(), tx.anchored_positions()
            due = [
                one
                for one in self._targets
                if (one.name not in last or last[one.name].slot < slot)
                and tx.audit_has_news(positions.get(one.name, 0))
            ]
        if head is not None:
            do_each(due, lambda target: self._send(target, head, slot, last.get(target.name)))

    def _hear(self) -> None:
        """A notice that could not be delivered is an anchor that failed after all."""
        with self._rounds.store.read() as tx:
            sent = [one for one in tx.last_anchors().values() if one.status is AnchorStatus.SENT and one.notice_id]
            dead = {one.target: found for one in sent if (found := _dead(tx, one)) is not None}
        for anchor in (one for one in sent if one.target in dead):
            with self._rounds.store.write() as tx:
                if tx.fail_anchor(anchor):
                    told = self._record(tx, anchor, dead[anchor.target].error, None)
                    self._ring(told)

    def _send(self, target: AnchorTarget, head: SignedHead, slot: datetime, before: Anchor | None) -> None:
        now = self._rounds.now()
        anchor = Anchor(target.name, slot, head.position, head.hash, now)
        if target.kind in MEDIA:
            self._tell(target, head, anchor, before)
            return
        with self._rounds.store.write() as tx:
            if not tx.begin_anchor(anchor):
                return
        problem = ""
        try:
            self._put(target, head)
        except AndonError as error:
            problem = str(error)
        with self._rounds.store.write() as tx:
            told = self._record(tx, anchor, problem, before)
        self._ring(told)

    def _tell(self, target: AnchorTarget, head: SignedHead, anchor: Anchor, before: Anchor | None) -> None:
        """A channel or a mailbox gets a notice, in the commit that records it."""
        teller = self._rounds.consequences.teller
        medium = MEDIA[target.kind]
        problem = "" if medium in teller.media else f"{medium} is not set up"
        with self._rounds.store.write() as tx:
            if not tx.begin_anchor(anchor):
                return
            notice = teller.about_house(ANCHOR, cause=f"audit:{head.position}", now=anchor.at, text=head.line)
            told = self._record(tx, replace(anchor, notice_id=None if problem else notice.id), problem, before)
            if not problem:
                tx.add(replace(notice, medium=medium, address=target.address))
        self._ring([*told, *([] if problem else [notice])])

    def _record(self, tx: Transaction, anchor: Anchor, problem: str, before: Anchor | None) -> list[Notice]:
        """What came of it; the engineers hear of a place that begins to fail, not of each try."""
        now = self._rounds.now()
        tx.save(anchor.ended(AnchorStatus.FAILED if problem else AnchorStatus.SENT, now, problem))
        data = {"target": anchor.target, "position": anchor.position, "hash": anchor.hash}
        action = "audit.anchor_failed" if problem else "audit.anchored"
        more = {"problem": problem} if problem else {}
        tx.add(AuditEntry(now, ANDON.name, action, f"audit:{anchor.position}", data | more))
        if not problem or (before is not None and before.status is AnchorStatus.FAILED):
            return []
        teller = self._rounds.consequences.teller
        cause = f"audit:{anchor.position}"
        notice = teller.about_house(FAILED, cause=cause, now=now, text=anchor.target, problem=problem)
        tx.add(notice)
        return [notice]

    def _ring(self, notices: Collection[Notice]) -> None:
        self._rounds.queue.ring([Bell(JobName.SEND_NOTICE, one.id, Lane.NOTICES) for one in notices])


def _dead(tx: Transaction, anchor: Anchor) -> Notice | None:
    notice = tx.notice(anchor.notice_id or "")
    return notice if notice is not None and notice.status is NoticeStatus.DEAD else None
