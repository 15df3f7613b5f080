"""Orders about a postmortem: write into it, comment on it, say what was learned, sign it off, open it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.decisions import Verdict
from bot.domain.errors import NotFound, Refused
from bot.domain.incidents import Incident
from bot.domain.policies import Policy
from bot.domain.postmortem_permits import check_sole_author, check_writer, role_of_signature
from bot.domain.postmortems import (
    MOST_COMMENTS,
    MOST_LESSONS,
    TITLES,
    ChangeVerdict,
    Lesson,
    Postmortem,
    PostmortemComment,
    PostmortemEvent,
    SectionText,
    SignOff,
    authors,
    newest_texts,
)
from bot.domain.words import Word
from bot.flow.items import quoted
from bot.flow.minute_details import NoDetails, details_of
from bot.flow.order import Answer, Order
from bot.flow.postmortem_details import CommentDetails, EditDetails, LessonDetails, SignDetails, WithdrawDetails
from bot.flow.postmortem_draft import hints
from bot.flow.postmortem_telling import REVIEWED, PostmortemTeller
from bot.flow.recording import incident_of


@dataclass(frozen=True)
class _About:
    """A postmortem on its way through one order."""

    order: Order
    incident: Incident
    policy: Policy
    before: Postmortem
    is_new: bool
    """Nobody had begun it, and none is due."""

    def move(self, event: PostmortemEvent) -> Postmortem:
        """The postmortem after the event, written with this commit."""
        situation = self.order.situation
        moved = self.before.moved(event, situation.now)
        if self.is_new:
            situation.record(moved)
        elif moved != self.before:
            situation.keep(moved)
        return moved

    @property
    def telling(self) -> PostmortemTeller:
        """Who tells of it."""
        return PostmortemTeller(self.order.consequences, self.order.situation, self.policy, self.incident)

    def done(self, text: str, more: str = "", *record_ids: str, **data: object) -> Answer:
        """The line on the timeline, and the answer."""
        self.telling.note(text, actor=self.order.actor, **data)
        return self.answer(f"{text}. {more}".strip(), *record_ids)

    def answer(self, message: str, *record_ids: str, verdict: Verdict = Verdict.ORDER) -> Answer:
        """What became of the order."""
        incident = self.incident
        place = (incident.service, incident.environment)
        return Answer(verdict, message, *place, incident_ids=(incident.id,), record_ids=record_ids)


def _about(order: Order) -> _About:
    incident, policy = incident_of(order)
    found = order.situation.tx.postmortem(incident.id)
    new = Postmortem(incident.id, incident.service, order.situation.now, owner=incident.owner)
    return _About(order, incident, policy, found or new, found is None)


def edit(order: Order) -> Answer:
    """Write into a section: the newest text counts, those before stay in the record. Words are advised, not refused."""
    said = details_of(order.command, EditDetails)
    about = _about(order)
    check_writer(order.command.actor, about.policy, about.incident, about.before)
    written = newest_texts(order.situation.tx.section_texts(about.incident.id)).get(said.section)
    title = TITLES[said.section]
    if said.seen is not None and said.seen != (written.revision if written else 0):
        by = written.by if written else "nobody"
        raise Refused(
            f"Somebody wrote into {title} since you opened it",
            why=f"the newest text is by {by}",
            next="read it, then write again",
        )
    if said.text.strip() == (written.text.strip() if written else ""):
        return about.answer(f"{title} says so already: nothing changed.", verdict=Verdict.NO_OP)
    moved = about.move(PostmortemEvent.EDIT)
    now, text = order.situation.now, said.text.strip()
    order.situation.record(SectionText(about.incident.id, said.section, moved.revision, text, order.actor, now))
    what = "wrote into" if text else "took the text out of"
    line = f"{order.actor} {what} “{title}” of the postmortem (revision {moved.revision})"
    return about.done(line, _advice(text, about.policy), section=str(said.section), revision=moved.revision)


def comment(order: Order) -> Answer:
    """Say something about it, or about one section. It changes no word of it."""
    said = details_of(order.command, CommentDetails)
    about = _about(order)
    tx, now = order.situation.tx, order.situation.now
    if len(tx.postmortem_comments(about.incident.id)) >= MOST_COMMENTS:
        raise Refused(f"A postmortem has at most {MOST_COMMENTS} comments", next="write into a section instead")
    about.move(PostmortemEvent.COMMENT)
    made = PostmortemComment(order.ids.new("pmc"), about.incident.id, now, order.actor, said.text, said.section)
    order.situation.record(made)
    where = f" on “{TITLES[said.section]}”" if said.section else ""
    line = f"{order.actor} commented{where}: {quoted(said.text)}"
    return about.done(line, _advice(said.text, about.policy), made.id, comment=made.id)


def lesson(order: Order) -> Answer:
    """Say what was learned, with the change that follows; or take a lesson back."""
    if "withdraw" in order.command.details:
        return _withdraw(order)
    said = details_of(order.command, LessonDetails)
    about = _about(order)
    check_writer(order.command.actor, about.policy, about.incident, about.before)
    tx = order.situation.tx
    if sum(one.counts for one in tx.lessons(about.incident.id)) >= MOST_LESSONS:
        raise Refused(f"A postmortem has at most {MOST_LESSONS} lessons", next="take one back, or join two")
    about.move(PostmortemEvent.LESSON)
    made = _lesson(order, about.incident, said)
    order.situation.record(made)
    line = f"{order.actor} learned: {quoted(said.text)}{_VERDICTS[made.verdict]}"
    faults = " ".join(one.rstrip(".") + "." for one in made.faults[:5])
    advice = _advice(said.text, about.policy)
    return about.done(line, f"{faults} {advice}".strip(), made.id, lesson=made.id, verdict=str(made.verdict))


_VERDICTS: Mapping[ChangeVerdict, str] = {
    ChangeVerdict.NONE: "",
    ChangeVerdict.VALID: ", with a change that applies and passes the check",
    ChangeVerdict.REFUSED: ", with a change that cannot be taken as it is",
}


def _lesson(order: Order, incident: Incident, said: LessonDetails) -> Lesson:
    made = Lesson(order.ids.new("lsn"), incident.id, order.situation.now, order.actor, said.text)
    proposal = order.proposal
    if proposal is None:
        return made
    diff = said.diff.strip("\n") + "\n"
    return replace(made, diff=diff, verdict=proposal.verdict, faults=proposal.faults, base=proposal.base)


def _withdraw(order: Order) -> Answer:
    said = details_of(order.command, WithdrawDetails)
    about = _about(order)
    check_writer(order.command.actor, about.policy, about.incident, about.before)
    found = next((one for one in order.situation.tx.lessons(about.incident.id) if one.id == said.withdraw), None)
    if found is None:
        raise NotFound(f"No lesson {said.withdraw!r} in this postmortem", next="`andon postmortem` shows those it has")
    if not found.counts:
        return about.answer(f"Lesson {found.id} was taken back already.", verdict=Verdict.NO_OP)
    about.move(PostmortemEvent.LESSON)
    now = order.situation.now
    order.situation.keep(replace(found, withdrawn_by=order.actor, withdrawn_at=now))
    return about.done(f"{order.actor} took a lesson back: {quoted(found.text)}", "", found.id, lesson=found.id)


def sign_off(order: Order) -> Answer:
    """Sign for one role. The last signature makes it reviewed; a change of its words makes all of them void."""
    said = details_of(order.command, SignDetails)
    about = _about(order)
    tx, now, actor = order.situation.tx, order.situation.now, order.command.actor
    missing = about.telling.missing(about.before)
    role = role_of_signature(actor, about.policy, missing, said.role)
    signatures = [one for one in tx.sign_offs(about.incident.id) if one.revision == about.before.revision]
    if any(about.policy.person(one.by) == about.policy.person(actor.name) for one in signatures):
        raise Refused(f"{actor.name} has signed for another role", next="another person signs for this one")
    is_last = missing == [role]
    event = PostmortemEvent.SIGN_OFF if is_last else PostmortemEvent.SIGN
    if about.before.allows(event):
        lessons = [one for one in tx.lessons(about.incident.id) if one.counts]
        check_sole_author(actor, about.policy, authors(tx.section_texts(about.incident.id), lessons))
    moved = about.move(event)
    order.situation.record(SignOff(about.incident.id, role, moved.revision, order.actor, now))
    shown = role.replace("_", " ")
    if not is_last:
        left = ", ".join(one.replace("_", " ") for one in missing if one != role)
        return about.done(f"{order.actor} signed the postmortem off as {shown}", f"Still missing: {left}.", role=role)
    cause = f"event:{order.event_id}"
    about.telling.tell_engineers(REVIEWED, moved, cause, by=order.actor, **_counts(order, about.incident))
    return about.done(f"{order.actor} signed the postmortem off as {shown}: it is reviewed", role=role)


def _counts(order: Order, incident: Incident) -> dict[str, int]:
    lessons = [one for one in order.situation.tx.lessons(incident.id) if one.counts]
    return {"lessons": len(lessons), "proposed": sum(one.verdict is ChangeVerdict.VALID for one in lessons)}


def reopen(order: Order) -> Answer:
    """Go on writing into what was reviewed; its signatures count no more, and people are reminded again."""
    details_of(order.command, NoDetails)
    reason = order.reason()
    about = _about(order)
    check_writer(order.command.actor, about.policy, about.incident, about.before)
    about.move(PostmortemEvent.REOPEN)
    return about.done(f"{order.actor} opened the postmortem again: {reason}", "It has to be signed off anew.")


def _advice(text: str, policy: Policy) -> str:
    found = hints(text, policy.persons)
    if not found:
        return ""
    said = "; ".join(f"{one['said']!r} ({one['why']}): {one['better']}" for one in found[:3])
    return f"Words that could be put better: {said}."


POSTMORTEM_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.POSTMORTEM_EDIT: edit,
    Word.POSTMORTEM_COMMENT: comment,
    Word.POSTMORTEM_LESSON: lesson,
    Word.POSTMORTEM_SIGN_OFF: sign_off,
    Word.POSTMORTEM_REOPEN: reopen,
}
