"""Both paging services on a server whose answers a test writes down, with keys that must never be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.adapters.http import HttpxHttp
from bot.adapters.paging.opsgenie import Opsgenie
from bot.adapters.paging.pagerduty import PagerDuty
from bot.domain.incidents import Severity
from bot.domain.pages import Page
from bot.ports import Pager
from support.scripted_server import Answer, ScriptedServer

ROUTING_KEY = "routing-key-0123456789abcdef0123"
TOKEN = "rest-token-u+ABCDEFGHIJ"
GENIE_KEY = "genie-key-eb243592-faa2-4ba2"
SECRETS = {"pagerduty": (ROUTING_KEY, TOKEN), "opsgenie": (GENIE_KEY,)}
"""What each service knows, and may send back in its errors."""

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEY = "run:run-01jd3m:approval:2"
PAGE = Page(
    dedup_key=KEY,
    summary="fraud-model: 14 % of decisions are wrong; the rollback waits for an approval",
    severity=Severity.SEV_1,
    source="fraud-model/production",
    link="https://andon.example.com/incidents/inc-01jd3m",
    details={"asked": "rollback_authority", "since": "12:00 UTC"},
)


class StandingClock:
    """`bot.ports.Clock` that shows one moment."""

    def now(self) -> datetime:
        """Always NOW."""
        return NOW

    def monotonic(self) -> float:
        """No time passes."""
        return 0.0


def pagerduty(http: HttpxHttp, server: ScriptedServer, *, token: str | None = TOKEN) -> PagerDuty:
    """Events and REST API at one address."""
    clock = StandingClock()
    return PagerDuty(
        http, clock, routing_key=ROUTING_KEY, token=token, events_url=f"{server.url}/events", api_url=server.url
    )


def opsgenie(http: HttpxHttp, server: ScriptedServer) -> Opsgenie:
    """The alert API."""
    return Opsgenie(http, StandingClock(), key=GENIE_KEY, url=f"{server.url}/")


PAGERS: dict[str, Callable[[HttpxHttp, ScriptedServer], Pager]] = {"pagerduty": pagerduty, "opsgenie": opsgenie}

TAKEN = {
    "pagerduty": Answer(202, {"status": "success", "message": "Event processed", "dedup_key": KEY}),
    "opsgenie": Answer(202, {"result": "Request will be processed", "took": 0.302, "requestId": "43a29c5c-3dbf"}),
}
"""What the documents show for a page that was taken."""
