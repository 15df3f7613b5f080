"""Lays out how well each way back is proven: a table, the last restorations as bars, and what is to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.domain.discipline import spoken_age, spoken_span
from bot.domain.times import parse_time, spoken_time

if TYPE_CHECKING:
    from bot.flow.discipline_views import Discipline, ServiceDiscipline, SpreadView, TroubleView

MARKS = {"proven": "●", "too_slow": "▲", "failed": "✗", "overdue": "◷", "never_proven": "○"}
PLAIN_MARKS = {"proven": "+", "too_slow": "!", "failed": "x", "overdue": "!", "never_proven": "-"}
BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
"""From quick to the objective; the last one is the objective or more."""
_HEAD = ("", "service", "verdict", "objective", "drills", "real", "last ones", "last proven", "person")
_HUMAN = {True: "yes", False: "no", None: "not known"}


def described(view: Discipline, *, is_plain: bool = False) -> Iterator[str]:
    """The table, line by line, then what is to be mended and what comes next."""
    services = view["services"]
    if not services:
        yield "No service has a policy yet. `andon init` writes an example."
        return
    now = parse_time(view["at"])
    yield f"Restorations of the last {view['days']} days, as of {spoken_time(now)}"
    yield ""
    yield from _columns([_HEAD, *(_row(one, view["at"], is_plain=is_plain) for one in services)])
    if len(services) == 1:
        yield ""
        yield from _in_words(services[0])
    troubles = [(one["service"], trouble) for one in services for trouble in one["troubles"]]
    if troubles:
        yield ""
        yield "To be mended"
        for service, trouble in troubles:
            yield f"  {(PLAIN_MARKS if is_plain else MARKS)['failed']} {service}: {_clean(_mending(trouble))}"
    yield ""
    yield from _foot(view)


def _row(one: ServiceDiscipline, at: str, *, is_plain: bool) -> tuple[str, ...]:
    proven = one["proven"]
    age = spoken_age(parse_time(at) - parse_time(proven["at"])) if proven else "never"
    how = {"drill": "drill", "rollback": "real"}[proven["how"]] if proven else ""
    human = _HUMAN[proven["human"]] if proven else "-"
    return (
        (PLAIN_MARKS if is_plain else MARKS)[one["verdict"]],
        one["service"],
        one["verdict"].replace("_", " "),
        spoken_span(one["objective_seconds"]),
        _figures(one["drills"]),
        _figures(one["rollbacks"]),
        _bars(one, PLAIN_BARS if is_plain else BARS) or "-",
        ", ".join(filter(None, (age, how))),
        human,
    )


def _figures(spread: SpreadView) -> str:
    found = (spread["last_seconds"], spread["p50_seconds"], spread["p95_seconds"])
    said = " / ".join(spoken_span(seconds) for seconds in found if seconds is not None)
    return f"{said} ({spread['measured']})" if said else "-"


def _bars(one: ServiceDiscipline, bars: str) -> str:
    """One bar for each restoration, oldest first: the highest means the objective or more."""
    found = []
    for attempt in one["recent"]:
        share = (attempt["seconds"] or 0.0) / attempt["objective_seconds"] if attempt["objective_seconds"] else 1.0
        found.append(bars[-1] if share > 1 else bars[min(int(share * (len(bars) - 1)), len(bars) - 2)])
    return "".join(found)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _in_words(one: ServiceDiscipline) -> Iterator[str]:
    yield f"{one['verdict'].replace('_', ' ')}: {_clean(one['why'])}"
    if one["comparison"]:
        yield one["comparison"]
    for schedule in one["schedules"]:
        passed = f"last passed {_at(schedule['last_passed_at'])}" if schedule["last_passed_at"] else "never passed"
        what = f"{schedule['playbook']} in {schedule['environment']}, {schedule['cron']!r}"
        yield f"drill of {what}: {passed}; next {_at(schedule['next_at'])}"


def _mending(trouble: TroubleView) -> str:
    return f"{trouble['text']}; next drill {_at(trouble['next_at'])}"


def _foot(view: Discipline) -> Iterator[str]:
    services = view["services"]
    if len(services) > 1:
        for one in services:
            if one["comparison"]:
                yield f"{one['service']}: {one['comparison']}"
        scheduled = [one for one in services if one["scheduled"]]
        proven = [one for one in scheduled if one["verdict"] == "proven"]
        yield f"{len(proven)} of {len(scheduled)} services with a schedule are proven and in time."
    yield f"Drills and real rollbacks: last / p50 / p95 (how many), percentiles by {view['percentiles']}."
    yield "Last ones: oldest first; the highest bar is slower than agreed. Person: whether one was needed."


def _at(time: str | None) -> str:
    return spoken_time(parse_time(time)) if time else "not planned"


def _clean(text: str) -> str:
    """One line of what may have come from elsewhere, without anything that moves a terminal's cursor."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
