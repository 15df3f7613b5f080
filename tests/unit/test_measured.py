"""What the bot says of an incident by the records alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.databases import database

from bot.adapters.sql import open_store
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.outcomes import Outcome
from bot.domain.playbooks import Playbook
from bot.domain.runs import Run, RunStatus
from bot.flow.measured import Measured, measure

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    "inc-1", "fraud", "production", Severity.SEV_2, "t", NOW, IncidentStatus.ROLLING_BACK, alert_count=3
)
WAIT = {"prometheus": "http://p", "query": "up", "condition": "value < 0.01", "for": "2m"}
BOOK = Playbook.model_validate(
    {
        "playbook": "back",
        "kind": "rollback",
        "steps": [
            {"id": "verify", "use": "wait_for_metric", "with": WAIT},
            {"id": "settle", "use": "wait_for_metric", "with": WAIT},
        ],
    }
)


def a_run(status: RunStatus = RunStatus.WAITING, error: str = "") -> Run:
    run = Run.planned(
        playbook=BOOK, id="run-1", service="fraud", environment="production", plan_hash="h", facts={},
        accepted_at=NOW, deadline=NOW + timedelta(minutes=5), status=status, incident_id="inc-1", error=error,
    )  # fmt: skip
    held = Outcome.done(value=0.003, held_seconds=120.4, polls=25)
    seen = Outcome.wait(timedelta(seconds=5), state={"seen": "value 0.02", "at": "2026-11-20T12:01:00.000Z"}, why="")
    run = run.with_step(run.step("verify").intended(NOW).with_outcome(held, NOW))
    return run.with_step(run.step("settle").intended(NOW).with_outcome(seen, NOW))


def measured(folder: Path, run: Run | None, *minutes: Minute, incident: Incident = INCIDENT) -> Measured:
    with database("sqlite", folder) as address:
        store = open_store(address)
        try:
            store.upgrade()
            with store.write() as tx:
                tx.lock_services(("fraud",))
                tx.add(incident, *([run] if run else []), *minutes)
            with store.read() as tx:
                return measure(tx, incident, NOW)
        finally:
            store.close()


def a_minute(number: int, kind: MinuteKind, status: MinuteStatus, text: str, owner: str | None = None) -> Minute:
    return Minute(f"min-{number}", "inc-1", "fraud", kind, status, text, "U0ANA", NOW, owner=owner)


def test_it_says_how_the_run_stands_and_what_was_measured_last(tmp_path: Path) -> None:
    found = measured(tmp_path, a_run())
    assert found.text == (
        "fraud in production is being rolled back. The run of back goes on at its step settle; its deadline is "
        "12:05:00 UTC. Measured in verify: value < 0.01 held for 120.4 s at 0.003. Measured last in settle: value "
        "0.02. Alerts so far: 3."
    )
    assert [one["holds"] for one in found.measurements] == [True, False]


def test_it_names_what_nobody_has_answered_and_done_and_leaves_out_what_only_was_suggested(tmp_path: Path) -> None:
    items = [
        a_minute(1, MinuteKind.QUESTION, MinuteStatus.OPEN, "Which feature changed?", "U0BOB"),
        a_minute(2, MinuteKind.ACTION_ITEM, MinuteStatus.OPEN, "Retrain."),
        a_minute(3, MinuteKind.ACTION_ITEM, MinuteStatus.SUGGESTED, "Maybe look at the cache"),
        a_minute(4, MinuteKind.DECISION, MinuteStatus.DONE, "No release today"),
    ]
    found = measured(tmp_path, None, *items)
    assert "Without an answer: Which feature changed? (U0BOB). To do: Retrain (nobody yet)." in found.text
    assert "cache" not in found.text
    assert "No release" not in found.text
    facts = found.facts()
    assert [one["id"] for one in (*facts["questions"], *facts["action_items"])] == ["min-1", "min-2"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (RunStatus.NEEDS_HUMAN, "stopped and needs a person: step settle: no answer."),
        (RunStatus.SUCCEEDED, "succeeded at 12:03:00 UTC."),
        (RunStatus.CANCELLED, "is cancelled: step settle: no answer."),
    ],
)
def test_it_says_how_a_run_ended_or_stopped(tmp_path: Path, status: RunStatus, said: str) -> None:
    run = replace(a_run(status, "step settle: no answer"), finished_at=NOW + timedelta(minutes=3))
    assert f"The run of back {said}" in measured(tmp_path, run).text


def test_a_deadline_that_has_passed_is_said_to_have_passed(tmp_path: Path) -> None:
    assert "12:05:00 UTC, which has passed." in measured(tmp_path, replace(a_run(), breached_at=NOW)).text


@pytest.mark.parametrize("status", [one for one in IncidentStatus if one is not IncidentStatus.RESOLVED])
def test_every_state_of_an_incident_has_words(tmp_path: Path, status: IncidentStatus) -> None:
    assert measured(tmp_path, None, incident=replace(INCIDENT, status=status)).text.startswith(
        "fraud in production is "
    )
