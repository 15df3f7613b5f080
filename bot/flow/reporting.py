"""What is said of an incident: facts kept as they were said, notices corrected, and missing ones asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.attachments import read_attached, with_files
from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput
from bot.domain.events import ANDON
from bot.domain.incidents import Incident
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.records import Notice, NoticeStatus
from bot.domain.report import Report
from bot.domain.report_facts import ASKED_FOR, FIELDS, WRITTEN, Fact, newest, spoken
from bot.domain.ways import PERSON, Way
from bot.domain.words import Word
from bot.flow.freshening import LIVE
from bot.flow.offers import for_halt
from bot.flow.order import Answer, Order

_MATTERS: Mapping[str, frozenset[str]] = {
    "executive": frozenset(
        {
            "metric", "confidence_interval", "user_effect", "business_effect", "legal_effect", "recommendation",
            "estimate", "cost_of_delay", "risk_of_not_halting",
        }
    ),
    "support": frozenset({"user_effect", "estimate"}),
    "product": frozenset(FIELDS) - {"steps_taken", "reproduced", "files"},
}  # fmt: skip
"""Which changes an audience is written to about; an audience that is not named here hears of all."""


@dataclass(frozen=True)
class Known:
    """One field with its value and where it comes from."""

    field: str
    value: Any
    source: str


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as plain values in their types; BadInput names what is wrong and what there is."""
    if unknown := sorted(set(fields) - set(WRITTEN)):
        raise BadInput(f"A halt report has no field {unknown[0]!r}", next=f"it has {', '.join(WRITTEN)}")
    try:
        return Report.model_validate(dict(fields)).fields()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"{field} of the halt report cannot be used", why=first["msg"]) from None


def report(order: Order) -> Answer:
    """Say what is known. What changes something that people were told already is corrected wherever it was said."""
    incident = order.incident()
    policy = order.configuration.policy(incident.service)
    fields = checked(order.command.details.get("fields") or {})
    source = f"said by {order.actor}"
    known = [Known(name, value, source) for name, value in fields.items()]
    if files := read_attached(order.command.details.get("files") or []):
        known.append(Known("files", _attached(order, incident, files), source))
    changes = learn(order, incident, known)
    if not changes:
        return Answer(Verdict.NO_OP, "Nothing new was said.", *_place(incident), (incident.id,))
    learned = order.situation.incidents[_place(incident)] if incident.is_open else incident
    _correct(order, policy, learned, changes)
    said = ", ".join(one["label"].lower() for one in changes)
    message = f"Recorded: {said}. Everybody who was told before is told what changed."
    return Answer(Verdict.ORDER, message, *_place(incident), (incident.id,))


def _attached(order: Order, incident: Incident, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was attached before, and these; BadInput where the content of one is not here."""
    for one in files:
        if not order.situation.tx.keeps_file(one["sha256"]):
            raise BadInput(f"{one['name']} is not kept", next="attach it again")
    before = newest(list(order.situation.report(incident.id))).get("files")
    return with_files(before.value or [] if before else [], files)


def learn(order: Order, incident: Incident, known: list[Known]) -> list[dict[str, str]]:
    """Keep what is new of these; the changes, each with its label, what it was and what it is now."""
    situation, current = order.situation, newest(list(order.situation.report(incident.id)))
    fresh = [one for one in known if one.field not in current or current[one.field].value != one.value]
    if not fresh:
        return []
    incident = incident.with_fact()
    if incident.is_open:
        situation.put_incident(incident)
    changes = []
    for one in fresh:
        before = current.get(one.field)
        was, now = spoken(one.field, before.value if before else None), spoken(one.field, one.value)
        changes.append({"field": one.field, "label": FIELDS[one.field].label, "was": was, "now": now})
        situation.say(_fact(order, incident, one.field, one.value, one.source))
    text = "; ".join(
        f"{one['label']}: {one['now']}" + (f" (was {one['was']})" if one["was"] != spoken("", None) else "")
        for one in changes
    )
    order.consequences.write(situation, incident, "report", text, actor=order.actor, data={"changes": changes})
    return changes


def ask(order: Order, policy: Policy, incident: Incident) -> tuple[str, ...]:
    """Mark what every notice would like to say and nobody knows yet as asked of somebody; the labels of it."""
    current = newest(list(order.situation.report(incident.id)))
    missing = [name for name in ASKED_FOR if name not in current]
    whom = _whom(policy, incident)
    if whom is None:
        return ()
    for name in missing:
        order.situation.say(_fact(order, incident, name, None, f"asked {whom}", asked=whom))
    return tuple(FIELDS[name].label for name in missing)


def want(order: Order, policy: Policy, incident: Incident, labels: tuple[str, ...]) -> None:
    """Ask whoever may know for what is missing; the one who halts has the form and the card already."""
    whom = _whom(policy, incident)
    if whom is None or not labels or policy.person(whom) == policy.person(order.actor):
        return
    _to_person(order, policy, incident, "fact_wanted", whom, wanted=list(labels))


def brief(order: Order, policy: Policy, incident: Incident) -> None:
    """A card for whoever halted: how to open, and answers to the questions that always come. Where a gate halted, for
    whoever answers for the service."""
    whom = _whom(policy, incident) if order.command.actor == ANDON else order.actor
    if whom is None:
        return
    _to_person(order, policy, incident, "briefing", whom, reason=order.command.reason, by=order.actor)


def _to_person(order: Order, policy: Policy, incident: Incident, name: str, whom: str, **facts: Any) -> None:
    buttons = [offer for offer in for_halt(incident) if offer["action"] == Word.REPORT]
    about = order.consequences.about(
        order.situation, name, policy, incident, cause=f"event:{order.event_id}", buttons=buttons, **facts
    )
    order.situation.tell(order.consequences.teller.to_people(about, [whom]))


def _whom(policy: Policy, incident: Incident) -> str | None:
    """The champion answers for what is not known; without one, whoever owns the incident."""
    return next(iter(policy.members(CHAMPION)), incident.owner)


def _fact(order: Order, incident: Incident, field: str, value: Any, source: str, *, asked: str | None = None) -> Fact:
    return Fact(
        id=order.ids.new("fct"),
        incident_id=incident.id,
        field=field,
        value=value,
        source=source,
        at=order.situation.now,
        by=order.actor if asked is None else None,
        revision=incident.revision,
        asked=asked,
    )


def _correct(order: Order, policy: Policy, incident: Incident, changes: list[dict[str, str]]) -> None:
    """Was and now, on every medium that the facts went to; what stands in chat is told anew besides."""
    told: dict[tuple[str, Way], None] = {}
    for notice in order.situation.tx.notices(incident_id=incident.id):
        if _tells_facts(notice):
            told[notice.audience, Way(notice.medium, notice.address)] = None
    for audience, way in told:
        matters = _MATTERS.get(audience)
        seen = [one for one in changes if matters is None or one["field"] in matters]
        if not seen:
            continue
        about = order.consequences.about(
            order.situation,
            "correction",
            policy,
            incident,
            cause=f"event:{order.event_id}",
            changes=seen,
            by=order.actor,
        )
        order.situation.tell([order.consequences.teller.at(about, audience, way)])
    order.situation.tx.retell(order.situation.now, LIVE, incident_id=incident.id)


def _tells_facts(notice: Notice) -> bool:
    return notice.status is NoticeStatus.SENT and not notice.audience.startswith(PERSON)


def _place(incident: Incident) -> tuple[str, str]:
    return incident.service, incident.environment
