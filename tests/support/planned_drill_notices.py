"""Facts of the notices about drills that are planned, made by the flow itself out of a row and a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.times import format_time
from bot.flow.drill_facts import drill_facts, rehearsed
from support.people_notices import PEOPLE

NAMES = (
    "drill_reminder", "drill_missed", "drill_changed", "drill_skipped", "drill_withdrawn", "drill_report",
    "drill_failed", "drill_broken_off",
)  # fmt: skip
NAMED = {
    "drill_skipped": "drill_changed",
    "drill_withdrawn": "drill_changed",
    "drill_failed": "drill_report",
    "drill_broken_off": "drill_report",
}

RULE = {
    "playbook": "rollback_model",
    "name": "divergence in shadow traffic",
    "cron": "0 10 * * 2",
    "remind": ["24h", "1h"],
    "inject": [{"id": "bad_version", "use": "http_request"}],
}
ADDRESS = "https://andon.example.com"


def facts(name: str, now: datetime) -> dict[str, Any]:
    """All that the flow knows when it tells this."""
    needed = [{"role": "rollback_authority", "members": ["U0OMAR0034", "U0PRIYA056"]}]
    left = ["step bad_version (http_request) was not taken back (http_request)"]
    more: dict[str, Any] = {
        "drill_reminder": {"needed": needed},
        "drill_missed": {"slots": 3},
        "drill_broken_off": {"left": left},
    }.get(name, {})
    return _facts(_drill(name, now, RULE), now) | more | {"people": PEOPLE, "zone": "Europe/Berlin"}


def bare(name: str, now: datetime) -> dict[str, Any]:
    """What is left where a rule says nothing but its playbook."""
    more: dict[str, Any] = {"slots": 1} if name == "drill_missed" else {}
    return _facts(_drill(name, now, {"playbook": "rollback_model"}), now) | more


def _facts(drill: Drill, now: datetime) -> dict[str, Any]:
    about = {"as_of": format_time(now), "service": drill.service, "environment": drill.environment}
    measured = rehearsed(drill) if drill.state.is_ended else []
    return about | {"drill": drill_facts(drill, ADDRESS)} | ({"rehearsed": measured} if measured else {})


def _drill(name: str, now: datetime, rule: dict[str, Any]) -> Drill:
    slot = (now + timedelta(hours=20)).replace(microsecond=0)
    drill = Drill(
        id="drl-01jd4xk2m9q7r3s5t6v8w0y1z2", claim="c", service="fraud-model", environment="staging",
        playbook="rollback_model", schedule="s", slot=slot, due_at=slot, objective_seconds=300.0, rule=rule,
    )  # fmt: skip
    past = replace(drill, due_at=slot - timedelta(hours=22), slot=slot - timedelta(hours=22))
    match name:
        case "drill_missed":
            return past.moved(DrillEvent.MISS, now, why="no clock was running at that time")
        case "drill_skipped":
            return drill.moved(DrillEvent.SKIP, now, why="Staging is being rebuilt", actor="U0LENA0012")
        case "drill_withdrawn":
            return drill.moved(DrillEvent.WITHDRAW, now, why="the policy no longer has it")
        case "drill_changed":
            return replace(drill, due_at=slot + timedelta(hours=2), actor="U0LENA0012")
        case "drill_report":
            return replace(_ended(past, now, 192.4), state=DrillState.PASSED, human=False)
        case "drill_failed":
            why = "it took 411.9 s, the objective is 5m"
            return replace(_ended(past, now, 411.9), state=DrillState.FAILED, human=True, why=why)
        case "drill_broken_off":
            return replace(past, state=DrillState.ABORTED, ended_at=now, why="its worker was lost: step restore")
    return drill


def _ended(drill: Drill, now: datetime, seconds: float) -> Drill:
    """One that was carried out: every moment is measured."""
    begun = now - timedelta(seconds=seconds + 8)
    return replace(
        drill,
        incident_id="inc-01jd4xk2m9q7r3s5t6v8w0y1z2",
        injected_at=begun,
        detected_at=begun + timedelta(seconds=1.2),
        decided_at=begun + timedelta(seconds=1.2),
        first_action_at=begun + timedelta(seconds=2.5),
        restored_at=begun + timedelta(seconds=31.04),
        verified_at=begun + timedelta(seconds=seconds),
        ended_at=now,
    )
