"""Reports on controls, made of an engine's record."""

from __future__ import annotations

from typing import Any

from bot.flow.controls import controls_report, period_of
from support.engine import Engine


def report(engine: Engine, since: str, until: str, service: str | None = None) -> dict[str, Any]:
    period = period_of(since, until, engine.app.clock.now(), service)
    with engine.app.store.read() as tx:
        return controls_report(tx, period)


def part(found: dict[str, Any], heading: str) -> list[dict[str, Any]]:
    return list(next(one["items"] for one in found["orders"]["parts"] if one["heading"] == heading))
