"""What the record says of a way back: verdicts, overdue schedules, troubles, and words for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.disciplined import DAY, WEEKLY, attempt, judged, real
from support.store_records import AT

from bot.domain.discipline import (
    Attempt,
    DrillReminder,
    How,
    Practice,
    Result,
    Spread,
    Verdict,
    spoken_age,
    spoken_span,
    worst,
)
from bot.flow.drill_periods import period_of

FAILED, ABORTED, MISSED = Result.FAILED, Result.ABORTED, Result.MISSED


def practice(**changes: Any) -> Practice:
    values: dict[str, Any] = {"first_slot": AT - 60 * DAY, "next_at": None} | changes
    return Practice("fraud-model", "staging", "rollback_model", **values)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([], Verdict.NEVER_PROVEN),
        ([attempt(3)], Verdict.PROVEN),
        ([attempt(3, 300.0)], Verdict.PROVEN),
        ([attempt(3, 300.001)], Verdict.TOO_SLOW),
        ([attempt(3, 400.0, result=FAILED)], Verdict.TOO_SLOW),
        ([attempt(3, 200.0, result=FAILED)], Verdict.FAILED),
        ([attempt(3, None, result=FAILED)], Verdict.FAILED),
        ([attempt(3, None, result=ABORTED)], Verdict.FAILED),
        ([attempt(3, 400.0, result=ABORTED)], Verdict.FAILED),
        ([attempt(3, None)], Verdict.FAILED),
        ([attempt(3), real(2, None, result=FAILED)], Verdict.FAILED),
        ([attempt(3, None, result=FAILED), real(2)], Verdict.PROVEN),
        ([real(3, None, result=FAILED), attempt(2)], Verdict.PROVEN),
        ([real(2, 301.0)], Verdict.TOO_SLOW),
        ([real(2, 301.0, objective_seconds=1800.0)], Verdict.PROVEN),
        ([attempt(3), attempt(2, None, result=MISSED)], Verdict.PROVEN),
        ([attempt(2, None, result=MISSED)], Verdict.NEVER_PROVEN),
    ],
)
def test_the_last_attempt_decides_and_what_is_not_known_is_no_pass(attempts: list[Attempt], expected: Verdict) -> None:
    assert judged(attempts).verdict is expected


@pytest.mark.parametrize(
    ("passed_days_ago", "expected"),
    [(10.49, Verdict.PROVEN), (10.5, Verdict.PROVEN), (10.51, Verdict.OVERDUE), (200, Verdict.OVERDUE)],
)
def test_a_schedule_is_overdue_one_and_a_half_periods_after_its_last_drill_that_passed(
    passed_days_ago: float, expected: Verdict
) -> None:
    standing = judged([attempt(passed_days_ago)], WEEKLY, practices=[practice()])
    assert standing.verdict is expected
    assert [one.kind for one in standing.troubles] == (["overdue"] if expected is Verdict.OVERDUE else [])


def test_a_real_rollback_proves_the_service_but_takes_no_drill_from_the_schedule() -> None:
    standing = judged([attempt(20), real(1)], WEEKLY, practices=[practice()])
    assert standing.verdict is Verdict.OVERDUE
    assert "20 days ago" in standing.why
    assert "every 7d" in standing.why


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], Verdict.OVERDUE),
        ([practice(first_slot=None)], Verdict.OVERDUE),
        ([practice(first_slot=AT + 3 * DAY)], Verdict.NEVER_PROVEN),
        ([practice(first_slot=AT - 3 * DAY)], Verdict.NEVER_PROVEN),
        ([practice(first_slot=AT - 4 * DAY)], Verdict.OVERDUE),
    ],
)
def test_a_schedule_that_never_passed_is_overdue_unless_its_first_slot_is_still_young(
    known: list[Practice], expected: Verdict
) -> None:
    assert judged([], WEEKLY, practices=known).verdict is expected


def test_a_schedule_that_failed_is_not_hidden_by_another_that_passed_later() -> None:
    other = {**WEEKLY, "playbook": "rollback_data"}
    wrong = attempt(2, None, result=FAILED, why="the table was locked")
    found = [attempt(9), wrong, attempt(1, playbook="rollback_data")]
    standing = judged(found, WEEKLY, other, practices=[practice()])
    assert standing.verdict is Verdict.FAILED
    assert "the table was locked" in standing.why
    assert judged([*found, real(0.5)], WEEKLY, other, practices=[practice()]).verdict is Verdict.PROVEN


def test_without_a_schedule_a_proof_that_is_older_than_what_was_asked_for_is_overdue() -> None:
    assert judged([real(91)]).verdict is Verdict.OVERDUE
    assert judged([real(91)], days=92).verdict is Verdict.PROVEN
    yearly = {**WEEKLY, "cron": "0 10 1 1 *"}
    assert judged([attempt(200)], yearly, practices=[practice()]).verdict is Verdict.PROVEN


def test_a_drill_is_held_against_the_objective_of_today() -> None:
    assert judged([attempt(1, 290.0)], {**WEEKLY, "objective": "4m"}).verdict is Verdict.TOO_SLOW
    assert judged([real(1, 290.0)], {**WEEKLY, "objective": "4m", "cron": None}).verdict is Verdict.PROVEN


def test_a_cron_line_that_cannot_be_read_is_overdue_not_in_time() -> None:
    assert period_of("99 99 * * *") is None
    assert judged([attempt(1)], {**WEEKLY, "cron": "0 10 31-1 * *"}).verdict is Verdict.OVERDUE


@pytest.mark.parametrize(
    ("cron", "days"),
    [("0 10 * * 2", 7), ("0 9 * * 1-5", 3), ("30 3 * * *", 1), ("0 10 1 * *", 31), ("0 9 * * 0", 7), ("0 9 * * 7", 7),
     ("0 0 29 2 *", 2921), ("0 10 1 1,7 *", 184)],
)  # fmt: skip
def test_the_period_of_a_schedule_is_the_longest_time_between_two_slots(cron: str, days: int) -> None:
    assert period_of(cron) == timedelta(days=days)


def test_a_spread_counts_slow_drills_and_leaves_out_what_was_not_measured() -> None:
    found = [attempt(9, 10.0), attempt(8, 900.0, result=FAILED), attempt(7, None, result=ABORTED),
             attempt(6, None, result=MISSED), attempt(5, 20.0)]  # fmt: skip
    assert Spread.of(found) == Spread(tried=4, measured=3, last=20.0, p50=20.0, p95=900.0)
    assert Spread.of([]) == Spread(0, 0, None, None, None)


def test_figures_are_of_the_days_that_were_asked_for_drills_and_real_ones_apart() -> None:
    standing = judged([attempt(100, 1.0), attempt(80, 50.0), real(20, 250.0), real(10, 150.0)])
    assert (standing.drills.measured, standing.drills.p95) == (1, 50.0)
    assert (standing.rollbacks.last, standing.rollbacks.p50, standing.rollbacks.p95) == (150.0, 150.0, 250.0)
    assert [one.seconds for one in standing.recent] == [50.0, 250.0, 150.0]


@pytest.mark.parametrize("result", [FAILED, ABORTED, MISSED])
def test_a_drill_that_went_wrong_is_a_trouble_until_one_passes(result: Result) -> None:
    wrong = attempt(3, None, result=result, why="its worker died")
    plan = practice(next_at=AT + 4 * DAY)
    (trouble,) = judged([attempt(4), wrong], WEEKLY, practices=[plan]).troubles
    assert (trouble.kind, trouble.drill_id, trouble.next_at) == (str(result), wrong.id, AT + 4 * DAY)
    assert "its worker died" in trouble.text
    assert judged([wrong, attempt(2)], WEEKLY, practices=[plan]).troubles == ()


def test_a_drill_that_somebody_asked_for_is_a_trouble_for_ninety_days_and_one_that_no_policy_has_is_none() -> None:
    assert [one.kind for one in judged([attempt(89, None, result=FAILED, asked=True)]).troubles] == ["failed"]
    assert judged([attempt(91, None, result=FAILED, asked=True)]).troubles == ()
    assert judged([attempt(1, None, result=FAILED)]).troubles == ()


def test_a_reminder_is_due_for_a_new_trouble_at_once_and_for_the_same_one_each_week() -> None:
    told = DrillReminder("s", "staging", "p", "failed:1", AT)
    assert told.is_due("failed:2", AT)
    assert not told.is_due("failed:1", AT + 7 * DAY - timedelta(seconds=1))
    assert told.is_due("failed:1", AT + 7 * DAY)


def test_of_several_verdicts_the_worst_counts() -> None:
    assert worst(Verdict) is Verdict.FAILED
    assert worst([]) is Verdict.NEVER_PROVEN
    assert worst([Verdict.PROVEN, Verdict.TOO_SLOW]) is Verdict.TOO_SLOW


def test_the_assumed_figure_stands_beside_the_measured_one() -> None:
    from bot.flow.discipline_views import service_discipline

    def said(*found: Attempt, **more: Any) -> str:
        return service_discipline(judged(found, **more))["comparison"]

    assert said(attempt(2, 192.0), assumed_restore="5m") == "assumed 5m, measured 3m12s"
    assert said(attempt(2, 192.0), real(1, 5000.0), assumed_restore="90s") == "assumed 1m30s, measured 1h23m"
    assert said(assumed_restore="5m") == "assumed 5m, never measured"
    assert said(attempt(2)) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0s"), (0.421, "0.43s"), (4.21, "4.3s"), (9.99, "10s"), (10.0, "10s"), (59.2, "1m"), (192.0, "3m12s"),
     (300.0, "5m"), (300.1, "5m1s"), (7800, "2h10m"), (86_400, "1d"), (356_400, "4d3h")],
)  # fmt: skip
def test_a_span_is_never_said_to_be_shorter_than_it_was(seconds: float, said: str) -> None:
    assert spoken_span(seconds) == said


def test_ages_are_said_in_days() -> None:
    ages = [timedelta(hours=-1), timedelta(hours=23), timedelta(hours=25), 4.9 * DAY]
    assert [spoken_age(age) for age in ages] == ["today", "today", "yesterday", "4 days ago"]


def test_a_drill_and_a_real_rollback_are_told_apart() -> None:
    standing = judged([attempt(2), real(1, human=True)])
    assert standing.proof is not None
    assert (standing.proof.how, standing.proof.human) == (How.ROLLBACK, True)
