"""Calls people, level by level, while a question has no answer, and reads back from pagers whether somebody took it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.errors import AndonError, TryLater
from bot.domain.escalations import Escalation, EscalationStatus
from bot.domain.events import ANDON
from bot.domain.incidents import Incident
from bot.domain.pages import PageStanding, PageState
from bot.domain.policies import Policy
from bot.domain.records import Approval, AuditEntry, Notice, NoticeStatus
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.domain.ways import Way
from bot.flow import offers
from bot.flow.chores import Rounds, do_each
from bot.flow.levels import ESCALATED, answer_levels, pull_next
from bot.flow.situation import Situation
from bot.flow.telling import About
from bot.ports import Log, Pager, Transaction


class Escalating:
    """Two chores of the clock: `call` tells the levels that are due, `look` asks pagers and ends their pages."""

    def __init__(self, rounds: Rounds, pagers: Mapping[str, Pager], log: Log) -> None:
        self._rounds = rounds
        self._pagers = pagers
        self._log = log

    def call(self) -> None:
        """Tell all levels that are due now."""
        with self._rounds.store.read() as tx:
            due = [(one.id, run.service) for one in tx.due_escalations() if (run := tx.run(one.run_id))]
        do_each(due, lambda one: self._call(*one))

    def look(self) -> None:
        """Ask about all pages whose time has come. It calls outside, so it may take a while."""
        with self._rounds.store.read() as tx:
            due = [(one.id, run.service) for one in tx.looked_at_escalations() if (run := tx.run(one.run_id))]
        do_each(due, lambda one: self._look(*one))

    def _call(self, level_id: str, service: str) -> None:
        with self._rounds.at(service) as situation:
            tx, now = situation.tx, situation.now
            level = tx.escalation(level_id)
            if level is None or level.status is not EscalationStatus.DUE or level.due_at > now:
                return
            run, incident = tx.run(level.run_id), tx.incident(level.incident_id)
            policy = self._rounds.configuration().policies.get(service)
            if run is None or run.is_ended or incident is None or not incident.is_open or policy is None:
                tx.save(level.over(now))
                return
            approval = next((one for one in tx.approvals(run.id) if one.id == level.approval_id), None)
            about = self._about(situation, policy, incident, run, approval, level)
            if level.is_page:
                self._page(situation, about, level)
            else:
                self._tell(situation, about, level)

    def _tell(self, situation: Situation, about: About, level: Escalation) -> None:
        members = about.policy.members(level.notify)
        situation.tx.save(level.told(situation.now, None))
        situation.tell(self._rounds.consequences.teller.to_members(about, members))
        whom = f"{level.notify} ({', '.join(members)})" if members else f"{level.notify}, which has no members,"
        self._note(situation, about, level, f"Nobody has answered: {whom} is called")
        if not members:
            self._next_at_once(situation.tx, level, situation)

    def _page(self, situation: Situation, about: About, level: Escalation) -> None:
        """A page is a notice like any other, so it is tried again, falls back, and shows in red where it fails."""
        told = level.told(situation.now, None)
        situation.tx.save(told.looked(told.next_look(situation.now)))
        way = Way(level.notify, page_key(level))
        situation.tell([self._rounds.consequences.teller.at(about, level.notify, way)])
        self._note(situation, about, level, f"Nobody has answered: whoever is on duty is paged by {level.notify}")
        if level.notify not in self._pagers:
            self._next_at_once(situation.tx, level, situation)

    def _next_at_once(self, tx: Transaction, level: Escalation, situation: Situation) -> None:
        """This level reaches nobody, so there is nothing to wait for."""
        still = [one for one in tx.escalations(level.run_id) if one.level == level.level and one.id != level.id]
        if not any(one.is_open for one in still):
            pull_next(tx, level.run_id, situation.now)

    def _about(
        self,
        situation: Situation,
        policy: Policy,
        incident: Incident,
        run: Run,
        approval: Approval | None,
        level: Escalation,
    ) -> About:
        question = approval.question if approval else f"{run.playbook.name} stopped and needs a person: {run.error}"
        return self._rounds.consequences.about(
            situation,
            ESCALATED,
            policy,
            incident,
            cause=f"escalation:{level.id}",
            run=run,
            question=question,
            role=approval.role if approval else run.authority,
            level=level.level,
            escalation=level.id,
            approval=approval.id if approval else "",
            expires_at=format_time(approval.expires_at) if approval else "",
            buttons=offers.for_call(run, approval, incident, level.id),
        )

    def _note(self, situation: Situation, about: About, level: Escalation, text: str) -> None:
        number = f"{text} (level {level.level + 1} of {max(len(about.policy.escalation), level.level + 1)})"
        self._rounds.consequences.write(situation, about.incident, "escalation", number, run_id=level.run_id)
        data = {"run": level.run_id, "level": level.level, "notify": level.notify}
        situation.record(AuditEntry(situation.now, ANDON.name, "escalation.told", f"escalation:{level.id}", data))

    def _look(self, level_id: str, service: str) -> None:
        level = self._claim(level_id, service)
        pager = self._pagers.get(level.notify) if level else None
        if level is None or pager is None:
            return
        try:
            if level.status is EscalationStatus.TOLD:
                self._read(service, level, self._standing(level, pager))
            else:
                self._end_page(service, level, pager)
        except AndonError as error:
            # It is asked again in any case; a pager that is away must not stop the clock.
            self._log("pager does not answer", escalation_id=level.id, pager=level.notify, problem=str(error))
            if level.status is not EscalationStatus.TOLD and not isinstance(error, TryLater):
                self._done(service, level)

    def _standing(self, level: Escalation, pager: Pager) -> PageStanding:
        """What the service says; failed where the page could not be handed over to it at all."""
        with self._rounds.store.read() as tx:
            notice = _notice_of(tx, level)
        if notice is not None and (notice.status is NoticeStatus.DEAD or notice.medium != level.notify):
            return PageStanding(PageState.FAILED, why=notice.error)
        key = page_key(level)
        return pager.state(key, ref=notice.ref if notice is not None and notice.ref != key else "")

    def _claim(self, level_id: str, service: str) -> Escalation | None:
        """The level, put off first: whatever becomes of the call outside, and for other clocks."""
        with self._rounds.at(service) as situation:
            level = situation.tx.escalation(level_id)
            if level is None or level.look_at is None or level.look_at > situation.now:
                return None
            usable = level.notify in self._pagers
            situation.tx.save(level.looked(level.next_look(situation.now) if usable else None))
            return level

    def _read(self, service: str, level: Escalation, standing: PageStanding) -> None:
        if not standing.is_answered and standing.state is not PageState.FAILED:
            return
        with self._rounds.at(service) as situation:
            tx, now = situation.tx, situation.now
            current, incident = tx.escalation(level.id), tx.incident(level.incident_id)
            if current is None or incident is None or current.status is not EscalationStatus.TOLD:
                return
            if not standing.is_answered:
                tx.save(current.looked(None))
                text = f"{level.notify} could not call anybody: {standing.why or 'it does not say why'}"
                self._next_at_once(tx, level, situation)
            else:
                by = standing.answer.by if standing.answer and standing.answer.by else "somebody"
                answer_levels(tx, level.run_id, by, now, of=current)
                text = f"{by} acknowledged the page by {level.notify}; nobody else is called"
                data = {"by": by, "run": level.run_id}
                situation.record(AuditEntry(now, ANDON.name, "escalation.acknowledged", f"escalation:{level.id}", data))
            self._rounds.consequences.write(situation, incident, "escalation", text, run_id=level.run_id)

    def _end_page(self, service: str, level: Escalation, pager: Pager) -> None:
        """Let whoever is on duty rest; a page that has not gone out yet stays at home."""
        with self._rounds.at(service) as situation:
            notice = _notice_of(situation.tx, level)
            waits = notice is not None and notice.status in (NoticeStatus.DUE, NoticeStatus.FAILED)
            if notice is not None and waits:
                situation.keep(notice.superseded())
        went = notice is not None and notice.medium == level.notify and _may_have_gone(notice)
        if went:
            pager.resolve(page_key(level))
        if not (went and waits):  # else somebody may be sending it at this moment: ended once more
            self._done(service, level)

    def _done(self, service: str, level: Escalation) -> None:
        with self._rounds.at(service) as situation:
            current = situation.tx.escalation(level.id)
            if current is not None and current.status is not EscalationStatus.TOLD:
                situation.tx.save(current.looked(None))


def page_key(level: Escalation) -> str:
    """The dedup key of a level's page: the same for a resend, another for another question."""
    return f"run:{level.run_id}:{level.level}:{level.id}"


def _may_have_gone(notice: Notice) -> bool:
    return notice.status is NoticeStatus.SENT or notice.attempted_at is not None


def _notice_of(tx: Transaction, level: Escalation) -> Notice | None:
    all_of_it = tx.notices(incident_id=level.incident_id, limit=100_000)
    return next((one for one in all_of_it if one.cause == f"escalation:{level.id}"), None)
