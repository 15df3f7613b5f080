"""Puts the measures of the process together: of everything asked for, and by month, service and team."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import NotFound
from bot.domain.measures import Measured, Scope, Sums, Tally, TimeSpread, share
from bot.domain.months import Period
from bot.domain.policies import Policy
from bot.domain.times import format_time
from bot.flow import measure_shapes as shapes
from bot.ports import Store

Teams = Mapping[str, str | None]
"""By service; None where its policy names no team."""


@dataclass(frozen=True)
class Wanted:
    """What to measure, as it was asked for; what is left out is not narrowed down."""

    service: str | None = None
    team: str | None = None
    first: str | None = None
    last: str | None = None
    environment: str | None = None


def measured(store: Store, teams: Teams, wanted: Wanted, now: datetime) -> shapes.MeasuresView:
    """The measures. BadInput for a period that is none; NotFound for a service or a team that nobody knows."""
    period = Period.read(wanted.first, wanted.last, now)
    tallies = store.tallies(Scope(period, now, _services(store, teams, wanted), wanted.environment))
    services = {name: Sums(of) for name, of in sorted(_by_service(tallies).items())}
    # What is ordered for each service is ordered for all of them in no time, so these come first.
    by_service: list[shapes.ServiceMeasures] = [
        {"service": name, "team": teams.get(name), "measures": _measures(sums)} for name, sums in services.items()
    ]
    return {
        "from": str(period.first),
        "to": str(period.last),
        "at": format_time(now),
        "service": wanted.service,
        "team": wanted.team,
        "environment": wanted.environment,
        "total": _measures(Sums.together(services.values())),
        "months": _months(tallies, period),
        "services": by_service,
        "teams": _teams(services, teams),
    }


def teams_of(policies: Mapping[str, Policy]) -> Teams:
    """The team of each service that has a policy."""
    return {name: policy.team for name, policy in policies.items()}


def _services(store: Store, teams: Teams, wanted: Wanted) -> frozenset[str] | None:
    if wanted.service and wanted.service not in teams and wanted.service not in _met(store):
        raise NotFound(f"No service {wanted.service!r}", next="`andon service` shows those there are")
    if wanted.team is None:
        return None if wanted.service is None else frozenset({wanted.service})
    members = frozenset(name for name, team in teams.items() if team == wanted.team)
    if not members:
        raise NotFound(
            f"No policy names the team {wanted.team!r}", next="write `team:` into the policies of its services"
        )
    return members if wanted.service is None else members & {wanted.service}


def _met(store: Store) -> set[str]:
    """Services that there are records of, also of those without a policy."""
    with store.read() as tx:
        return {one.name for one in tx.services()}


def _by_service(tallies: Sequence[Tally]) -> dict[str, list[Tally]]:
    found: defaultdict[str, list[Tally]] = defaultdict(list)
    for one in tallies:
        found[one.service].append(one)
    return found


def _months(tallies: Sequence[Tally], period: Period) -> list[shapes.MonthMeasures]:
    found: dict[str, list[Tally]] = {str(month): [] for month in period.months}
    for one in tallies:
        found[one.month].append(one)
    return [{"month": month, "measures": _measures(Sums(of))} for month, of in found.items()]


def _teams(services: Mapping[str, Sums], teams: Teams) -> list[shapes.TeamMeasures]:
    found: defaultdict[str | None, list[str]] = defaultdict(list)
    for service in services:
        found[teams.get(service)].append(service)
    ordered = sorted(found.items(), key=lambda one: (one[0] is None, one[0] or ""))
    return [
        {"team": team, "services": members, "measures": _measures(Sums.together(services[one] for one in members))}
        for team, members in ordered
    ]


def _measures(sums: Sums) -> shapes.Measures:
    waiting, disruptions = sums.count(Measured.ATTEMPT, "open"), sums.count(Measured.DISRUPTION)
    rollback = _spread(sums.spread(Measured.ROLLBACK))
    rollback["unknown"] += waiting
    opened = sums.count(Measured.INCIDENT)
    return {
        "releases": {
            "started": sums.count(Measured.STARTED),
            "went_live": sums.count(Measured.CHANGE, "live"),
            "unknown": sums.count(Measured.STARTED, "unstaged"),
        },
        "time_to_readiness": _spread(sums.spread(Measured.READINESS)),
        "lead_time": _spread(sums.spread(Measured.LEAD)),
        "approval_to_serving": _spread(sums.spread(Measured.SERVING)),
        "change_failures": _change_failures(sums),
        "gate_failures": {
            "failed": sums.count(Measured.GATE_FAILURE),
            "by_kind": sums.counts(Measured.GATE_FAILURE),
        },
        "unplanned_dependencies": sums.count(Measured.DEPENDENCY),
        "incidents": {"opened": opened, "disruptions": disruptions, "reopened": sums.count(Measured.REOPENED)},
        "detection": _spread(sums.spread(Measured.DETECTION)),
        "halt": _spread(sums.spread(Measured.HALT)),
        "rollback": rollback,
        "recovery": _spread(sums.spread(Measured.DISRUPTION)),
        "failed_deployment_recovery": _spread(sums.spread(Measured.DISRUPTION, "deployment")),
        "approval_waiting": _spread(sums.spread(Measured.APPROVAL)),
        "rollbacks": _rollbacks(sums),
        "drills": _drills(sums),
        "action_items": {
            "recorded": sums.count(Measured.ACTION_ITEM, "recorded"),
            "done": sums.count(Measured.ACTION_ITEM, "done"),
            "open": sums.count(Measured.ACTION_ITEM, "open"),
            "overdue": sums.count(Measured.ACTION_ITEM, "overdue"),
        },
    }


def _change_failures(sums: Sums) -> shapes.ChangeFailures:
    failed, live = sums.count(Measured.CHANGE, "failed"), sums.count(Measured.CHANGE, "live")
    return {
        "rate": share(failed, live),
        "failed": failed,
        "went_live": live,
        "rolled_back": sums.count(Measured.CHANGE, "rolled_back"),
        "halted": sums.count(Measured.CHANGE, "halted"),
        "emergency": sums.count(Measured.CHANGE, "emergency"),
    }


def _rollbacks(sums: Sums) -> shapes.RollbackCounts:
    causes = [(key.partition(":"), count) for key, count in sums.counts(Measured.ROLLBACK).items()]
    return {
        "restored": sums.count(Measured.ROLLBACK),
        "not_restored": sums.count(Measured.ATTEMPT, "failed"),
        "causes": [{"kind": kind, "name": name, "count": count} for (kind, _, name), count in causes],
    }


def _drills(sums: Sums) -> shapes.DrillCounts:
    passed, failed, aborted = (sums.count(Measured.DRILL, state) for state in ("passed", "failed", "aborted"))
    return {
        "pass_rate": share(passed, passed + failed + aborted),
        "passed": passed,
        "failed": failed,
        "aborted": aborted,
        "missed": sums.count(Measured.DRILL, "missed"),
        "skipped": sums.count(Measured.DRILL, "skipped"),
        "restore": _spread(sums.spread(Measured.DRILL_RESTORE)),
    }


def _spread(found: TimeSpread) -> shapes.SpreadView:
    return {
        "count": found.count,
        "unknown": found.unknown,
        "median_seconds": _seconds(found.median),
        "p90_seconds": _seconds(found.p90),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
