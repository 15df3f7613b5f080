"""The charts of the page of measures: each a drawing by month with the same figures as a table beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.web.measure_plots import Bar, bar_plot
from bot.web.templating import lasted

if TYPE_CHECKING:
    from markupsafe import Markup

    from bot.flow.measure_shapes import Measures, MonthMeasures, SpreadView

Months = Sequence["MonthMeasures"]


@dataclass(frozen=True)
class Chart:
    """One measure over the months. No drawing: `missing` says what there is nothing of yet."""

    id: str
    title: str
    words: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    plot: Markup | None
    missing: str


_TIMES: tuple[tuple[str, str, str, str], ...] = (
    ("lead_time", "Lead time", "From the start of a release until it serves everybody", "No release went live"),
    ("recovery", "Recovery", "From the opening of an incident until it is stable or resolved", "No incident is over"),
    (
        "failed_deployment_recovery",
        "Failed deployment recovery",
        "The same, where the release that was live had to be halted or rolled back",
        "No release that was live had to be halted or rolled back in an incident that is over",
    ),
    ("detection", "Detection", "From the start that an alert states until it is accepted", "No alert stated its start"),
    ("halt", "Halt", "From the opening of an incident to its halt", "Nothing was halted"),
    (
        "rollback",
        "Rollback",
        "From the acceptance of the cause until the incumbent is restored",
        "Nothing was restored",
    ),
    ("approval_waiting", "Waiting for approval", "From a question to its answer", "No question was answered"),
    (
        "time_to_readiness",
        "Time to readiness",
        "From the start of a release until its first gates pass",
        "No gates passed",
    ),
    (
        "approval_to_serving",
        "From readiness to live",
        "From its first gates' pass until it serves",
        "No release went live",
    ),
)


def charts(months: Months) -> list[Chart]:
    """All of them, what people ask for first before the rest."""
    frequency, failures, *others = _counted(months)
    lead, recovery, *times = (_timed(months, *one) for one in _TIMES)
    return [frequency, lead, failures, recovery, *times, *others]


def _timed(months: Months, name: str, title: str, words: str, missing: str) -> Chart:
    found: list[tuple[str, SpreadView]] = [(one["month"], one["measures"][name]) for one in months]  # type: ignore[literal-required]
    bars = [Bar(month, one["median_seconds"], one["p90_seconds"]) for month, one in found]
    rows = tuple(
        (month, _time(one["median_seconds"]), _time(one["p90_seconds"]), str(one["count"]), str(one["unknown"]))
        for month, one in found
    )
    said = f"{words}. The bar is the median, the line above it the 90th percentile."
    plot = bar_plot(bars, id=name, title=title, words=said, spoken=_short)
    return Chart(name, title, said, ("Month", "Median", "p90", "Known", "Unknown"), rows, plot, missing)


def _counted(months: Months) -> Iterator[Chart]:
    yield from _of_releases(months)
    yield from _of_operations(months)


def _of_releases(months: Months) -> Iterator[Chart]:
    yield _chart(
        months, "frequency", "Deployment frequency", "Releases that went live", "No release went live",
        ("started", "went live"), lambda of: of["releases"]["went_live"],
        lambda of: (str(of["releases"]["started"]), str(of["releases"]["went_live"])),
    )  # fmt: skip
    yield _chart(
        months, "failures", "Change failure rate", "Of the releases that went live, those that were rolled back, "
        "halted, or followed by an emergency", "No release went live", ("rate", "failed", "of"),
        lambda of: of["change_failures"]["rate"],
        lambda of: (
            percent(of["change_failures"]["rate"]), str(of["change_failures"]["failed"]),
            str(of["change_failures"]["went_live"]),
        ),
        spoken=percent,
    )  # fmt: skip


def _of_operations(months: Months) -> Iterator[Chart]:
    yield _chart(
        months, "rollbacks", "Rollbacks", "Rollbacks that restored something, and what caused them",
        "Nothing was restored", ("restored", "causes"), lambda of: of["rollbacks"]["restored"],
        lambda of: (str(of["rollbacks"]["restored"]), _causes(of)),
    )  # fmt: skip
    yield _chart(
        months, "incidents", "Incidents", "Incidents that opened, drills apart", "No incident opened",
        ("opened", "disruptions", "reopened"), lambda of: of["incidents"]["opened"],
        lambda of: tuple(str(of["incidents"][one]) for one in ("opened", "disruptions", "reopened")),
    )  # fmt: skip
    yield _chart(
        months, "gates", "Gates that failed", "Each gate of a release once, by kind", "No gate failed",
        ("failed", "kinds"), lambda of: of["gate_failures"]["failed"],
        lambda of: (str(of["gate_failures"]["failed"]), _listed(of["gate_failures"]["by_kind"].items())),
    )  # fmt: skip
    yield _chart(
        months, "drills", "Drills passed", "Of the drills that were carried out", "No drill was carried out",
        ("rate", "passed", "failed", "aborted", "missed"), lambda of: of["drills"]["pass_rate"],
        lambda of: (
            percent(of["drills"]["pass_rate"]),
            *(str(of["drills"][one]) for one in ("passed", "failed", "aborted", "missed")),
        ),
        spoken=percent,
    )  # fmt: skip
    yield _chart(
        months, "items", "Action items still open", "Of those promised in the month, as they stand now",
        "No action item is open", ("recorded", "open", "overdue"), lambda of: of["action_items"]["open"],
        lambda of: tuple(str(of["action_items"][one]) for one in ("recorded", "open", "overdue")),
    )  # fmt: skip
    yield _chart(
        months, "dependencies", "Unplanned dependencies", "Found in releases, and named in no manifest or policy",
        "None was found", ("found",), lambda of: of["unplanned_dependencies"],
        lambda of: (str(of["unplanned_dependencies"]),),
    )  # fmt: skip


def _chart(
    months: Months,
    id: str,  # noqa: A002
    title: str,
    words: str,
    missing: str,
    columns: tuple[str, ...],
    value: Callable[[Measures], float | None],
    cells: Callable[[Measures], tuple[str, ...]],
    spoken: Callable[[float], str] | None = None,
) -> Chart:
    """`spoken` is given for a rate; without it values are counts, and nothing is drawn where all are 0."""
    bars = [Bar(one["month"], value(one["measures"])) for one in months]
    rows = tuple((one["month"], *cells(one["measures"])) for one in months)
    is_empty = spoken is None and not any(one.value for one in bars)
    plot = None if is_empty else bar_plot(bars, id=id, title=title, words=f"{words}.", spoken=spoken or _count)
    return Chart(id, title, f"{words}.", ("Month", *(name.capitalize() for name in columns)), rows, plot, missing)


def _count(value: float) -> str:
    return f"{value:.3g}"


def percent(rate: float | None) -> str:
    """Of a rate between 0 and 1."""
    return "unknown" if rate is None else f"{100 * rate:.3g} %"


def _causes(of: Measures) -> str:
    return _listed((one["name"] or one["kind"], one["count"]) for one in of["rollbacks"]["causes"])


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts) or "–"


def _time(seconds: float | None) -> str:
    """On one line, however narrow its column."""
    return "unknown" if seconds is None else lasted(seconds).replace(" ", "\N{NO-BREAK SPACE}")


def _short(seconds: float) -> str:
    """At the axis, in one unit."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"
