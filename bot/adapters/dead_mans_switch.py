"""Calls the dead man's switch outside: one request that says that all is well."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters.addresses import parse_address
from bot.domain.errors import AndonError, ConfigError, Refused
from bot.plugins import Call
from bot.ports import Http

_TIMEOUT = timedelta(seconds=5)
"""The beat goes out beside other looks outside, which should not wait for it."""


class DeadMansSwitch:
    """`https://hc-ping.com/<uuid>` and the like. The address is a secret: no message has more of it than its host."""

    def __init__(self, http: Http, url: str, method: str) -> None:
        """ConfigError where the address is none."""
        try:
            self._host = parse_address(url).host
        except Refused as error:
            raise ConfigError("ANDON_HEARTBEAT_URL cannot be used", why=error.what, next=error.next) from None
        self._http = http
        self._call = Call(method, url, timeout=_TIMEOUT, max_bytes=1024)

    def __call__(self) -> str:
        """What went wrong; empty where it answered with 2xx."""
        try:
            reply = self._http.request(self._call, allow_hosts=[self._host])
        except AndonError as error:
            return f"{self._host} cannot be called: {error.what}"
        if reply.status is None:
            return f"{self._host} gave no answer"
        return "" if 200 <= reply.status < 300 else f"{self._host} answered with {reply.status}"
