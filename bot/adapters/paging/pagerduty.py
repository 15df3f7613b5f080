"""PagerDuty: pages by the Events API v2, acknowledgements read back by the REST API.

Protocol: developer.pagerduty.com, "Events API v2 Overview", "Send an Alert Event" and "Rate Limits"; "REST API:
Errors", "Rate Limits"; schemas of `POST /v2/enqueue`, `GET /incidents` and `GET /incidents/{id}/alerts` in
PagerDuty/api-schema (commit 91a06fb3, August 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from bot.adapters.paging.service import CLIENT, Answer, PagingService, checked_key, moment, read
from bot.adapters.paging.texts import fitted, one_line
from bot.domain.incidents import Severity
from bot.domain.pages import Acknowledgement, Page, PageReceipt, PageStanding, PageState, check_dedup_key
from bot.ports import Clock, Http

EVENTS_URL = "https://events.pagerduty.com"
API_URL = "https://api.pagerduty.com"

_SEVERITIES: Mapping[Severity, str] = {
    Severity.SEV_1: "critical",
    Severity.SEV_2: "error",
    Severity.SEV_3: "warning",
    Severity.SEV_4: "info",
}
_MOST_SUMMARY = 1024
_MOST_SOURCE = 255
_MOST_DETAILS_BYTES = 64 * 1024
"""A whole event may have 512 KB; everything else in it is short."""
_ACCEPT = "application/vnd.pagerduty+json;version=2"
_MOST_INCIDENTS = 3
_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_PEOPLE = ("user", "user_reference")


class _Taken(Answer):
    status: str
    dedup_key: str | None = None


class _Agent(Answer):
    type: str = ""
    id: str | None = None
    summary: str | None = None
    name: str | None = None
    email: str | None = None

    @property
    def who(self) -> str:
        """An address, else a name, of a person; empty for services and integrations."""
        known = self.email or self.name or self.summary or self.id or ""
        return one_line(known, 200) if self.type in _PEOPLE else ""


class _Acknowledgement(Answer):
    at: str | None = None
    acknowledger: _Agent


class _Incident(Answer):
    id: str
    status: str
    incident_key: str | None = None
    acknowledgements: list[_Acknowledgement] = Field(default_factory=list)
    last_status_change_by: _Agent | None = None
    last_status_change_at: str | None = None


class _Incidents(Answer):
    incidents: list[_Incident]


class _Alert(Answer):
    alert_key: str | None = None


class _Alerts(Answer):
    alerts: list[_Alert]


class PagerDuty:
    """`bot.ports.Pager` for one integration of one PagerDuty service.

    Events with the same `dedup_key` and the same routing key meet in one alert. Without an API token pages go out and
    their state stays unknown.
    """

    name: ClassVar[str] = "pagerduty"

    def __init__(
        self,
        http: Http,
        clock: Clock,
        *,
        routing_key: str,
        token: str | None = None,
        events_url: str = EVENTS_URL,
        api_url: str = API_URL,
    ) -> None:
        """`token` is a REST API key; read-only is enough. ConfigError where a key or an address cannot be used."""
        self._routing_key = checked_key("routing key of PagerDuty", routing_key)
        secrets = [routing_key]
        headers = {}
        if token is not None:
            secrets.append(checked_key("API token of PagerDuty", token))
            headers = {"Authorization": f"Token token={token}", "Accept": _ACCEPT, "Content-Type": "application/json"}
        self._events = PagingService(http, clock, service="PagerDuty", address=events_url, headers={}, secrets=secrets)
        api = PagingService(http, clock, service="PagerDuty", address=api_url, headers=headers, secrets=secrets)
        self._api = api if token is not None else None

    def page(self, page: Page) -> PageReceipt:
        """Trigger an alert; see `bot.ports.Pager`."""
        self._enqueue(page.dedup_key, "trigger", _event_of(page))
        return PageReceipt(self.name, page.dedup_key)

    def resolve(self, dedup_key: str) -> None:
        """End the alert, if it is open; PagerDuty drops the event where it is not."""
        check_dedup_key(dedup_key)
        self._enqueue(dedup_key, "resolve", {})

    def state(self, dedup_key: str, *, ref: str = "") -> PageStanding:  # noqa: ARG002
        """What the newest incident of this key says. One that surely has another key is not looked at."""
        check_dedup_key(dedup_key)
        if self._api is None:
            return PageStanding(PageState.UNKNOWN, why="without an API token PagerDuty does not say who acknowledged")
        query = [
            ("incident_key", dedup_key),
            *(("statuses[]", status) for status in ("triggered", "acknowledged", "resolved")),
            ("date_range", "all"),
            ("include[]", "acknowledgers"),
            ("include[]", "agents"),
            ("sort_by", "created_at:desc"),
            ("limit", str(_MOST_INCIDENTS)),
        ]
        found = read(_Incidents, self._api.call("GET", "/incidents", query=query, wanted=(200,)))
        if found is None:
            return _unknown("PagerDuty lists incidents in a way that it does not document")
        for incident in found.incidents[:_MOST_INCIDENTS]:
            if incident.incident_key == dedup_key or (not incident.incident_key and self._has(incident.id, dedup_key)):
                return _standing_of(incident)
        return _unknown("PagerDuty has no incident of this page, or not yet")

    def _enqueue(self, dedup_key: str, action: str, event: Mapping[str, Any]) -> None:
        body = {"routing_key": self._routing_key, "event_action": action, "dedup_key": dedup_key, **event}
        reply = self._events.call("POST", "/v2/enqueue", json=body, wanted=(202,))
        taken = read(_Taken, reply)
        if taken is None or taken.status != "success" or taken.dedup_key not in (None, dedup_key):
            raise self._events.odd(reply)

    def _has(self, incident_id: str, dedup_key: str) -> bool:
        """Whether an alert of the incident has this key: incidents with alerts have no key of their own.

        Were the filter of the list ever not applied, somebody else's incident would count as answered."""
        if self._api is None or not _ID.fullmatch(incident_id):
            return False
        query = [("alert_key", dedup_key), ("limit", "5")]
        reply = self._api.call("GET", f"/incidents/{incident_id}/alerts", query=query, wanted=(200, 404))
        found = read(_Alerts, reply)
        return found is not None and any(alert.alert_key == dedup_key for alert in found.alerts)


