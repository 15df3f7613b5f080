"""When people are to hear next: the pace of a policy, without drift, and one update after a pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.cadence import grace, next_update, with_updates
from bot.domain.incidents import Incident, IncidentEvent, IncidentStatus, Severity
from bot.domain.policies import Policy

OPENED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def a_policy(every: timedelta = 20 * MINUTE) -> Policy:
    return Policy.model_construct(service="s", update_every=every)


def an_incident(status: IncidentStatus = IncidentStatus.HALTED) -> Incident:
    return Incident("inc-1", "s", "production", Severity.SEV_2, "t", OPENED, status=status)


def moments(every: timedelta, until: timedelta) -> list[float]:
    """Minutes after the opening at which updates are due, each counted from the last."""
    found, at = [], OPENED
    while True:
        due = next_update(a_policy(every), an_incident(), at, since=at)
        assert due is not None
        if due - OPENED > until:
            return found
        found.append((due - OPENED) / MINUTE)
        at = due


def test_for_two_hours_it_is_the_policys_pace_and_then_a_third_of_it() -> None:
    assert moments(20 * MINUTE, 4 * HOUR) == [20, 40, 60, 80, 100, 120, 180, 240]


@pytest.mark.parametrize(
    ("every", "wanted"), [(90 * MINUTE, [90, 180, 420, 660]), (5 * HOUR, [300, 600]), (2 * HOUR, [120, 360, 600])]
)
def test_nobody_waits_longer_than_four_hours_unless_the_policy_itself_says_so(
    every: timedelta, wanted: list[float]
) -> None:
    assert moments(every, 11 * HOUR) == wanted


def test_an_update_that_was_sent_late_does_not_move_the_next() -> None:
    due = OPENED + 20 * MINUTE
    assert next_update(a_policy(), an_incident(), due + 5 * MINUTE, since=due) == OPENED + 40 * MINUTE


def test_after_a_pause_of_three_hours_the_next_update_is_a_pause_from_now() -> None:
    now = OPENED + 3 * HOUR + 20 * MINUTE
    assert next_update(a_policy(), an_incident(), now, since=OPENED + 20 * MINUTE) == now + HOUR


@pytest.mark.parametrize("status", [IncidentStatus.STABLE, IncidentStatus.RESOLVED])
def test_nobody_waits_to_hear_of_what_is_over(status: IncidentStatus) -> None:
    assert next_update(a_policy(), an_incident(status), OPENED) is None


@pytest.mark.parametrize("event", [IncidentEvent.ENDORSE, IncidentEvent.RESOLVE])
def test_the_end_of_an_incident_takes_back_what_was_due(event: IncidentEvent) -> None:
    watched = with_updates(a_policy(), an_incident(IncidentStatus.MONITORING), OPENED)
    assert watched.update_due_at == OPENED + 20 * MINUTE
    asked = watched.asked_to_update(OPENED, OPENED + MINUTE)
    ended = asked.moved(event, OPENED)
    assert (ended.update_due_at, ended.update_asked_at) == (None, None)


def test_a_second_cause_to_tell_people_does_not_put_off_what_is_due() -> None:
    once = with_updates(a_policy(), an_incident(), OPENED)
    assert with_updates(a_policy(), once, OPENED + 10 * MINUTE) is once


@pytest.mark.parametrize(("every", "minutes"), [(20 * MINUTE, 5), (10 * MINUTE, 5), (4 * MINUTE, 2)])
def test_an_owner_has_five_minutes_to_write_or_half_a_short_pause(every: timedelta, minutes: float) -> None:
    assert grace(a_policy(every), an_incident(), OPENED) == minutes * MINUTE


def test_what_is_due_is_no_fact_of_the_incident() -> None:
    incident = an_incident()
    assert replace(incident, update_due_at=OPENED).revision == incident.due_next(OPENED).revision
