"""The briefing on an incident's page: the notice's own template, filled with what is known now."""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError
from bot.domain.incidents import Incident
from bot.domain.times import format_time
from bot.domain.ways import PAGE, PERSON
from bot.flow.telling import About, Teller
from bot.ports import Transaction
from bot.web.head import Head

BRIEFING = "briefing"


@dataclass(frozen=True)
class Part:
    """One question with its answers, or what to say in the beginning or at the end."""

    heading: str
    lines: tuple[str, ...]

    @property
    def is_gap(self) -> bool:
        """Nobody has said anything that answers it."""
        return bool(self.lines) and all("nobody has said yet" in line for line in self.lines)


class Briefings:
    """Writes briefings; reads only."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._teller = Teller(head.ids, head.settings.address)
        folders = (head.settings.config / "templates", shipped_folder("templates"))
        self._words = NoticeTemplates([folder for folder in folders if folder.is_dir()])

    def of(self, incident_id: str) -> list[Part]:
        """The parts of the briefing about an incident; none where its service has no policy or the template fails."""
        configuration: Configuration = self._head.configuration.current
        with self._head.store.read() as tx:
            incident = tx.incident(incident_id)
            policy = configuration.policies.get(incident.service) if incident else None
            if incident is None or policy is None:
                return []
            about = self._about(tx, incident, configuration)
        try:
            _, body = self._words.render(self._teller.at(about, f"{PERSON}page", PAGE))
        except AndonError:
            return []
        return parts_of(body)

    def _about(self, tx: Transaction, incident: Incident, configuration: Configuration) -> About:
        service = tx.service(incident.service)
        next_at = incident.update_due_at
        return About(
            name=BRIEFING,
            policy=configuration.policies[incident.service],
            incident=incident,
            cause=f"incident:{incident.id}",
            now=self._head.clock.now(),
            run=next(iter(tx.runs(limit=1, incident_id=incident.id)), None),
            release=tx.release(incident.release_id) if incident.release_id else None,
            report=tx.facts(incident.id),
            more={
                "reason": (service.halt_reason if service else None) or "",
                "next_at": format_time(next_at) if next_at else "",
            },
        )


def parts_of(body: str) -> list[Part]:
    """The paragraphs of a rendered briefing that have a heading: a question, or a line that ends in a colon."""
    found = []
    for paragraph in body.split("\n\n"):
        heading, *lines = paragraph.splitlines()
        if lines and heading.endswith(("?", ":")):
            found.append(Part(heading.removesuffix(":"), tuple(line.removeprefix("- ") for line in lines)))
    return found
