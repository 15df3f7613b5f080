"""When a drill is due: the name of its schedule, its reminders, its patience, and when it is looked at next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain.drills import Drill
from bot.domain.policies import DrillRule
from bot.domain.times import format_duration


def schedule_of(service: str, rule: DrillRule) -> str:
    """The name of a rule's schedule: the same as long as it means the same drill at the same times. Needs `cron`."""
    cron = " ".join((rule.cron or "").upper().split())
    return f"{service}/{rule.playbook}/{rule.environment}/{cron}/{rule.timezone}"


def claim_of(schedule: str, slot: datetime) -> str:
    """What one drill alone can have: this slot of this schedule."""
    return f"{schedule}@{slot:%Y-%m-%dT%H:%M:%SZ}"


def rule_of(drill: Drill) -> DrillRule:
    """The policy's entry as the drill's row has it."""
    written: dict[str, Any] = {"playbook": drill.playbook, "environment": drill.environment, **drill.rule}
    return DrillRule.model_validate(written)


def reminder_due(drill: Drill, remind: Sequence[timedelta], now: datetime) -> timedelta | None:
    """The reminder to send now: of those whose time has come, the nearest to the start. None: none."""
    if now >= drill.due_at:
        return None
    return min(_open(drill, remind, now), default=None)


def reminded(drill: Drill, remind: Sequence[timedelta], now: datetime) -> tuple[str, ...]:
    """The reminders that were sent, or whose time went by, once `reminder_due` was sent."""
    return (*drill.reminded, *map(format_duration, sorted(_open(drill, remind, now), reverse=True)))


def next_look(drill: Drill, remind: Sequence[timedelta], now: datetime) -> datetime:
    """The earlier of its start and its next reminder."""
    sent = set(drill.reminded)
    coming = [drill.due_at - one for one in remind if format_duration(one) not in sent]
    return min([one for one in coming if one > now], default=drill.due_at)


def past_reminders(remind: Sequence[timedelta], due_at: datetime, now: datetime) -> tuple[str, ...]:
    """Of a drill that was moved: the reminders that have had their time, so that those to come are sent anew."""
    return tuple(format_duration(one) for one in remind if due_at - one <= now)


def _open(drill: Drill, remind: Sequence[timedelta], now: datetime) -> set[timedelta]:
    sent = set(drill.reminded)
    return {one for one in remind if format_duration(one) not in sent and drill.due_at - one <= now}
