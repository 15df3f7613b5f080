"""The command that shows the measures of the process: all of them over the period, and by month, service and team."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bot.cli.session import program, show
from bot.cli.showing import table

if TYPE_CHECKING:
    from bot.flow.measure_shapes import Measures, SpreadView

_SPREADS = (
    ("time_to_readiness", "time to readiness"),
    ("lead_time", "lead time of releases"),
    ("approval_to_serving", "from readiness to live"),
    ("detection", "detection"),
    ("halt", "halt"),
    ("rollback", "rollback"),
    ("recovery", "recovery"),
    ("failed_deployment_recovery", "failed deployment recovery"),
    ("approval_waiting", "approval waiting"),
)
_COLUMNS = ("releases live", "failed", "recovery", "rollback", "rollbacks", "incidents", "drills passed", "overdue")


def measures(args: argparse.Namespace) -> int:
    """Percentiles by nearest rank; what is not known is said to be."""
    from bot.flow.measure_views import Wanted, measured, teams_of

    wanted = Wanted(args.service, args.team, args.first, args.last, args.environment)
    with program(args) as app:
        view = measured(app.store, teams_of(app.configuration.current.policies), wanted, app.clock.now())
    if args.json:
        show(dict(view))
        return 0
    whose = view["service"] or (f"team {view['team']}" if view["team"] else "all services")
    show(f"{whose}, {view['from']} to {view['to']} (months by UTC)\n")
    _show_total(view["total"])
    show("\nBy month (times are medians)")
    table(("month", *_COLUMNS), [(one["month"], *_row(one["measures"])) for one in view["months"]])
    if len(view["services"]) > 1:
        show("\nBy service")
        rows = [(one["service"], one["team"] or "-", *_row(one["measures"])) for one in view["services"]]
        table(("service", "team", *_COLUMNS), rows)
    if any(one["team"] for one in view["teams"]) and len(view["teams"]) > 1:
        show("\nBy team")
        table(("team", *_COLUMNS), [(one["team"] or "none", *_row(one["measures"])) for one in view["teams"]])
    return 0


def _show_total(total: Measures) -> None:
    found: Mapping[str, Any] = total
    rows = [(title, *_cells(found[name])) for name, title in _SPREADS]
    table(
        ("time", "median", "p90", "known", "unknown"), [*rows, ("drill restore", *_cells(total["drills"]["restore"]))]
    )
    show("")
    table(("what", "how many"), list(_counts(total)))


def _cells(spread: SpreadView) -> tuple[str, str, str, str]:
    median, p90 = said(spread["median_seconds"]), said(spread["p90_seconds"])
    return median, p90, str(spread["count"]), str(spread["unknown"])


def _counts(total: Measures) -> Iterator[tuple[str, str]]:
    releases, changes, drills = total["releases"], total["change_failures"], total["drills"]
    unknown = f", {releases['unknown']} of unknown course" if releases["unknown"] else ""
    yield "releases", f"{releases['started']} started, {releases['went_live']} went live{unknown}"
    what = f"{changes['rolled_back']} rolled back, {changes['halted']} halted, {changes['emergency']} with an emergency"
    yield "change failure rate", f"{percent(changes['rate'])} ({changes['failed']} of {changes['went_live']}: {what})"
    incidents = total["incidents"]
    yield (
        "incidents",
        f"{incidents['opened']}, {incidents['disruptions']} disruptions, reopened {incidents['reopened']}",
    )
    yield "rollbacks", f"{total['rollbacks']['restored']} restored, {total['rollbacks']['not_restored']} did not"
    for cause in total["rollbacks"]["causes"]:
        yield f"  by {cause['kind']}{': ' if cause['name'] else ''}{cause['name']}", str(cause["count"])
    yield "gates that failed", str(total["gate_failures"]["failed"])
    for kind, count in total["gate_failures"]["by_kind"].items():
        yield f"  {kind}", str(count)
    yield "unplanned dependencies", str(total["unplanned_dependencies"])
    states = ", ".join(f"{drills[state]} {state}" for state in ("passed", "failed", "aborted", "missed", "skipped"))
    yield "drills passed", f"{percent(drills['pass_rate'])} ({states})"
    items = total["action_items"]
    yield "action items", f"{items['recorded']} recorded, {items['open']} open, {items['overdue']} overdue"


def _row(found: Measures) -> tuple[str, ...]:
    changes = found["change_failures"]
    return (
        str(found["releases"]["went_live"]),
        percent(changes["rate"]),
        said(found["recovery"]["median_seconds"]),
        said(found["rollback"]["median_seconds"]),
        str(found["rollbacks"]["restored"]),
        str(found["incidents"]["opened"]),
        percent(found["drills"]["pass_rate"]),
        str(found["action_items"]["overdue"]),
    )


def said(seconds: float | None) -> str:
    """A time in at most two units; `unknown` where there is none."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.3g}s"
    for size, unit, below, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole}{unit}{rest // below}{smaller}" if rest // below else f"{whole}{unit}"
    raise AssertionError("unreachable")


def percent(rate: float | None) -> str:
    """Of a rate between 0 and 1; `unknown` where there was nothing to take it of."""
    return "unknown" if rate is None else f"{100 * rate:.3g} %"
