"""A real mail server that keeps what it is given, and refuses what a test tells it to."""

from __future__ import annotations

import asyncio
import email
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

import support

CERTIFICATE = str(Path(support.__file__).with_name("localhost.pem"))
USER, PASSWORD = "andon", "correct horse/battery"


@dataclass
class Received:
    """One mail as it arrived."""

    sender: str
    to: list[str]
    raw: bytes
    was_encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """Parsed again, from its bytes."""
        return cast(EmailMessage, email.message_from_bytes(self.raw, policy=default))


@dataclass
class MailServer:
    """Answers by command, as a test sets them; empty: the usual one."""

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    mailboxes: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT by mailbox."""
    sender_answer: str = ""
    data_answer: str = ""
    log_ins: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - named after the command
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.mailboxes:
            return self.mailboxes[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer:
            return self.data_answer
        sender, raw = str(envelope.mail_from), cast(bytes, envelope.original_content)
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.mails.append(Received(sender, list(envelope.rcpt_tos), raw, is_encrypted))
        return "250 Taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.log_ins.append(mechanism)
        is_right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=is_right, handled=False)


def server_tls() -> ssl.SSLContext:
    """The server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def trusting_tls() -> ssl.SSLContext:
    """The client's side, which trusts the certificate of tests."""
    return ssl.create_default_context(cafile=CERTIFICATE)


@contextmanager
def mail_server(
    *, tls: bool = False, starttls: bool = False, log_in: bool = False, **more: Any
) -> Iterator[MailServer]:
    """A server on a port of its own: in the clear, encrypted from the first byte, or by STARTTLS."""
    state = MailServer()
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    def smtp() -> SMTP:
        return SMTP(
            state,
            hostname="mail.test",
            tls_context=server_tls() if starttls else None,
            authenticator=state.authenticate if log_in else None,
            auth_require_tls=starttls,
            auth_required=log_in and starttls,
            loop=loop,
            **more,
        )

    def serve() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.create_server(smtp, "127.0.0.1", 0, ssl=server_tls() if tls else None)
        server = loop.run_until_complete(listening)
        state.port = server.sockets[0].getsockname()[1]
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=serve, name="mail server", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield state
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
