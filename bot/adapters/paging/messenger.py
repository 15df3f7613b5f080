"""A paging service as a medium: the letter that calls somebody becomes a page."""

from __future__ import annotations

from bot.domain.incidents import Severity
from bot.domain.letters import Letter, Posted
from bot.domain.pages import Page
from bot.domain.records import Notice
from bot.domain.threads import Thread
from bot.ports import Pager

_MOST_BODY = 2000


class PageSender:
    """Hands pages to one service. The notice's address is the dedup key, so a resend calls nobody twice."""

    def __init__(self, pager: Pager) -> None:
        self._pager = pager

    def send(self, notice: Notice, letter: Letter, thread: Thread | None) -> Posted:  # noqa: ARG002 - pages hang on none
        """Wake whoever is on duty. TryLater for a passing fault, StepFailed for a permanent one."""
        receipt = self._pager.page(page_of(notice, letter))
        return Posted(notice.address, receipt.ref or receipt.dedup_key, letter.link)

    def edit(self, notice: Notice, letter: Letter) -> Posted:
        """A page stands as it was sent: whoever was woken by it reads the newest in the incident."""
        return Posted(notice.posted_in, notice.ref, letter.link)

    def find(self, notice: Notice, thread: Thread | None) -> None:  # noqa: ARG002
        """Sending it once more does no harm."""
        return


def page_of(notice: Notice, letter: Letter) -> Page:
    """The page: the letter's subject, and below it what is asked, of whom, and the letter itself."""
    incident = notice.facts.get("incident") or {}
    told = {
        "asked": notice.facts.get("question"),
        "of": notice.facts.get("role"),
        "run": notice.run_id,
        "incident": notice.incident_id,
        "letter": letter.body[:_MOST_BODY],
    }
    return Page(
        dedup_key=notice.address,
        summary=letter.subject or f"{notice.service}: a question has no answer",
        severity=Severity(str(incident.get("severity") or Severity.SEV_2)),
        source=f"{notice.service}/{incident.get('environment') or 'production'}",
        link=str(incident.get("url") or "") or None,
        details={key: str(value) for key, value in told.items() if value},
    )
