"""One service with attempts and schedules, judged as the record would have it judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.domain.discipline import Attempt, How, Practice, Result
from bot.domain.policies import Policy
from bot.flow.discipline_judging import Judging, Standing
from support.store_records import AT, new_id

DAY = timedelta(days=1)
WEEKLY = {"playbook": "rollback_model", "environment": "staging", "cron": "0 10 * * 2"}


def attempt(days_ago: float, seconds: float | None = 100.0, **changes: Any) -> Attempt:
    """A scheduled drill that passed."""
    values: dict[str, Any] = {
        "how": How.DRILL,
        "id": new_id("drl"),
        "service": "fraud-model",
        "environment": "staging",
        "playbook": "rollback_model",
        "at": AT - days_ago * DAY,
        "result": Result.RESTORED,
        "seconds": seconds,
        "objective_seconds": 300.0,
    }
    return Attempt(**values | changes)


def real(days_ago: float, seconds: float | None = 100.0, **changes: Any) -> Attempt:
    """A real rollback that succeeded."""
    return attempt(days_ago, seconds, **{"how": How.ROLLBACK, "environment": "production", **changes})


def policy(*drills: Mapping[str, Any], **more: Any) -> Policy:
    """The policy of the fraud model with these drills."""
    text = {"service": "fraud-model", "match": "true", "drills": list(drills), **more}
    return Policy.model_validate(text, context={"compile": compile_condition})


def judged(
    attempts: Sequence[Attempt],
    *drills: Mapping[str, Any],
    practices: Sequence[Practice] = (),
    days: int = 90,
    **more: Any,
) -> Standing:
    """Where the service stands at AT."""
    ordered = sorted(attempts, key=lambda one: (one.at, one.id))
    return Judging("fraud-model", policy(*drills, **more), ordered, practices, AT - days * DAY, AT).standing()
