"""Slack and mail as the desk of notices sees them: a notice with its letter goes out, is changed, is looked for."""

from __future__ import annotations

from bot.adapters.mail.composing import Mail
from bot.adapters.mail.messenger import MailMessenger
from bot.adapters.slack.messenger import SlackMessenger
from bot.domain.errors import BadInput, StepFailed
from bot.domain.letters import Letter, Posted
from bot.domain.mail import MailAddress, parse_mail_address
from bot.domain.records import Notice
from bot.domain.threads import Thread


class SlackPost:
    """`bot.ports.Messenger` over Slack."""

    def __init__(self, slack: SlackMessenger) -> None:
        self._slack = slack

    def send(self, notice: Notice, letter: Letter, thread: Thread | None) -> Posted:
        """A message in the channel or to the person, in the incident's thread where that has begun."""
        return self._slack.send(notice.id, letter, address=notice.address, thread=thread.ref if thread else None)

    def edit(self, notice: Notice, letter: Letter) -> Posted:
        """The message says something else from now on."""
        if not notice.ref:
            raise StepFailed("This message cannot be changed", why="it is not known where it stands")
        return self._slack.edit(notice.id, letter, Posted(notice.posted_in or notice.address, notice.ref, notice.link))

    def find(self, notice: Notice, thread: Thread | None) -> Posted | None:
        """The message of an earlier try, if it went through."""
        if notice.attempted_at is None:
            return None
        return self._slack.find(
            notice.id, address=notice.address, thread=thread.ref if thread else None, since=notice.attempted_at
        )


class MailPost:
    """`bot.ports.Messenger` over mail."""

    def __init__(self, mail: MailMessenger) -> None:
        self._mail = mail

    def send(self, notice: Notice, letter: Letter, thread: Thread | None) -> Posted:
        """One mail to everybody of the address, in the incident's thread where that has begun."""
        incident = notice.facts.get("incident") or {}
        return self._mail.send(
            Mail(
                notice_id=notice.id,
                to=addresses(notice.address),
                letter=letter,
                incident_id=notice.incident_id,
                severity=incident.get("severity"),
                thread=thread.ref if thread else None,
                thread_subject=thread.subject if thread else "",
            )
        )

    def edit(self, notice: Notice, letter: Letter) -> Posted:  # noqa: ARG002
        """What was mailed cannot be changed; a correction is a mail of its own."""
        raise StepFailed("A mail cannot be changed", next="a correction is sent instead")

    def find(self, notice: Notice, thread: Thread | None) -> None:  # noqa: ARG002
        """Sent again, it is the same mail: its Message-ID is that of its notice."""
        return


def addresses(text: str) -> tuple[MailAddress, ...]:
    """The mailboxes of a notice's address; StepFailed where one is none."""
    try:
        return tuple(parse_mail_address(one) for one in text.split(",") if one.strip())
    except BadInput as error:
        raise StepFailed("A notice cannot be mailed", why=error.what, next="correct the audience's email") from error
