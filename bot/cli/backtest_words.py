"""The outcome of a backtest as JSON, as plain text and as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.gates import Figure
from bot.domain.times import format_time
from bot.flow.backtesting import ASSUMED, Deed, Difference, Report, ServiceReport
from bot.flow.stage_outcomes import GateOutcome

_NAMES = {Deed.ROLLBACK: "rollbacks", Deed.ASK: "asks", Deed.HALT: "halts", Deed.UNKNOWN: "unknown promotions"}
_KEYS = {deed: name.replace(" ", "_") for deed, name in _NAMES.items()}
_MOST = 20
"""Differences of one service that a comment shows."""
_MOST_FIGURES = 5
"""Of one gate."""
_MOST_ROWS, _MOST_CHARACTERS = 100, 50_000
"""A comment on GitHub has at most 65,536 characters."""


def as_json(report: Report, about: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values; times are RFC 3339 UTC."""
    return {
        "from": about["from"],
        "to": about["to"],
        "since": format_time(about["since"]),
        "alerts": report.alerts,
        "releases": about["releases"],
        "stages": report.stages,
        "gained": {name: report.count(deed, gained=True) for deed, name in _KEYS.items()},
        "lost": {name: report.count(deed, gained=False) for deed, name in _KEYS.items()},
        "services": [_service(one) for one in report.services],
        "unchanged": list(report.unchanged),
        "assumed": list(ASSUMED),
    }


def as_text(report: Report, about: Mapping[str, Any]) -> str:
    """A few lines for each service whose answers differ."""
    lines = [f"{about['from']} -> {about['to']}, {_basis(report, about)} since {format_time(about['since'])}"]
    for service in report.services:
        lines.append(f"\n{service.service}: {_counts(service)}")
        lines += [_line(one) for one in service.differences]
    if report.unchanged:
        lines += ["", f"The same on both sides, and not replayed: {', '.join(report.unchanged)}"]
    lines += ["", *(f"Taken for granted: {one}." for one in ASSUMED)]
    return "\n".join(lines)


def as_markdown(report: Report, about: Mapping[str, Any]) -> str:
    """A comment: what it comes to first, then a table, then each difference. Recorded text is shown as text only."""
    differ = [one for one in report.services if one.differences]
    sides = f"`{_code(about['from'])}` → `{_code(about['to'])}`"
    lines = [
        "### Policy backtest",
        "",
        f"{sides} on {_basis(report, about)} on record since {format_time(about['since'])}: **{_sum(report)}**",
        "",
        f"| service |{''.join(f' {name} | gained | lost |' for name in _NAMES.values())}",
        f"|---|{'---|' * 3 * len(_NAMES)}",
        *(_table_row(one) for one in differ[:_MOST_ROWS]),
    ]
    if others := len(report.services) - min(len(differ), _MOST_ROWS):
        lines += [
            "",
            f"Services not shown: {others}, of which {len(report.services) - len(differ)} without a difference.",
        ]
    if report.unchanged:
        lines += ["", f"Policies that are the same on both sides: {len(report.unchanged)}"]
    left = _MOST_CHARACTERS - sum(map(len, lines))
    for service in differ[:_MOST_ROWS]:
        bullets = _fitting([_bullet(one) for one in service.differences[:_MOST]], left)
        left -= sum(map(len, bullets))
        lines += ["", f"#### {_plain(service.service)}", "", *bullets]
        if more := len(service.differences) - len(bullets):
            lines += [f"- and {more} more"]
    lines += ["", "<details><summary>Taken for granted</summary>", ""]
    return "\n".join([*lines, *(f"- {one}" for one in ASSUMED), "", "</details>"])


def _fitting(lines: list[str], characters: int) -> list[str]:
    """As many of these lines as there is room for."""
    kept: list[str] = []
    for line in lines:
        characters -= len(line)
        if characters < 0:
            break
        kept.append(line)
    return kept


