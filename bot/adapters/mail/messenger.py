"""Hands mail to the server, and turns whatever it answers into delivered, later, or never."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpcore

from bot.adapters.deadlines import Exchange
from bot.adapters.mail.composing import Composer, Mail
from bot.adapters.mail.conversation import Conversation, NoEncryption
from bot.adapters.mail.header_words import one_line
from bot.adapters.mail.letter_pages import LetterPages
from bot.domain.errors import StepFailed, TryLater
from bot.domain.letters import Posted
from bot.domain.mail import MailAddress, SmtpUrl
from bot.ports import Clock

DEADLINE = timedelta(seconds=30)
"""For the whole conversation, from the name look-up to the last answer."""

_BUSY = timedelta(seconds=30)
_LONGEST_ANSWER = 160


class MailMessenger:
    """Sends mail through one server; every mail in a conversation of its own. Safe to use from several threads."""

    def __init__(
        self,
        url: SmtpUrl,
        sender: MailAddress,
        *,
        clock: Clock,
        templates: Sequence[Path],
        tls: ssl.SSLContext | None = None,
        deadline: timedelta = DEADLINE,
    ) -> None:
        self._url = url
        self._sender = sender
        self._clock = clock
        self._composer = Composer(sender, LetterPages(templates))
        self._tls = tls
        self._deadline = deadline
        self._exchange = Exchange()

    def send(self, mail: Mail) -> Posted:
        """Send it to everybody it is to. TryLater for a passing fault, StepFailed for a permanent one.

        `address` of the result is the mailboxes that the server took, `problem` names the others and why. What may
        have arrived although no answer came is sent again under the same Message-ID.
        """
        if not mail.to:
            raise StepFailed("A mail has nobody to go to", next="give the audience an email address in the policy")
        message = self._composer.compose(mail, self._clock.now())
        taken, refused = self._hand_over(bytes(message), [one.mailbox for one in mail.to])
        problem = f"The mail server refused {self._listed(refused)}" if refused else ""
        return Posted(", ".join(taken), self._composer.message_id(mail.notice_id), problem=problem)

    def check(self) -> None:
        """Connect, encrypt, log in and leave: what `andon doctor` asks for. Raises as `send` does."""
        with self._conversation():
            pass

    def _hand_over(self, raw: bytes, mailboxes: list[str]) -> tuple[list[str], dict[str, tuple[int, bytes]]]:
        refused: dict[str, tuple[int, bytes]] = {}
        with self._conversation() as server:
            size = [f"size={len(raw)}"] if server.has_extn("size") else []
            _expect(server.mail(self._sender.mailbox, size))
            for mailbox in mailboxes:
                code, said = server.rcpt(mailbox)
                if code not in (250, 251, 252):
                    refused[mailbox] = (code, said)
            taken = [mailbox for mailbox in mailboxes if mailbox not in refused]
            if not taken:
                raise self._nobody(refused)
            self._data(server, raw)
        return taken, refused

    def _data(self, server: Conversation, raw: bytes) -> None:
        try:
            _expect(server.data(raw))
        except (httpcore.NetworkError, httpcore.TimeoutException, smtplib.SMTPServerDisconnected) as error:
            raise TryLater(
                f"The mail server {self._url} gave no answer to a mail that it may have taken",
                why=str(error),
                next="it is sent again under the same Message-ID",
            ) from None

    @contextmanager
    def _conversation(self) -> Iterator[Conversation]:
        with self._exchange.until(time.monotonic() + self._deadline.total_seconds()):
            server = Conversation(self._url, self._context(), self._exchange)
            try:
                server.open()
                yield server
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                raise self._network(error) from None
            except (smtplib.SMTPException, NoEncryption) as error:
                raise self._answer(error) from None
            finally:
                server.leave()

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _network(self, error: Exception) -> TryLater | StepFailed:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            return StepFailed(
                f"The mail server {self._url} cannot be trusted",
                why=str(error),
                next="check the host name in ANDON_SMTP_URL; SSL_CERT_FILE names other roots of trust",
            )
        return TryLater(f"The mail server {self._url} cannot be reached or gave no answer", why=str(error))

    def _answer(self, error: Exception) -> TryLater | StepFailed:
        what = f"The mail server {self._url}"
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return _log_in(what, error.smtp_code)
        if isinstance(error, smtplib.SMTPResponseException):
            said = self._said(error.smtp_code, error.smtp_error)
            if 500 <= error.smtp_code <= 599:
                return StepFailed(f"{what} refused: {said}")
            return TryLater(f"{what} is not ready: {said}", delay=_BUSY)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return TryLater(f"{what} closed the connection")
        if isinstance(error, NoEncryption):
            next_ = "use smtps://, or ?starttls=offered where no password is sent"
            return StepFailed(f"{what} offers no encryption, so nothing was sent", next=next_)
        return StepFailed(f"{what} offers no way to log in that is known here", next="leave out user and password")

    def _nobody(self, refused: dict[str, tuple[int, bytes]]) -> TryLater | StepFailed:
        what = f"The mail server {self._url} took none of the addresses"
        if any(code < 500 for code, _ in refused.values()):
            return TryLater(what, why=self._listed(refused), delay=_BUSY)
        return StepFailed(what, why=self._listed(refused), next="correct the addresses of the audience in the policy")

    def _listed(self, refused: dict[str, tuple[int, bytes]]) -> str:
        return "; ".join(f"{mailbox} ({self._said(*answer)})" for mailbox, answer in refused.items())

    def _said(self, code: int, said: bytes | str) -> str:
        """The answer in one line, without what it may quote of the log-in."""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        for secret in _secrets(self._url):
            text = text.replace(secret, "***")
        return f"{code} {one_line(text, _LONGEST_ANSWER)}".strip()


def _expect(answer: tuple[int, bytes]) -> None:
    if not 200 <= answer[0] <= 299:
        raise smtplib.SMTPResponseException(*answer)


def _log_in(what: str, code: int) -> TryLater | StepFailed:
    """A log-in that failed. What the server said is not repeated: some quote what they were sent."""
    if code < 500:
        return TryLater(f"{what} cannot check the log-in now ({code})", delay=_BUSY)
    return StepFailed(f"{what} refused the log-in ({code})", next="check user and password in ANDON_SMTP_URL")


def _secrets(url: SmtpUrl) -> list[str]:
    """The password as it may come back: in words, and as the log-in sends it."""
    if not url.password:
        return []
    sent = [url.password, f"\0{url.user}\0{url.password}"]
    return [*(base64.b64encode(form.encode()).decode("ascii") for form in sent), url.password]
