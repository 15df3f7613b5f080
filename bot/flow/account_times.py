"""How quickly an incident was seen and ended, by the record: each moment, and how long after the beginning it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.times import format_time, parse_time
from bot.flow.account import Account

_DECIDES = (Verdict.RUN, Verdict.ASK)
_ACCEPTED = "endorsed"


@dataclass(frozen=True)
class Response:
    """The moments of a response; None where the record has none."""

    began: datetime | None
    """The earliest moment that an alert gives as its own beginning; else it is not known."""
    detected: datetime
    """The incident was opened."""
    decided: datetime | None
    """A rollback was planned."""
    first_action: datetime | None
    restored: datetime | None
    """The rollback that put it back had ended."""
    stable: datetime | None
    """What was restored had been good for all of its window."""
    accepted: datetime | None
    """Somebody endorsed it."""
    resolved: datetime | None
    deadline: datetime | None = None
    """Of the first rollback."""
    within: timedelta | None = None
    """How long the first rollback had, from its cause on."""

    @property
    def met(self) -> bool | None:
        """Whether it was restored in time; None where there was no rollback, or none that succeeded."""
        if self.deadline is None or self.restored is None:
            return None
        return self.restored <= self.deadline

    @property
    def left(self) -> timedelta | None:
        """How much of the time was left when it was restored; below zero where it was late."""
        return self.deadline - self.restored if self.deadline and self.restored else None

    @property
    def took(self) -> timedelta | None:
        """From the detection to the restoration."""
        return self.restored - self.detected if self.restored else None


def response_of(account: Account) -> Response:
    """What the record says."""
    incident, rollbacks, restoring = account.incident, account.rollbacks, account.restoring
    planned = {run.id for run in rollbacks}
    decided = [one.at for one in account.decisions if one.verdict in _DECIDES and one.run_id in planned]
    acted = [run.first_action_at for run in rollbacks if run.first_action_at]
    accepted = [entry.at for entry in account.timeline if entry.kind == _ACCEPTED]
    first = rollbacks[0] if rollbacks else None
    return Response(
        began=min((one for one in _beginnings(account) if one <= incident.opened_at), default=None),
        detected=incident.opened_at,
        decided=min(decided, default=first.accepted_at if first else None),
        first_action=min(acted, default=None),
        restored=restoring.finished_at if restoring else None,
        stable=account.watch.stable_at if account.watch else None,
        accepted=max(accepted, default=None),
        resolved=incident.resolved_at,
        deadline=first.deadline if first else None,
        within=first.deadline - first.accepted_at if first else None,
    )


def _beginnings(account: Account) -> Iterator[datetime]:
    for decision in account.decisions:
        starts_at = decision.alert.get("starts_at")
        if starts_at and decision.alert.get("status") == "firing":
            yield parse_time(str(starts_at))


_MOMENTS = (
    ("began", "It began, by its own alert"),
    ("detected", "Detected: the incident was opened"),
    ("decided", "Decided: a rollback was planned"),
    ("first_action", "First action"),
    ("restored", "Restored"),
    ("stable", "Stable: good for all of its window"),
    ("accepted", "Accepted by a person"),
    ("resolved", "Resolved"),
)


def response_facts(response: Response) -> dict[str, Any]:
    """Plain JSON: `moments` in their order, each with the seconds since the detection, and the deadline."""
    moments = []
    for name, label in _MOMENTS:
        at: datetime | None = getattr(response, name)
        seconds = round((at - response.detected).total_seconds(), 3) if at else None
        moments.append({"name": name, "label": label, "at": format_time(at) if at else "", "seconds": seconds})
    return {
        "moments": moments,
        "deadline": format_time(response.deadline) if response.deadline else "",
        "within": response.within.total_seconds() if response.within else None,
        "met": {True: "yes", False: "no", None: ""}[response.met],
        "left": response.left.total_seconds() if response.left is not None else None,
        "took": response.took.total_seconds() if response.took is not None else None,
    }
