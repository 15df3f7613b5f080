"""Which hosts are one place, however they are written: what a drill must never reach is told from this."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Iterable

from bot.adapters.addresses import Address, entry_parts

_APART = re.compile(r"[^\w.:\[\]-]+")
"""What stands between the parts of an address or of a list."""
_LEAST_NUMBER = 8
"""Digits of a number that may be a host: 16777216 is 1.0.0.0."""
_OWN = "the own host"
"""All of 127.0.0.0/8, `::1`, `localhost`, and the addresses that stand for any: on one host they are one place."""


def is_barred(address: Address, bar_hosts: Collection[str]) -> bool:
    """Whether the address leads to one of these hosts: `host` with any port, `host:port` with that one.

    Stricter than what is allowed: `localhost`, `127.1`, `2130706433` and `[::ffff:127.0.0.1]` are one host, and so are
    the forms of any other number. Names are compared, never what they resolve to.
    """
    place = _place(address.host)
    return any(place == _place(host) and port in ("", str(address.port)) for host, port in map(entry_parts, bar_hosts))


def named_host(words: Iterable[str], bar_hosts: Collection[str]) -> str | None:
    """The first of these hosts that stands in one of the words, in any of its forms; None: none does."""
    barred = [(_place(host), port, entry) for entry in bar_hosts for host, port in (entry_parts(entry),)]
    for token in (one for word in words for one in _APART.split(word)):
        if not token or (token.isdigit() and len(token) < _LEAST_NUMBER):
            continue
        host, port = entry_parts(token)
        place = _place(host)
        for there, at, entry in barred:
            if place == there and (port == at or not port or not at):
                return entry
    return None


def shared_hosts(one: Collection[str], other: Collection[str]) -> list[str]:
    """Those entries of `one` that lead where an entry of `other` leads too."""
    others = [(_place(host), port) for host, port in map(entry_parts, other)]
    found = []
    for entry in one:
        host, port = entry_parts(entry)
        place = _place(host)
        if any(place == there and (port == at or not port or not at) for there, at in others):
            found.append(entry)
    return found


def _place(host: str) -> str:
    """The host in its one form."""
    number = _number(host)
    if number is None:
        is_own = host == "localhost" or host.endswith(".localhost")
        return _OWN if is_own else host
    return _OWN if number.is_loopback or number.is_unspecified else str(number)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address behind a number, also where it is written as only a resolver reads it (`0x7f.1`)."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return _old_form(host)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _old_form(host: str) -> ipaddress.IPv4Address | None:
    if not host.isascii() or not host or not (host[0].isdigit()):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
