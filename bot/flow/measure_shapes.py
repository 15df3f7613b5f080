"""How the measures of the process are shown: the same in the API, on the command line and to the page."""

from __future__ import annotations

from typing_extensions import TypedDict


class SpreadView(TypedDict):
    """How times are spread. `count` of them are known; `unknown` began and their time is not known, or not yet."""

    count: int
    unknown: int
    median_seconds: float | None
    p90_seconds: float | None


class ReleaseCounts(TypedDict):
    """Releases. `went_live` of a month is the deployment frequency."""

    started: int
    went_live: int
    unknown: int
    """Started without recorded stages, so that it is not known whether they went live."""


class ChangeFailures(TypedDict):
    """Of the releases that went live, those that were rolled back, halted, or followed by an emergency."""

    rate: float | None
    """0 to 1; None where none went live."""
    failed: int
    went_live: int
    rolled_back: int
    halted: int
    emergency: int


class IncidentCounts(TypedDict):
    opened: int
    disruptions: int
    reopened: int
    """Opened within 24 hours of the resolution of the one before: of a disruption that was counted already."""


class RollbackCause(TypedDict):
    kind: str
    """`criterion`, `canary`, `people` or `unknown`."""
    name: str
    """Of the criterion; empty for the others."""
    count: int


class RollbackCounts(TypedDict):
    restored: int
    not_restored: int
    """Acted, and ended without putting anything back."""
    causes: list[RollbackCause]


class GateFailures(TypedDict):
    failed: int
    by_kind: dict[str, int]


class DrillCounts(TypedDict):
    pass_rate: float | None
    """Of those that passed, failed or were aborted, 0 to 1; None where there were none."""
    passed: int
    failed: int
    aborted: int
    missed: int
    skipped: int
    restore: SpreadView


class ActionItemCounts(TypedDict):
    recorded: int
    done: int
    open: int
    overdue: int


class Measures(TypedDict):
    """All measures of one group."""

    releases: ReleaseCounts
    time_to_readiness: SpreadView
    lead_time: SpreadView
    approval_to_serving: SpreadView
    change_failures: ChangeFailures
    gate_failures: GateFailures
    unplanned_dependencies: int
    incidents: IncidentCounts
    detection: SpreadView
    halt: SpreadView
    rollback: SpreadView
    recovery: SpreadView
    failed_deployment_recovery: SpreadView
    approval_waiting: SpreadView
    rollbacks: RollbackCounts
    drills: DrillCounts
    action_items: ActionItemCounts


class MonthMeasures(TypedDict):
    month: str
    """In UTC."""
    measures: Measures


class ServiceMeasures(TypedDict):
    service: str
    team: str | None
    measures: Measures


class TeamMeasures(TypedDict):
    team: str | None
    """None: of services whose policy names no team."""
    services: list[str]
    measures: Measures


MeasuresView = TypedDict(
    "MeasuresView",
    {
        "from": str,
        "to": str,
        "at": str,
        "service": str | None,
        "team": str | None,
        "environment": str | None,
        "total": Measures,
        "months": list[MonthMeasures],
        "services": list[ServiceMeasures],
        "teams": list[TeamMeasures],
    },
)
"""Measures of all that was asked for, and by month, by service and by team. A month of which nothing is recorded stands
there with nothing in it; services and teams of which nothing is recorded in the period do not."""
