"""Every cell of the tables of states and moves: what is listed moves, the rest is refused, a halt always wins."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.state_tables import (
    EARLY,
    ENDORSED,
    HALTED,
    LIVE,
    LIVE_STAGE,
    REGISTERED,
    RELEASE_MOVES,
    RELEASE_STATES,
    WATCHED,
    page,
)

from bot.adapters.conditions import compile_condition
from bot.domain.drills import DRILL_MOVES, Drill, DrillEvent, DrillState
from bot.domain.errors import Refused
from bot.domain.incidents import INCIDENT_MOVES, Incident, IncidentEvent, IncidentStatus, Severity
from bot.domain.outcomes import Outcome
from bot.domain.pins import Pin
from bot.domain.playbooks import Playbook, PlaybookKind
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.runs import RUN_MOVES, Run, RunEvent, RunStatus, WaitingFor
from bot.domain.step_states import StepState, StepStatus
from bot.domain.walking import check_may_go_on, position_after
from bot.domain.walks import Walk

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs/states.md"


def a_run(status: RunStatus = RunStatus.QUEUED, kind: PlaybookKind = PlaybookKind.ROLLBACK, **changes: object) -> Run:
    undo = {"use": "http_request", "with": {"url": "x"}}
    steps = [{"id": "one", "use": "http_request", "undo": undo}, {"id": "two", "use": "pause"}]
    playbook = Playbook.model_validate({"playbook": "p", "kind": kind, "steps": steps})
    values = {
        "id": "run-1",
        "service": "s",
        "environment": "production",
        "plan_hash": "h",
        "facts": {},
        "accepted_at": NOW,
        "deadline": NOW + timedelta(minutes=5),
        "status": status,
        **changes,
    }
    return Run.planned(playbook=playbook, **values)


def an_incident(status: IncidentStatus) -> Incident:
    return Incident("inc-1", "s", "production", Severity.SEV_2, "t", NOW, status=status)


@pytest.mark.parametrize("event", list(RunEvent))
@pytest.mark.parametrize("status", list(RunStatus))
def test_a_run_moves_only_as_the_table_says(status: RunStatus, event: RunEvent) -> None:
    run = a_run(status)
    wanted = RUN_MOVES.get((status, event))
    assert run.allows(event) is (wanted is not None)
    if wanted is None:
        with pytest.raises(Refused):
            run.moved(event, NOW)
        return
    moved = run.moved(event, NOW)
    assert moved.status is wanted
    assert (moved.finished_at is not None) is wanted.is_ended


@pytest.mark.parametrize("event", list(IncidentEvent))
@pytest.mark.parametrize("status", list(IncidentStatus))
def test_an_incident_moves_only_as_the_table_says(status: IncidentStatus, event: IncidentEvent) -> None:
    incident = an_incident(status)
    wanted = INCIDENT_MOVES.get((status, event))
    assert incident.allows(event) is (wanted is not None)
    if wanted is None:
        with pytest.raises(Refused):
            incident.moved(event, NOW)
        return
    moved = incident.moved(event, NOW)
    assert moved.status is wanted
    assert moved.revision == incident.revision + 1
    assert (moved.resolved_at is not None) is (wanted is IncidentStatus.RESOLVED)


def a_drill(state: DrillState) -> Drill:
    return Drill(
        id="drl-1", claim="asked:drl-1", service="s", environment="staging", playbook="p", schedule="", slot=NOW,
        due_at=NOW, objective_seconds=300.0, state=state, wake_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("event", list(DrillEvent))
@pytest.mark.parametrize("state", list(DrillState))
def test_a_drill_moves_only_as_the_table_says(state: DrillState, event: DrillEvent) -> None:
    drill, later = a_drill(state), NOW + timedelta(minutes=1)
    wanted = DRILL_MOVES.get((state, event))
    if wanted is None:
        with pytest.raises(Refused):
            drill.moved(event, later)
        return
    moved = drill.moved(event, later, why="so")
    assert (moved.state, moved.why) == (wanted, "so")
    assert (moved.ended_at, moved.wake_at) == ((later, None) if wanted.is_ended else (None, NOW))
    assert (moved.started_at is not None) is (event is DrillEvent.START)


@pytest.mark.parametrize("state", [state for state in DrillState if state.is_running])
def test_a_drill_that_runs_has_no_end_without_a_clean_up(state: DrillState) -> None:
    ends = [target for (before, _), target in DRILL_MOVES.items() if before is state and target.is_ended]
    assert bool(ends) is (state is DrillState.CLEANING)
    assert state is DrillState.CLEANING or DRILL_MOVES[state, DrillEvent.CLEAN] is DrillState.CLEANING


@pytest.mark.parametrize("status", list(RunStatus))
def test_a_halt_ends_what_promotes_in_every_state(status: RunStatus) -> None:
    halted = a_run(status, PlaybookKind.PROMOTE).halted(NOW)
    assert halted.is_ended
    if not status.is_ended:
        assert halted.status is RunStatus.SUPERSEDED


@pytest.mark.parametrize("kind", [kind for kind in PlaybookKind if kind is not PlaybookKind.PROMOTE])
@pytest.mark.parametrize("status", list(RunStatus))
def test_a_halt_never_touches_a_run_that_does_not_promote(status: RunStatus, kind: PlaybookKind) -> None:
    run = a_run(status, kind)
    assert run.halted(NOW) is run


@pytest.mark.parametrize("status", [status for status in IncidentStatus if status is not IncidentStatus.RESOLVED])
def test_a_halt_is_accepted_in_every_open_state_of_an_incident(status: IncidentStatus) -> None:
    moved = an_incident(status).moved(IncidentEvent.HALT, NOW)
    wanted = IncidentStatus.ROLLING_BACK if status is IncidentStatus.ROLLING_BACK else IncidentStatus.HALTED
    assert moved.status is wanted


@pytest.mark.parametrize("status", list(ReleaseStatus))
def test_a_halt_freezes_every_release_that_is_still_on_its_way(status: ReleaseStatus) -> None:
    release = Release("rel-1", "s", "41", "42", NOW, status=status)
    halted = release.with_halt(halted=True)
    assert (halted.status is ReleaseStatus.HALTED) is release.is_in_flight
    assert halted.with_halt(halted=False).is_in_flight is release.is_in_flight


POSITIONS = {
    REGISTERED: (ReleaseStatus.IN_FLIGHT, None),
    EARLY: (ReleaseStatus.IN_FLIGHT, "evaluation"),
    LIVE_STAGE: (ReleaseStatus.IN_FLIGHT, "production"),
    LIVE: (ReleaseStatus.LIVE, "watch"),
    WATCHED: (ReleaseStatus.WATCHED, None),
    ENDORSED: (ReleaseStatus.ENDORSED, None),
    HALTED: (ReleaseStatus.HALTED, "evaluation"),
    "rolled_back": (ReleaseStatus.ROLLED_BACK, None),
    "abandoned": (ReleaseStatus.ABANDONED, None),
}
PINNED = Pin(
    Policy.model_validate(
        {"service": "s", "match": "true", "stages": [{"name": one} for one in ("evaluation", "production", "watch")]},
        context={"compile": compile_condition},
    )
)


def named_state(release: Release) -> str:
    """As the table calls it."""
    found = {position: name for name, position in POSITIONS.items()}
    return found.get((release.status, release.stage), str(release.status))


@pytest.mark.parametrize("state", RELEASE_STATES)
def test_a_release_halts_lifts_and_passes_as_the_table_says(state: str) -> None:
    status, stage = POSITIONS[state]
    resumes = ReleaseStatus.IN_FLIGHT if status is ReleaseStatus.HALTED else None
    release = Release("rel-1", "s", "41", "42", NOW, status=status, stage=stage, resumes_as=resumes)
    halted = release.with_halt(halted=True)
    assert named_state(halted) == RELEASE_MOVES.get((state, "halt"), state)
    lifted = release.with_halt(halted=False)
    assert (lifted != release) is ((state, "lift") in RELEASE_MOVES)
    walk = Walk("rel-1", "s", "ada", "", "", stage_entered_at=NOW)
    wanted = RELEASE_MOVES.get((state, "pass"))
    if wanted is None:
        with pytest.raises(Refused):
            check_may_go_on(PINNED, release, walk, Service("s"), NOW)
        return
    check_may_go_on(PINNED, release, walk, Service("s"), NOW)
    there = position_after(PINNED, release)
    moved = release.at(there.status, there.stage, NOW)
    assert named_state(moved) == (LIVE_STAGE if wanted == "the next stage" else wanted)


def test_a_second_halt_keeps_the_first_ones_name_and_time() -> None:
    first = Service("s").halted("ada", "bad", NOW)
    assert first.halted("bob", "worse", NOW + timedelta(minutes=1)) == first
    assert not first.lifted().is_halted


def test_a_parked_run_wakes_and_keeps_what_it_waits_for() -> None:
    parked = a_run(RunStatus.RUNNING).parked(WaitingFor.WINDOW, NOW, NOW)
    assert (parked.status, parked.waiting_for, parked.wake_at) == (RunStatus.WAITING, WaitingFor.WINDOW, NOW)
    assert parked.moved(RunEvent.CLAIM, NOW).wake_at is None


def test_an_interruption_is_not_a_try() -> None:
    once = StepState("one", "http_request").intended(NOW)
    again = once.interrupted().intended(NOW)
    assert (again.tries, again.interruptions) == (1, 1)


def test_a_wait_keeps_its_state_over_a_passing_fault() -> None:
    waiting = StepState("one", "pause").intended(NOW).with_outcome(Outcome.wait(timedelta(1), state={"since": 1}), NOW)
    later = waiting.intended(NOW).with_outcome(Outcome.try_later("busy"), NOW)
    assert waiting.status is StepStatus.WAITING
    assert later.state == {"since": 1}


def test_undo_takes_back_in_reverse_what_acted_and_skips_the_rest() -> None:
    run = a_run(RunStatus.NEEDS_HUMAN)
    run = run.with_step(run.step("one").intended(NOW).with_outcome(Outcome.unknown("lost"), NOW))
    undone = run.undone(NOW)
    assert [step.id for step in undone.steps if step.undoes] == ["one:undo"]
    assert undone.next_step is not None
    assert undone.next_step.id == "one:undo"
    assert undone.step("two").status is StepStatus.SKIPPED


def test_the_page_of_states_says_what_the_code_says() -> None:
    if os.environ.get("RENEW"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "renew it with RENEW=1 pytest tests/unit/test_states.py"
