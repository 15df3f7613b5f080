"""Mail as it arrives at a real server, and what becomes of it when the server says no or nothing."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.mail_server import PASSWORD, USER, MailServer, mail_server, server_tls, trusting_tls
from support.raw_server import raw_server

from bot.adapters.mail.composing import Mail
from bot.adapters.mail.messenger import MailMessenger
from bot.adapters.shipped import TEMPLATES, shipped_folder
from bot.domain.errors import StepFailed, TryLater
from bot.domain.letters import Letter
from bot.domain.mail import parse_mail_address, parse_smtp_url

AT = datetime(2026, 11, 20, 14, 9, 37, tzinfo=UTC)
ENCODED = "correct%20horse%2Fbattery"
MAIL = Mail(
    notice_id="ntc-01jd4xk2m9q7r3s5t6v8w0y1z2",
    to=(parse_mail_address("Ada <ada@example.com>"), parse_mail_address("grace@example.org")),
    letter=Letter("SEV-1 fraud-model: a rollback has started", "It restores version 41.", link="https://a.example/i"),
    incident_id="inc-01jd4xk2m9q7r3s5t6v8w0y1z2",
    severity="SEV-1",
)


class StillClock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


def messenger(url: str, *, seconds: float = 10) -> MailMessenger:
    return MailMessenger(
        parse_smtp_url(url),
        parse_mail_address("Andon <andon@bot.example.com>"),
        clock=StillClock(),
        templates=[shipped_folder(TEMPLATES)],
        tls=trusting_tls(),
        deadline=timedelta(seconds=seconds),
    )


def clear(server: MailServer) -> str:
    return f"smtp://localhost:{server.port}"


def test_a_mail_arrives_as_it_was_meant() -> None:
    with mail_server() as server:
        posted = messenger(clear(server)).send(MAIL)

    [mail] = server.mails
    assert (mail.sender, mail.to) == ("andon@bot.example.com", ["ada@example.com", "grace@example.org"])
    message = mail.message
    assert message["From"] == "Andon <andon@bot.example.com>"
    assert message["To"] == "Ada <ada@example.com>, grace@example.org"
    assert message["Subject"] == MAIL.letter.subject
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == "<ntc-01jd4xk2m9q7r3s5t6v8w0y1z2@bot.example.com>" == posted.ref
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Andon-Incident"] == MAIL.incident_id
    assert message["X-Andon-Notice"] == MAIL.notice_id
    assert message.get_content_type() == "multipart/alternative"
    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (posted.address, posted.problem) == ("ada@example.com, grace@example.org", "")
    assert mail.raw.isascii()
    assert max(map(len, mail.raw.splitlines())) < 998


def test_lines_that_begin_with_a_dot_arrive_whole() -> None:
    body = "one\r\n.\r\n..two\r\n.three"
    with mail_server() as server:
        messenger(clear(server)).send(replace(MAIL, letter=Letter("s", body.replace("\r", ""))))

    [mail] = server.mails
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert body in text.get_content()


def test_a_mail_over_tls_from_the_first_byte_with_log_in() -> None:
    with mail_server(tls=True, log_in=True) as server:
        messenger(f"smtps://{USER}:{ENCODED}@localhost:{server.port}").send(MAIL)

    assert [mail.was_encrypted for mail in server.mails] == [True]
    assert len(server.log_ins) == 1


def test_a_log_in_goes_by_starttls_only() -> None:
    with mail_server(starttls=True, log_in=True) as server:
        messenger(f"smtp://{USER}:{ENCODED}@localhost:{server.port}").send(MAIL)

    assert [mail.was_encrypted for mail in server.mails] == [True]


def test_starttls_is_used_where_it_is_offered() -> None:
    with mail_server(starttls=True) as server:
        messenger(clear(server)).send(MAIL)
        messenger(clear(server) + "?starttls=never").send(MAIL)

    assert [mail.was_encrypted for mail in server.mails] == [True, False]


def test_a_password_is_never_sent_to_a_server_without_encryption() -> None:
    said: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.test\r\n")
        while line := connection.recv(4096):
            said.append(line)
            connection.sendall(b"250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n")

    with raw_server(talk) as port, pytest.raises(StepFailed, match="offers no encryption"):
        messenger(f"smtp://{USER}:{ENCODED}@localhost:{port}").send(MAIL)

    assert not any(b"AUTH" in line for line in said)


@pytest.mark.parametrize("offered", [b"250 mail.test\r\n", b"250-mail.test\r\n250 AUTH XOAUTH2\r\n"])
def test_a_server_without_a_log_in_that_we_know_is_permanent(offered: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.test\r\n")
        while connection.recv(4096):
            connection.sendall(offered)

    with raw_server(talk) as port, pytest.raises(StepFailed, match="no way to log in"):
        messenger(f"smtp://{USER}:{ENCODED}@localhost:{port}?starttls=never").send(MAIL)


@pytest.mark.parametrize("url", ["smtps://localhost:{port}", "smtp://localhost:{port}"])
def test_a_certificate_that_nobody_vouches_for_ends_it(url: str) -> None:
    with mail_server(tls=url.startswith("smtps"), starttls=url.startswith("smtp:")) as server:
        strict = messenger(url.format(port=server.port))
        strict._tls = ssl.create_default_context()
        with pytest.raises(StepFailed, match=r"cannot be trusted.*self-signed"):
            strict.send(MAIL)

    assert server.mails == []


def test_a_certificate_for_another_name_ends_it() -> None:
    with mail_server(tls=True) as server, pytest.raises(StepFailed, match="cannot be trusted"):
        messenger(f"smtps://127.0.0.1:{server.port}").send(MAIL)


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_wrong_password_is_permanent_and_appears_nowhere(scheme: str) -> None:
    with (
        mail_server(tls=scheme == "smtps", starttls=scheme == "smtp", log_in=True) as server,
        pytest.raises(StepFailed, match=r"refused the log-in \(535\)") as caught,
    ):
        messenger(f"{scheme}://{USER}:wrong-secret@localhost:{server.port}").send(MAIL)

    assert "wrong-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_a_server_quotes_of_the_log_in_is_blotted_out() -> None:
    with mail_server(tls=True, log_in=True) as server:
        server.sender_answer = f"550 not for {PASSWORD} nor Y29ycmVjdCBob3JzZS9iYXR0ZXJ5"
        with pytest.raises(StepFailed, match="550 not for \\*\\*\\* nor \\*\\*\\*"):
            messenger(f"smtps://{USER}:{ENCODED}@localhost:{server.port}").send(MAIL)


def test_who_is_refused_is_named_and_the_others_get_it() -> None:
    with mail_server() as server:
        server.mailboxes["ada@example.com"] = "550 5.1.1 no such person"
        posted = messenger(clear(server)).send(MAIL)

    assert [mail.to for mail in server.mails] == [["grace@example.org"]]
    assert posted.address == "grace@example.org"
    assert posted.problem == "The mail server refused ada@example.com (550 5.1.1 no such person)"


def test_nobody_left_is_permanent_unless_somebody_may_be_taken_later() -> None:
    with mail_server() as server:
        server.mailboxes = {"ada@example.com": "550 no", "grace@example.org": "551 elsewhere"}
        with pytest.raises(StepFailed, match=r"ada@example.com \(550 no\); grace@example.org \(551 elsewhere\)"):
            messenger(clear(server)).send(MAIL)
        server.mailboxes["grace@example.org"] = "450 greylisted"
        with pytest.raises(TryLater, match="greylisted"):
            messenger(clear(server)).send(MAIL)

    assert server.mails == []


@pytest.mark.parametrize(("code", "kind"), [(451, TryLater), (421, TryLater), (550, StepFailed), (554, StepFailed)])
@pytest.mark.parametrize("where", ["sender_answer", "data_answer"])
def test_an_answer_is_passing_or_permanent_by_its_code(where: str, code: int, kind: type[Exception]) -> None:
    with mail_server() as server:
        setattr(server, where, f"{code} said so")
        with pytest.raises(kind, match=f"{code} said so"):
            messenger(clear(server)).send(MAIL)

    assert server.mails == []


@pytest.mark.parametrize(("greeting", "kind"), [(b"554 go away", StepFailed), (b"421 busy", TryLater), (b"", TryLater)])
def test_a_greeting_that_is_none(greeting: bytes, kind: type[Exception]) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(greeting + b"\r\n" if greeting else b"")

    with raw_server(talk) as port, pytest.raises(kind):
        messenger(f"smtp://localhost:{port}").send(MAIL)


def test_a_mail_that_is_too_large_for_the_server_is_refused_before_it_is_sent() -> None:
    with mail_server(data_size_limit=500) as server, pytest.raises(StepFailed, match="552"):
        messenger(clear(server)).send(MAIL)


def test_nothing_listens_is_passing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TryLater, match=rf"smtp://127.0.0.1:{port} cannot be reached.*refused"):
        messenger(f"smtp://127.0.0.1:{port}").send(MAIL)


def script(*answers: bytes, ends: Callable[[socket.socket], None] | None = None) -> Callable[[socket.socket], None]:
    """A server that gives these answers, one for each thing it hears, then does `ends`."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.test\r\n")
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        heard = b""
        while not heard.endswith(b"\r\n.\r\n"):
            heard += connection.recv(65536)
        if ends is not None:
            ends(connection)

    return talk


