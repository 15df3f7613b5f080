"""Addresses of people and of mail servers: what is read, and what is refused without giving a secret away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput, ConfigError
from bot.domain.mail import Encryption, MailAddress, SmtpUrl, parse_mail_address, parse_smtp_url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", MailAddress("ada", "example.com")),
        ("  Ada.L+on-call@Example.COM ", MailAddress("Ada.L+on-call", "example.com")),
        ("Ada Lovelace <ada@example.com>", MailAddress("ada", "example.com", "Ada Lovelace")),
        ('"Lovelace, Ada" <ada@example.com>', MailAddress("ada", "example.com", "Lovelace, Ada")),
        ("<ada@example.com>", MailAddress("ada", "example.com")),
        ("ada@bücher.example", MailAddress("ada", "xn--bcher-kva.example")),
        ("root@localhost", MailAddress("root", "localhost")),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, address: MailAddress) -> None:
    assert parse_mail_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "a da@example.com",
        "ada@exa mple.com",
        "ada@-example.com",
        "ada@example..com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com>",
        "Ada <ada@example.com> <eve@example.com>",
        '"a da"@example.com',
        "zoë@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "Ada\nBcc: eve@example.com <ada@example.com>",
        "ada@example.com\0",
        "Ada\u2028<ada@example.com>",
        f"{'a' * 65}@example.com",
        f"ada@{'.'.join(['a' * 60] * 5)}",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="mail address") as caught:
        parse_mail_address(text)
    assert not {"\r", "\n", "\0"} & set(str(caught.value))


@given(st.text())
def test_whatever_comes_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_mail_address(text)
    except BadInput:
        return
    assert address.mailbox.isascii()
    assert parse_mail_address(address.mailbox) == MailAddress(address.local, address.host)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("smtp://mail.example.com:2525", SmtpUrl("mail.example.com", 2525, Encryption.OFFERED)),
        ("smtp://mail.example.com", SmtpUrl("mail.example.com", 25, Encryption.OFFERED)),
        ("smtps://mail.example.com/", SmtpUrl("mail.example.com", 465, Encryption.TLS)),
        ("smtp://u:p@mail.example.com", SmtpUrl("mail.example.com", 587, Encryption.ALWAYS, "u", "p")),
        ("smtps://u%40x:p%2F%3A%25@h:1", SmtpUrl("h", 1, Encryption.TLS, "u@x", "p/:%")),
        ("smtp://[::1]:25?starttls=never", SmtpUrl("::1", 25, Encryption.NEVER)),
        ("smtp://relay?starttls=always", SmtpUrl("relay", 25, Encryption.ALWAYS)),
        ("smtp://u:p@localhost?starttls=never", SmtpUrl("localhost", 587, Encryption.NEVER, "u", "p")),
        ("SMTPS://Mail.Example.com", SmtpUrl("mail.example.com", 465, Encryption.TLS)),
    ],
)
def test_the_address_of_a_server_is_read(text: str, url: SmtpUrl) -> None:
    assert parse_smtp_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example.com:25",
        "http://u:hunter2-secret@h",
        "smtp://u:hunter2-secret@",
        "smtp://u:hunter2-secret@h:port",
        "smtp://u:hunter2-secret@h:70000",
        "smtp://u:hunter2-secret@h:0",
        "smtp://u:hunter2-secret@h/path",
        "smtp://u:hunter2-secret@h#x",
        "smtp://u:hunter2-secret@h?tls=never",
        "smtp://u:hunter2-secret@h?starttls=maybe",
        "smtp://u:hunter2-secret@h?starttls=never",
        "smtp://u:hunter2-secret@h?starttls=offered",
        "smtps://u:hunter2-secret@h?starttls=always",
        "smtp://u:hunter2-secret/slash@h",
        "smtp://u:hunter2-secret#hash@h",
        "smtp://u:hunter2-secret?question@h",
        "smtp://u:hunter2-secret%0d%0a@h",
        "smtp://u:hunter2-secretß@h",
        "smtp://u:hunter2-secret@h\r\n",
        "smtp://u@h",
        "smtp://:hunter2-secret@h",
        "smtp://u:hunter2-secret@a_b",
        "smtp://u:hunter2-secret@[zz]",
    ],
)
def test_an_address_of_no_server_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_smtp_url(text)
    told = f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"
    assert "hunter2" not in told
    assert "percent-encode" in str(caught.value)


def test_a_server_shows_neither_user_nor_password() -> None:
    url = parse_smtp_url("smtps://somebody:hunter2@[2001:db8::1]:465")
    for shown in (str(url), repr(url)):
        assert "hunter2" not in shown
        assert "somebody" not in shown
    assert str(url) == "smtps://[2001:db8::1]:465"
