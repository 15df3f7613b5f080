"""Which paging services there are keys for, and the pagers made of them."""

from __future__ import annotations

from typing import Protocol

from pydantic import SecretStr

from bot.adapters.paging.opsgenie import Opsgenie
from bot.adapters.paging.pagerduty import PagerDuty
from bot.ports import Clock, Http, Pager


class PagingKeys(Protocol):
    """What the settings say about paging; `bot.settings.Settings` has all of it."""

    @property
    def pagerduty_routing_key(self) -> SecretStr | None: ...
    @property
    def pagerduty_token(self) -> SecretStr | None: ...
    @property
    def pagerduty_events_url(self) -> str: ...
    @property
    def pagerduty_api_url(self) -> str: ...
    @property
    def opsgenie_key(self) -> SecretStr | None: ...
    @property
    def opsgenie_url(self) -> str: ...


def open_pagers(keys: PagingKeys, http: Http, clock: Clock) -> dict[str, Pager]:
    """The services that have a key, by name. ConfigError where a key or an address cannot be used."""
    found: dict[str, Pager] = {}
    if keys.pagerduty_routing_key is not None:
        found[PagerDuty.name] = PagerDuty(
            http,
            clock,
            routing_key=keys.pagerduty_routing_key.get_secret_value(),
            token=keys.pagerduty_token.get_secret_value() if keys.pagerduty_token is not None else None,
            events_url=keys.pagerduty_events_url,
            api_url=keys.pagerduty_api_url,
        )
    if keys.opsgenie_key is not None:
        key = keys.opsgenie_key.get_secret_value()
        found[Opsgenie.name] = Opsgenie(http, clock, key=key, url=keys.opsgenie_url)
    return found