UP_TO_DATA = (b"250 mail.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")


@pytest.mark.parametrize("waits", [True, False])
def test_an_answer_to_the_data_that_never_comes_is_passing_and_says_what_follows(waits: bool) -> None:
    done = threading.Event()
    ending = (lambda connection: done.wait(10) and None) if waits else None
    with raw_server(script(*UP_TO_DATA, ends=ending)) as port:
        with pytest.raises(TryLater, match=r"may have taken.*same Message-ID"):
            messenger(f"smtp://localhost:{port}", seconds=1).send(MAIL)
        done.set()


def drip(connection: socket.socket, line: bytes, gap: float = 0.15) -> None:
    for position in range(len(line)):
        connection.sendall(line[position : position + 1])
        threading.Event().wait(gap)


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_drips_is_left_at_the_deadline(tls: bool) -> None:
    url = "smtps://localhost:{}" if tls else "smtp://localhost:{}"
    with raw_server(lambda connection: drip(connection, b"220-x\r\n" * 100), server_tls() if tls else None) as port:
        started = time.monotonic()
        with pytest.raises(TryLater, match=r"deadline|timed out"):
            messenger(url.format(port), seconds=1).send(MAIL)
        assert time.monotonic() - started < 2.5


def test_without_the_deadline_a_server_that_drips_is_never_late() -> None:
    """The control: smtplib's own timeout of half a second holds for each byte."""
    with raw_server(lambda connection: drip(connection, b"220-x\r\n" * 2)) as port:
        started = time.monotonic()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtplib.SMTP("127.0.0.1", port, timeout=0.5)
        assert time.monotonic() - started > 1.5


