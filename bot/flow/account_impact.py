"""What an incident did, in figures where there are any: to users, to the business, and how long and who was told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.records import Notice, NoticeStatus
from bot.domain.report_facts import FIELDS, newest, spoken
from bot.domain.times import format_duration
from bot.domain.ways import PERSON
from bot.flow.account import Account
from bot.flow.account_times import Response

_TOLD = (
    "user_effect", "business_effect", "legal_effect", "experiments", "metric", "confidence_interval", "reproduced",
    "component", "broken", "seen", "cost_of_delay",
)  # fmt: skip
_NOT_KNOWN = "user_effect"
"""Said to be unknown where nobody reported it: an empty line would read as no effect."""


def impact_of(account: Account, response: Response) -> list[dict[str, str]]:
    """Lines of `label`, `text` and `source`; plain JSON."""
    rows = [*_reported(account), *_compared(account), *_lasted(response), *_told(account)]
    return [{"label": label, "text": text, "source": source} for label, text, source in rows]


def _reported(account: Account) -> Iterator[tuple[str, str, str]]:
    current = newest(list(account.facts))
    for name in _TOLD:
        fact = current.get(name)
        if fact is not None and fact.is_known:
            yield FIELDS[name].label, spoken(name, fact.value), f"fact {fact.id}"
        elif name == _NOT_KNOWN:
            yield FIELDS[name].label, "not known: nobody reported it", ""


def _compared(account: Account) -> Iterator[tuple[str, str, str]]:
    canary = account.canary
    if canary is not None and canary.pairs:
        share = f" ({canary.affected / canary.pairs:.2%})" if canary.affected <= canary.pairs else ""
        text = f"{canary.affected:,} of {canary.pairs:,} compared predictions differed{share}"
        yield "Predictions affected", text, f"canary of release {canary.release_id}"


def _lasted(response: Response) -> Iterator[tuple[str, str, str]]:
    if response.began is not None:
        yield "Before it was detected", _span(response.detected - response.began), "the alert's own beginning"
    if response.restored is not None:
        yield "From detection to restoration", _span(response.restored - response.detected), ""
    if response.resolved is not None:
        yield "From detection to resolution", _span(response.resolved - response.detected), ""


def _told(account: Account) -> Iterator[tuple[str, str, str]]:
    yield "Alerts", str(account.incident.alert_count), ""
    sent = [one for one in account.notices if one.status is NoticeStatus.SENT and one.sent_at is not None]
    audiences = dict.fromkeys(one.audience for one in sent if not one.audience.startswith(PERSON))
    for audience in sorted(audiences):
        yield f"Told: {audience}", _first([one for one in sent if one.audience == audience], account), ""
    persons = {one.audience for one in sent if one.audience.startswith(PERSON)}
    if persons:
        yield "Told in person", f"{len(persons)} {'person' if len(persons) == 1 else 'people'}", ""


def _first(sent: list[Notice], account: Account) -> str:
    first = min(one.sent_at for one in sent if one.sent_at is not None)
    count = "1 notice" if len(sent) == 1 else f"{len(sent)} notices"
    return f"{count}, the first {_span(first - account.incident.opened_at)} after the detection"


def _span(span: timedelta) -> str:
    return format_duration(timedelta(seconds=round(span.total_seconds())))
