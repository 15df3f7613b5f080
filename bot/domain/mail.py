"""Where mail goes and how it leaves: addresses of people, and the address of the server that takes mail from us."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bot.domain.errors import BadInput, ConfigError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""A dot-atom of RFC 5322; quoted local parts are for no mailbox that anybody has."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_WRITTEN = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_IPV6 = re.compile(r"[0-9a-f:.]{2,45}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_LONGEST_LOCAL = 64
_LONGEST_ADDRESS = 254
"""RFC 5321, 4.5.3.1, with its erratum 1690."""


@dataclass(frozen=True)
class MailAddress:
    """One mailbox; `host` is lower case and ASCII (IDNA), `name` is what people read, or empty."""

    local: str
    host: str
    name: str = ""

    @property
    def mailbox(self) -> str:
        """`ada@example.com`."""
        return f"{self.local}@{self.host}"

    def __str__(self) -> str:
        return f"{self.name} <{self.mailbox}>" if self.name else self.mailbox


def parse_mail_address(text: str) -> MailAddress:
    """`ada@example.com` or `Ada Lovelace <ada@example.com>`. BadInput on anything else.

    The part before the `@` is ASCII, since few servers take more; a domain in another script becomes its IDNA form.
    """
    shown = repr(_CONTROL.sub("?", text)[:80])
    if _CONTROL.search(text):
        raise BadInput(f"{shown} is no mail address", why="it holds a control character")
    written = _WRITTEN.fullmatch(text.strip())
    name = " ".join(written["name"].strip().strip('"').split()) if written else ""
    local, at, domain = (written["address"] if written else text).strip().rpartition("@")
    host = _host(domain)
    if not at or not _LOCAL.fullmatch(local) or not host:
        raise BadInput(f"{shown} is no mail address", next="write it like ada@example.com")
    if len(local) > _LONGEST_LOCAL or len(local) + 1 + len(host) > _LONGEST_ADDRESS:
        raise BadInput(f"{shown} is too long for a mail address")
    return MailAddress(local, host, name)


def _host(domain: str) -> str:
    try:
        host = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    return host if _DOMAIN.fullmatch(host) else ""


class Encryption(StrEnum):
    """What protects a conversation with the server; a certificate is always verified where there is one."""

    TLS = "tls"
    """From the first byte: `smtps://`."""
    ALWAYS = "always"
    """By STARTTLS, or nothing is sent."""
    OFFERED = "offered"
    """By STARTTLS where the server offers it."""
    NEVER = "never"
    """Not at all: for a relay on the same machine."""


@dataclass(frozen=True)
class SmtpUrl:
    """The server that takes our mail. Shows neither user nor password."""

    host: str
    port: int
    encryption: Encryption
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'smtps' if self.encryption is Encryption.TLS else 'smtp'}://{host}:{self.port}"


_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WAYS = {way.value: way for way in (Encryption.ALWAYS, Encryption.OFFERED, Encryption.NEVER)}
_FORMS = "write it like smtp://host:25 or smtps://user:password@host:465; percent-encode / ? # % @ : in the password"


def parse_smtp_url(text: str) -> SmtpUrl:
    """`smtp://host:port`, `smtps://user:password@host:port`, `smtp://user:password@host:587`; ConfigError else.

    `?starttls=always|offered|never` says how an `smtp://` address is encrypted: `always` is the default with a user,
    `offered` without one. Without a port it is 465 for `smtps`, 587 with a user, else 25. No error repeats the text.
    """
    if not text.isascii() or _CONTROL.search(text) or " " in text:
        raise _unusable("it holds a space, a control character or a character that is not ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise _unusable("its port or its end cannot be read") from None
    if parts.scheme not in _PORTS or parts.path not in ("", "/") or parts.fragment or set(options) - {"starttls"}:
        raise _unusable("it is not smtp:// or smtps:// with a host and a port")
    host = (parts.hostname or "").lower()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not _DOMAIN.fullmatch(host) and not (":" in host and _IPV6.fullmatch(host)):
        raise _unusable("it names no host")
    if bool(user) != bool(password) or not (user + password).isascii() or _CONTROL.search(user + password):
        raise _unusable("a user needs a password, and both are printable ASCII")
    default = _SUBMISSION if user and parts.scheme == "smtp" else _PORTS[parts.scheme]
    return SmtpUrl(host, default if port is None else _port(port), _encryption(parts, options, host), user, password)


def _port(port: int) -> int:
    if port == 0:
        raise _unusable("a port is 1 to 65535")
    return port


def _encryption(parts: SplitResult, options: dict[str, str], host: str) -> Encryption:
    asked = options.get("starttls")
    if parts.scheme == "smtps":
        if asked is not None:
            raise _unusable("smtps:// is encrypted from the start, so starttls says nothing there")
        return Encryption.TLS
    if asked is None:
        return Encryption.ALWAYS if parts.username else Encryption.OFFERED
    if asked not in _WAYS:
        raise _unusable("starttls is always, offered or never")
    if parts.username and asked != Encryption.ALWAYS and host not in _LOOPBACK:
        raise _unusable("a password would leave this machine in the clear")
    return _WAYS[asked]


def _unusable(why: str) -> ConfigError:
    return ConfigError("The address of the mail server cannot be used", why=why, next=_FORMS)
