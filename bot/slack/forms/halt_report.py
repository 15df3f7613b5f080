"""The halt report as a form: everything that is known stands in it with its source, and only the reason is needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.domain.attachments import MOST_BYTES
from bot.domain.button_values import write_value
from bot.domain.errors import AndonError, BadInput, NotFound
from bot.domain.events import Command
from bot.domain.incidents import Incident
from bot.domain.releases import Release
from bot.domain.report_facts import FIELDS, WRITTEN, Fact, newest, spoken
from bot.domain.report_reading import read_field
from bot.domain.words import Word
from bot.slack.answers import Body
from bot.slack.desk import Desk
from bot.slack.files import Files
from bot.slack.forms.inputs import Block, errors, file_input, modal, note, text_input
from bot.slack.forms.sending import Sent

CALLBACK = "report"
REASON = "reason"
FILES = "files"
MOST_AT_ONCE = 3
"""More take longer to fetch than Slack waits for the answer to a form; the form can be opened again."""
OPENING = timedelta(seconds=2.5)
"""A trigger lives for three seconds."""

_LONG = frozenset({"evidence", "experiments", "steps_taken", "alternatives", "confidence", "risk_of_not_halting"})
_EXAMPLES: Mapping[str, str] = {
    "metric": "F1 from 0.92 to 0.78",
    "confidence_interval": "0.76 to 0.80 at 95 %; acceptable: 0.90",
    "seen": "production, new customers",
    "reproduced": "3 of 5",
    "estimate": "2h to 1d, by 2026-12-01",
    "evidence": "one link a line",
    "experiments": "one a line",
    "steps_taken": "one a line",
    "alternatives": "one a line: option: why not",
}


class HaltForms:
    """Opens the form, and turns it into an order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def open(self, incident_id: str, trigger: str, reason: str = "") -> None:
        """Show it to the one who holds the trigger. An AndonError where Slack does not."""
        with self._desk.head.store.read() as tx:
            incident = tx.incident(incident_id)
            if incident is None:
                raise NotFound(f"No incident {incident_id!r}")
            facts = newest(list(tx.facts(incident_id)))
            service = tx.service(incident.service)
            release = tx.release(incident.release_id) if incident.release_id else None
        said = reason or (service.halt_reason if service and service.halt_reason else "")
        view = build(incident, release, facts, said)
        self._desk.web.call("views.open", deadline=OPENING, trigger_id=trigger, view=view)

    def submit(self, sent: Sent) -> Body:
        """The order that a form comes down to; the answer closes it, or says at each field what does not fit."""
        with self._desk.head.store.read() as tx:
            facts = newest(list(tx.facts(sent.about("incident"))))
        fields, wrong = read(sent.values, facts)
        if wrong:
            return errors(wrong)
        details: dict[str, Any] = {"fields": fields}
        if sent.files:
            try:
                sent.visitor.demand_member("attach files")
                details["files"] = Files(self._desk).keep(sent.files[:MOST_AT_ONCE], sent.visitor.actor.name)
            except AndonError as error:
                return errors({FILES: f"{error} Nothing is recorded yet: try again, or without it."})
        return sent.give(
            self._desk,
            Command(
                Word.REPORT,
                sent.about("incident"),
                sent.visitor.actor,
                "slack",
                sent.values.get(REASON, ""),
                details=details,
                delivery=sent.delivery,
            ),
            field=REASON,
        )


def build(incident: Incident, release: Release | None, facts: Mapping[str, Fact], reason: str) -> dict[str, Any]:
    """The form with all that is known in it."""
    lines = [f"{incident.service}, {incident.environment}: it is halted already. Say what you know; the rest can wait."]
    if release is not None:
        lines.append(f"Release {release.candidate}, in place of {release.incumbent}.")
    blocks = [note(" ".join(lines)), text_input(REASON, "Reason", initial=reason, is_needed=True, is_long=True)]
    blocks += [_input(name, facts.get(name)) for name in WRITTEN]
    hint = f"screenshots, tables, logs: {MOST_BYTES // 1024**2} MiB each, kept with their digests"
    blocks.append(file_input(FILES, FIELDS[FILES].label, hint=hint, most=MOST_AT_ONCE))
    return modal(CALLBACK, "Halt report", write_value({"incident": incident.id}), blocks)


def read(values: Mapping[str, str], facts: Mapping[str, Fact]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was said beyond what was known, in its types; and what is wrong, by field."""
    fields: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name in WRITTEN:
        text = values.get(name, "").strip()
        if not text or text == _known(facts.get(name)):
            continue
        try:
            fields[name] = read_field(name, text)
        except BadInput as error:
            wrong[name] = str(error)
    return fields, wrong


def _input(name: str, fact: Fact | None) -> Block:
    field = FIELDS[name]
    known = _known(fact)
    source = f" (from {fact.source})" if fact and known else f" (asked {fact.asked})" if fact and fact.asked else ""
    return text_input(
        name,
        field.label,
        hint=f"{field.hint}{source}",
        placeholder=_EXAMPLES.get(name, ""),
        initial=known,
        is_long=name in _LONG,
    )


def _known(fact: Fact | None) -> str:
    """A fact as the form shows it."""
    if fact is None or not fact.is_known:
        return ""
    text = spoken(fact.field, fact.value)
    return text.replace("; ", "\n") if fact.field in _LONG and isinstance(fact.value, list) else text