def _event_of(page: Page) -> dict[str, Any]:
    event: dict[str, Any] = {
        "payload": {
            "summary": one_line(page.summary, _MOST_SUMMARY) or page.dedup_key,
            "source": one_line(page.source, _MOST_SOURCE) or CLIENT,
            "severity": _SEVERITIES[page.severity],
            "custom_details": fitted(page.details, _MOST_DETAILS_BYTES),
        },
        "client": CLIENT,
    }
    if page.link:
        event |= {"client_url": page.link, "links": [{"href": page.link, "text": "The incident"}]}
    return event


def _standing_of(incident: _Incident) -> PageStanding:
    match incident.status:
        case "triggered":
            return PageStanding(PageState.SENT)
        case "acknowledged":
            return _acknowledged(incident)
        case "resolved":
            by = incident.last_status_change_by.who if incident.last_status_change_by else ""
            answer = Acknowledgement(by, moment(incident.last_status_change_at)) if by else None
            return PageStanding(PageState.RESOLVED, answer)
        case _:
            return _unknown(f"PagerDuty says {one_line(incident.status, 40)!r} of it")


def _acknowledged(incident: _Incident) -> PageStanding:
    """Integrations can acknowledge too; that wakes nobody, so it does not count."""
    for one in incident.acknowledgements:
        if who := one.acknowledger.who:
            return PageStanding(PageState.ACKNOWLEDGED, Acknowledgement(who, moment(one.at)))
    if incident.acknowledgements:
        return PageStanding(PageState.SENT, why="acknowledged by an integration, not by a person")
    return PageStanding(PageState.ACKNOWLEDGED, why="PagerDuty does not say by whom")


def _unknown(why: str) -> PageStanding:
    return PageStanding(PageState.UNKNOWN, why=why)
