"""Opsgenie: pages, their states and their end by the Alert API v2.

Protocol: docs.opsgenie.com, "Alert API" and "Rate Limiting"; schemas in opsgenie/opsgenie-oas (commit 71c55343).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from bot.adapters.paging.service import CLIENT, Answer, PagingService, checked_key, moment, read
from bot.adapters.paging.texts import fitted, one_line
from bot.domain.incidents import Severity
from bot.domain.pages import Acknowledgement, Page, PageReceipt, PageStanding, PageState, check_dedup_key
from bot.ports import Clock, Http

URL = "https://api.opsgenie.com"

_PRIORITIES: Mapping[Severity, str] = {
    Severity.SEV_1: "P1",
    Severity.SEV_2: "P2",
    Severity.SEV_3: "P3",
    Severity.SEV_4: "P4",
}
_MOST_MESSAGE = 130
_MOST_DESCRIPTION = 15_000
_MOST_SOURCE = 100
_MOST_ENTITY = 512
_MOST_DETAILS_BYTES = 7_500
"""All details together may have 8,000 characters; the link comes besides."""
_MOST_LINK = 400
_BY_ALIAS = (("identifierType", "alias"),)
_LONGEST_ANSWER = 366 * 24 * 3_600_000


class _Taken(Answer):
    request_id: str = Field(alias="requestId", min_length=1, max_length=100)


class _Processed(Answer):
    is_success: bool = Field(alias="isSuccess")
    status: str = ""


class _RequestStatus(Answer):
    data: _Processed


class _Report(Answer):
    acknowledged_by: str | None = Field(default=None, alias="acknowledgedBy")
    acknowledged_after_ms: int | None = Field(default=None, alias="ackTime", ge=0, le=_LONGEST_ANSWER)
    closed_by: str | None = Field(default=None, alias="closedBy")
    closed_after_ms: int | None = Field(default=None, alias="closeTime", ge=0, le=_LONGEST_ANSWER)


class _Alert(Answer):
    alias: str
    status: str
    acknowledged: bool
    created_at: str | None = Field(default=None, alias="createdAt")
    report: _Report | None = None

    def answer(self, who: str | None, after_ms: int | None) -> Acknowledgement | None:
        """`ackTime` and `closeTime` come without a unit; by the examples they are milliseconds since `createdAt`."""
        by = one_line(who or "", 200)
        began = moment(self.created_at)
        at = began + timedelta(milliseconds=after_ms) if began is not None and after_ms is not None else None
        return Acknowledgement(by, at) if by else None


class _Found(Answer):
    data: _Alert


class Opsgenie:
    """`bot.ports.Pager` for one API integration of Opsgenie. The dedup key is the alert's alias."""

    name: ClassVar[str] = "opsgenie"

    def __init__(self, http: Http, clock: Clock, *, key: str, url: str = URL) -> None:
        """`key` belongs to an API integration. ConfigError where it or the address cannot be used."""
        headers = {"Authorization": f"GenieKey {checked_key('key of Opsgenie', key)}"}
        self._api = PagingService(http, clock, service="Opsgenie", address=url, headers=headers, secrets=[key])

    def page(self, page: Page) -> PageReceipt:
        """Ask for an alert; see `bot.ports.Pager`. The receipt's `ref` is the request, which is worked off later."""
        reply = self._api.call("POST", "/v2/alerts", json=_alert_of(page), wanted=(202,))
        taken = read(_Taken, reply)
        if taken is None:
            raise self._api.odd(reply)
        return PageReceipt(self.name, page.dedup_key, taken.request_id)

    def resolve(self, dedup_key: str) -> None:
        """Close the alert, if there is one."""
        check_dedup_key(dedup_key)
        body = {"source": CLIENT, "note": "The incident is over."}
        self._api.call("POST", f"{_path(dedup_key)}/close", query=_BY_ALIAS, json=body, wanted=(202, 404))

    def state(self, dedup_key: str, *, ref: str = "") -> PageStanding:
        """What the alert of this alias says; where there is none, what became of the request `ref`."""
        check_dedup_key(dedup_key)
        reply = self._api.call("GET", _path(dedup_key), query=_BY_ALIAS, wanted=(200, 404))
        if reply.status == 404:
            return self._requested(ref)
        found = read(_Found, reply)
        if found is None or found.data.alias != dedup_key:
            return _unknown("Opsgenie shows the alert in a way that it does not document")
        return _standing_of(found.data)

    def _requested(self, ref: str) -> PageStanding:
        """Alerts are made some time after they were asked for, and the request may fail then."""
        if not ref:
            return _unknown("Opsgenie has no such alert, or not yet")
        reply = self._api.call("GET", f"/v2/alerts/requests/{quote(ref, safe='')}", wanted=(200, 404))
        found = read(_RequestStatus, reply)
        if found is None:
            return _unknown("Opsgenie has not worked off the request yet")
        if not found.data.is_success:
            return PageStanding(PageState.FAILED, why=f"Opsgenie says: {one_line(found.data.status, 200)}")
        return _unknown("Opsgenie made the alert and does not show it")


def _alert_of(page: Page) -> dict[str, Any]:
    summary = one_line(page.summary, _MOST_DESCRIPTION - _MOST_LINK) or page.dedup_key
    details = fitted(page.details, _MOST_DETAILS_BYTES)
    link = page.link if page.link and len(page.link) <= _MOST_LINK else None
    return {
        "message": one_line(summary, _MOST_MESSAGE),
        "alias": page.dedup_key,
        "description": f"{summary}\n{link}" if link else summary,
        "priority": _PRIORITIES[page.severity],
        "source": CLIENT,
        "entity": one_line(page.source, _MOST_ENTITY),
        "details": {**details, "incident": link} if link else details,
    }


def _path(dedup_key: str) -> str:
    return f"/v2/alerts/{quote(dedup_key, safe='')}"


def _standing_of(alert: _Alert) -> PageStanding:
    report = alert.report or _Report()
    if alert.status == "closed":
        return PageStanding(PageState.RESOLVED, alert.answer(report.closed_by, report.closed_after_ms))
    if alert.status != "open":
        return _unknown(f"Opsgenie says {one_line(alert.status, 40)!r} of it")
    if not alert.acknowledged:
        return PageStanding(PageState.SENT)
    answer = alert.answer(report.acknowledged_by, report.acknowledged_after_ms)
    return PageStanding(PageState.ACKNOWLEDGED, answer, why="" if answer else "Opsgenie does not say by whom")


def _unknown(why: str) -> PageStanding:
    return PageStanding(PageState.UNKNOWN, why=why)
