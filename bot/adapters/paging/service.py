"""One paging service at one address: its calls, and its refusals as errors that never show a key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.adapters.addresses import Address, parse_address
from bot.adapters.paging.texts import one_line
from bot.domain.errors import BadInput, ConfigError, Refused, StepFailed, TryLater
from bot.domain.times import parse_time
from bot.plugins import Call, Reply
from bot.ports import Clock, Http

CLIENT = "Andon"
"""Who pages, in the services' own lists."""
BUSY = timedelta(seconds=30)
"""Between two tries where a service says that it is busy and not for how long, as PagerDuty advises."""
AWAY = timedelta(seconds=5)
MOST_PATIENCE = timedelta(minutes=5)
"""The longest pause that a service may ask for."""
TIMEOUT = timedelta(seconds=10)

_HINTS = ("retry-after", "ratelimit-reset", "x-ratelimit-period-in-sec")
_PASSING = (408, 425, 429)

Shape = TypeVar("Shape", bound="Answer")


class Answer(BaseModel):
    """Root of what is read out of answers: strict types, and whatever else stands there is not looked at."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def read(shape: type[Shape], reply: Reply) -> Shape | None:
    """The answer in its documented shape, or None where it has another."""
    try:
        return shape.model_validate(reply.body)
    except ValidationError:
        return None


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time, or None where it is none."""
    try:
        return parse_time(text or "")
    except BadInput:
        return None


def checked_key(name: str, key: str) -> str:
    """The key; ConfigError where it cannot be one. It is never shown."""
    if not 8 <= len(key) <= 512 or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(
            f"The {name} cannot be used",
            why="a key has 8 to 512 printable characters and no spaces",
            next="copy it again from the service, without quotes",
        )
    return key


class PagingService:
    """Calls to one service. `secrets` are cut out of whatever it says; `address` may end in a path."""

    def __init__(
        self,
        http: Http,
        clock: Clock,
        *,
        service: str,
        address: str,
        headers: Mapping[str, str],
        secrets: Collection[str],
    ) -> None:
        """ConfigError where the address is no https address; plain http is for this host only."""
        self._http = http
        self._clock = clock
        self._service = service
        self._base = address.rstrip("/")
        self._allowed = [_allowed(service, address)]
        self._headers = dict(headers)
        self._secrets = sorted(secrets, key=len, reverse=True)

    def call(
        self,
        method: str,
        path: str,
        *,
        wanted: Collection[int],
        query: Iterable[tuple[str, str]] = (),
        json: Any = None,
    ) -> Reply:
        """The answer, with one of the wanted statuses.

        TryLater: no answer, 408, 425, 429, 5xx, or a success that was not wanted, such as the page of a proxy.
        StepFailed: everything else, because the same call would get the same answer.
        """
        asked = urlencode(list(query))
        url = f"{self._base}{path}" + (f"?{asked}" if asked else "")
        call = Call(method, url, headers=self._headers, json=json, timeout=TIMEOUT)
        reply = self._http.request(call, allow_hosts=self._allowed)
        if reply.status not in wanted:
            raise self._error(reply)
        return reply

    def odd(self, reply: Reply) -> TryLater:
        """The error for an answer that has a wanted status and not the documented shape."""
        return TryLater(
            f"{self._service} answered {reply.status} in a way that it does not document",
            delay=AWAY,
            why=self._safe(reply.error or "nobody knows what it did, so it is asked again"),
        )

    def _error(self, reply: Reply) -> TryLater | StepFailed:
        status = reply.status
        if status is None:
            return TryLater(f"{self._service} gave no answer", delay=AWAY, why=self._safe(reply.error))
        if status < 300:
            return self.odd(reply)
        if status in _PASSING or status >= 500:
            usual = BUSY if status == 429 else AWAY
            what = "is busy" if status == 429 else "has a fault"
            delay = _asked_delay(reply.headers, self._clock.now()) or usual
            return TryLater(f"{self._service} {what} (status {status})", delay=delay, why=self._words(reply))
        return StepFailed(
            f"{self._service} refuses (status {status})", why=self._words(reply), next=_what_to_check(status)
        )

    def _words(self, reply: Reply) -> str:
        """What the service says of its refusal, where it says so in JSON as documented; a page of HTML says nothing."""
        body = reply.body if isinstance(reply.body, dict) else {}
        if isinstance(body.get("error"), dict):
            body = body["error"]
        errors = body.get("errors")
        parts = [body.get("message"), *(errors if isinstance(errors, list) else [])]
        return self._safe(", ".join(part for part in parts[:5] if isinstance(part, str)))

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return one_line(text, 200)


def _what_to_check(status: int) -> str:
    if status in (401, 403):
        return "check the key and what it may do"
    if status < 400 or status in (404, 405, 410):
        return "check the address of the service: its region, and that nothing is in between"
    return "check the key and the region; docs/paging.md says what is sent"


def _asked_delay(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the service asks to wait: seconds, or for Retry-After also a date (RFC 9110, 10.2.3)."""
    for name in _HINTS:
        value = headers.get(name, "").strip()
        if value.isascii() and value.isdigit():
            return min(max(timedelta(seconds=int(value[:9])), timedelta(seconds=1)), MOST_PATIENCE)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        return min(max(until - now, timedelta(seconds=1)), MOST_PATIENCE)
    except (ValueError, TypeError, OverflowError):
        return None


def _allowed(service: str, text: str) -> str:
    """The one entry of the allow-list: host and port of the address."""
    try:
        address = parse_address(text)
    except Refused as error:
        raise ConfigError(f"The address of {service} cannot be used", why=error.what, next=error.next) from None
    if address.scheme != "https" and not _is_here(address):
        raise ConfigError(
            f"The address of {service} is not https", why="a key would be readable on the way", next="use https://"
        )
    if "?" in address.target or "#" in text:
        raise ConfigError(f"The address of {service} has a query", next="write only scheme, host and path")
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"


def _is_here(address: Address) -> bool:
    try:
        return ip_address(address.host).is_loopback
    except ValueError:
        return address.host == "localhost"