def _service(one: ServiceReport) -> dict[str, Any]:
    return {
        "service": one.service,
        "before": {name: one.before[deed] for deed, name in _KEYS.items()},
        "after": {name: one.after[deed] for deed, name in _KEYS.items()},
        "gained": {name: one.count(deed, gained=True) for deed, name in _KEYS.items()},
        "lost": {name: one.count(deed, gained=False) for deed, name in _KEYS.items()},
        "differences": [_difference(difference) for difference in one.differences],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "what": str(one.deed),
        "gained": one.gained,
        "at": format_time(one.at),
        "about": one.about,
        "event": one.event_id,
        "environment": one.environment,
        "criterion": one.criterion,
        "playbook": one.playbook,
        "before": one.before,
        "after": one.after,
        **({"release": one.release_id, "stage": one.stage} if one.release_id else {}),
        **({"gates": [gate.as_json() for gate in one.gates]} if one.gates else {}),
    }


def _basis(report: Report, about: Mapping[str, Any]) -> str:
    return f"{report.alerts} alerts and {about['releases']} releases ({report.stages} stages with gates)"


def _figures(gates: Iterable[GateOutcome]) -> list[str]:
    """Each figure of these gates, in words."""
    return [_figure(gate.gate, one) for gate in gates for one in gate.figures[:_MOST_FIGURES]]


def _figure(gate: str, one: Figure) -> str:
    value = "not known" if one.value is None else f"{one.value:.6g}{one.unit and f' {one.unit}'}"
    ends = "" if one.low is None or one.high is None else f" ({one.low:.6g} to {one.high:.6g})"
    wanted = f", wanted: {one.threshold}" if one.threshold else ""
    n = f", n = {one.n}" if one.n else ""
    return f"{gate}: {one.name} of {one.subject} {value}{ends}{wanted}{n}"


def _where(one: Difference) -> str:
    return f" of release {one.release_id} in {one.stage}" if one.release_id else ""


def _counts(one: ServiceReport) -> str:
    parts = [
        f"{name} {one.before[deed]} -> {one.after[deed]} "
        f"({one.count(deed, gained=True)} gained, {one.count(deed, gained=False)} lost)"
        for deed, name in _NAMES.items()
    ]
    return ", ".join(parts)


def _sum(report: Report) -> str:
    parts = [
        f"{count} {name if count > 1 else str(deed)} {'gained' if gained else 'lost'}"
        for deed, name in _NAMES.items()
        for gained in (True, False)
        if (count := report.count(deed, gained=gained))
    ]
    return ", ".join(parts) or "nothing changes"


def _line(one: Difference) -> str:
    word = "gained" if one.gained else "lost"
    what = f"  {one.deed} {word}{_where(one)}  {format_time(one.at)}  {one.about}"
    figures = [f"    {line}" for line in _figures(one.gates)]
    return "\n".join([what, f"    before: {one.before}", f"    after:  {one.after}", *figures])


def _table_row(one: ServiceReport) -> str:
    cells = [_plain(one.service)]
    for deed in _NAMES:
        change = f"{one.before[deed]} → {one.after[deed]}"
        cells += [change, str(one.count(deed, gained=True)), str(one.count(deed, gained=False))]
    return f"| {' | '.join(cells)} |"


def _bullet(one: Difference) -> str:
    word = "gained" if one.gained else "lost"
    what = f"- **{one.deed} {word}**{_plain(_where(one))} at {format_time(one.at)}: `{_code(one.about)}`"
    figures = "".join(f"<br>{_plain(line)}" for line in _figures(one.gates))
    return f"{what}<br>before: {_plain(one.before)}<br>after: {_plain(one.after)}{figures}"


def _code(text: str) -> str:
    """Text inside backticks: nothing in it ends them or begins anything else."""
    return " ".join(text.replace("`", "'").split())[:120]


def _plain(text: str) -> str:
    """Text that Markdown, HTML and mentions leave alone."""
    words = " ".join(text.split())[:300]
    return "".join(f"&#{ord(one)};" if one in "<>&@|*_`[]()#!\\~" else one for one in words)
