"""Which addresses may be called: a URL taken apart once, and the allow-list it is held against."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.errors import Refused

_PORTS = {"http": 80, "https": 443}
_MOST_CHARACTERS = 8192
_UNFIT = re.compile(r"[\x00-\x20\\\x7f]")


@dataclass(frozen=True)
class Address:
    """One web address, normalised: `host` is lower case, ASCII (IDNA), without brackets and without a final dot."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query as sent, percent-encoded."""

    @property
    def authority(self) -> str:
        """What the Host header says; a port that the scheme implies is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Where it is, without path and query: those may hold secrets."""
        return f"{self.scheme}://{self.authority}"


def parse_address(url: str) -> Address:
    """The address of a URL. Refused where it is not plain http or https, or carries a user name or password."""
    import httpx

    if len(url) > _MOST_CHARACTERS or _UNFIT.search(url):
        raise Refused("An address is too long or holds a space, a backslash or a control character")
    try:
        parsed = httpx.URL(url)
        port = _PORTS.get(parsed.scheme, 0) if parsed.port is None else parsed.port
        host = parsed.raw_host.decode("ascii").removesuffix(".").lower()
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused("An address cannot be read", why=_without_address(error)) from None
    if parsed.scheme not in _PORTS:
        raise Refused(f"An address starts with {parsed.scheme[:20] or 'nothing'}", next="use http:// or https://")
    if parsed.userinfo:
        raise Refused("An address carries a user name or password", next="put credentials into a header")
    if not host or "%" in host or not 0 < port < 65536:
        raise Refused(
            "An address has no usable host or port", next="write it like https://deploy.example.com:8443/path"
        )
    return Address(parsed.scheme, host, port, parsed.raw_path.decode("ascii"))


def is_allowed(address: Address, allow_hosts: Collection[str]) -> bool:
    """Whether an entry names the host: `host` with any port, `host:port` with that one; IPv6 as `::1` or `[::1]:80`.

    Names are compared, never what they resolve to, and entries stand for themselves alone: `example.com` does not
    allow `api.example.com`, and `localhost` does not allow `127.0.0.1`.
    """
    return any(_names(entry, address) for entry in allow_hosts)


@lru_cache(maxsize=1024)
def entry_parts(entry: str) -> tuple[str, str]:
    """Host and port of an entry, normalised as an address is; the port is empty where any is meant."""
    host, port = _taken_apart(entry.strip())
    return _normal(host), port


def _names(entry: str, address: Address) -> bool:
    host, port = entry_parts(entry)
    return host == address.host and port in ("", str(address.port))


def _taken_apart(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") > 1:
        return entry, ""
    host, _, port = entry.partition(":")
    return host, port


def _normal(host: str) -> str:
    if host.isascii():
        return host.removesuffix(".").lower()
    import httpx

    try:
        return httpx.URL(f"http://{host}/").raw_host.decode("ascii").removesuffix(".").lower()
    except (httpx.InvalidURL, ValueError):
        return ""


def _without_address(error: Exception) -> str:
    """The reason without the text it is about, which may hold a secret."""
    return str(error).split(":", 1)[0].split("'", 1)[0].strip() or "it is malformed"