def test_a_server_that_drips_after_every_command_has_no_more_time_for_all_of_them() -> None:
    def talk(connection: socket.socket) -> None:
        drip(connection, b"220 m\r\n", 0.05)
        while connection.recv(65536):
            drip(connection, b"250 ok\r\n", 0.05)

    with raw_server(talk) as port:
        started = time.monotonic()
        with pytest.raises(TryLater):
            messenger(f"smtp://localhost:{port}", seconds=1).send(MAIL)
        assert time.monotonic() - started < 2


def test_a_server_that_talks_without_end_is_left() -> None:
    def talk(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-" + b"x" * 1000 + b"\r\n")

    with raw_server(talk) as port:
        started = time.monotonic()
        with pytest.raises(TryLater, match="without end"):
            messenger(f"smtp://localhost:{port}", seconds=20).send(MAIL)
        assert time.monotonic() - started < 10


def test_a_mail_that_was_taken_is_sent_although_the_goodbye_fails() -> None:
    def ends(connection: socket.socket) -> None:
        connection.sendall(b"250 taken\r\n")
        connection.recv(4096)

    with raw_server(script(*UP_TO_DATA, ends=ends)) as port:
        posted = messenger(f"smtp://localhost:{port}", seconds=5).send(MAIL)
    assert posted.problem == ""


def test_a_mail_sent_again_is_the_same_mail() -> None:
    with mail_server() as server:
        sender = messenger(clear(server))
        refs = {sender.send(MAIL).ref for _ in range(2)}

    assert len(refs) == 1
    first, second = (mail.raw for mail in server.mails)
    assert first == second


def test_a_check_logs_in_and_sends_nothing() -> None:
    with mail_server(starttls=True, log_in=True) as server:
        messenger(f"smtp://{USER}:{ENCODED}@localhost:{server.port}").check()
        with pytest.raises(StepFailed, match="log-in"):
            messenger(f"smtp://{USER}:other-secret@localhost:{server.port}").check()

    assert server.mails == []
    assert len(server.log_ins) >= 2


def test_a_mail_for_nobody_is_permanent() -> None:
    with pytest.raises(StepFailed, match="nobody"):
        messenger("smtp://localhost:1").send(replace(MAIL, to=()))


def test_mails_of_several_threads_at_once_all_arrive() -> None:
    with mail_server() as server:
        sender = messenger(clear(server))
        threads = [
            threading.Thread(target=sender.send, args=(replace(MAIL, notice_id=f"ntc-{number}"),))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert {mail.message["X-Andon-Notice"] for mail in server.mails} == {f"ntc-{number}" for number in range(8)}
