"""The table of `andon discipline`: aligned, also where the terminal knows no such characters."""

from __future__ import annotations

from support.disciplined import attempt, judged
from support.store_records import AT

from bot.cli.discipline_table import described
from bot.domain.discipline import Attempt
from bot.domain.times import format_time
from bot.flow.discipline_views import Discipline, service_discipline


def view(*attempts: Attempt) -> Discipline:
    return {
        "at": format_time(AT),
        "days": 90,
        "percentiles": "nearest rank",
        "in_order": True,
        "services": [service_discipline(judged(attempts))],
    }


def test_bars_are_as_high_as_the_share_of_the_objective_and_the_highest_is_slower() -> None:
    times = [0.0, 75.0, 150.0, 299.0, 300.0, 301.0, 4000.0]
    shown = view(*(attempt(20 - at, seconds) for at, seconds in enumerate(times)))
    assert "▁▂▄▇▇██" in "\n".join(described(shown))
    plain = "\n".join(described(shown, is_plain=True))
    assert ".:=%%##" in plain
    assert plain.isascii()


def test_without_any_service_it_says_how_to_begin() -> None:
    nothing: Discipline = {**view(), "services": []}
    assert list(described(nothing)) == ["No service has a policy yet. `andon init` writes an example."]
