"""Which services an order is about, told from the record that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.domain.configuration import Configuration
from bot.domain.drills import Drill
from bot.domain.errors import BadInput
from bot.domain.events import Command
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.words import SUBJECT_OF, Subject
from bot.ports import Transaction


def services_of(command: Command, configuration: Configuration, tx: Transaction) -> list[str]:
    """The services that an order is about, to be locked before anything of them is read."""
    subject = SUBJECT_OF[command.word]
    if subject is Subject.EVERYTHING:
        return []
    if subject is Subject.SERVICE:
        if command.subject == "all":
            return sorted(configuration.policies)
        return [configuration.policy(command.subject).service]
    service = _owner(tx, subject, command.subject)
    if service is None:
        shown = {Subject.RELEASE: "release", Subject.DRILL: "drills"}.get(subject, "incident")
        raise BadInput(f"No {subject} {command.subject!r}", next=f"`andon {shown} list` shows what there is")
    return [service]


def _owner(tx: Transaction, subject: Subject, name: str) -> str | None:
    """The service of a record; None where there is no such record."""
    if subject is Subject.ESCALATION:
        level = tx.escalation(name)
        run = tx.run(level.run_id) if level else None
        return run.service if run else None
    finders: Mapping[Subject, Callable[[str], Run | Incident | Minute | Release | Drill | None]] = {
        Subject.RUN: tx.run,
        Subject.INCIDENT: tx.incident,
        Subject.MINUTE: tx.minute,
        Subject.RELEASE: tx.release,
        Subject.DRILL: tx.drill,
    }
    found = finders[subject](name)
    return found.service if found else None
