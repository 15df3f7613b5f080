"""Who somebody is in Slack: asked in a short time, remembered for a few minutes, and nobody where Slack is silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fake_slack import FakeSlack, Person

from bot.adapters.http import HttpxHttp
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.people import SlackPeople, profile_of
from bot.domain.people import Profile


@dataclass
class StandingClock:
    """Moves when the test says so."""

    seconds: float = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Stage:
    slack: FakeSlack
    client: SlackClient
    people: SlackPeople
    clock: StandingClock


@pytest.fixture
def stage() -> Iterator[Stage]:
    http, clock = HttpxHttp(), StandingClock()
    with FakeSlack() as slack:
        client = SlackClient(http, slack.workspace.bot_token, api_url=slack.api_url)
        yield Stage(slack, client, SlackPeople(client, clock=clock, deadline=timedelta(seconds=0.5)), clock)
    http.close()


def test_a_member_is_known_with_address_and_time_zone(stage: Stage) -> None:
    assert stage.people.person("U0IDA") == Profile(
        "U0IDA", "T0ANDON", "Ida Berg", "ida@example.com", "Europe/Berlin", is_full_member=True
    )


@pytest.mark.parametrize("user", ["U0IDA", "U0RAJ", "U0MIA", "U0LEO", "U0SUE"])
def test_people_of_the_workspace_are_full_members(stage: Stage, user: str) -> None:
    found = stage.people.person(user)
    assert found is not None
    assert found.is_full_member


@pytest.mark.parametrize("user", ["U0GUEST", "U0MULTI", "U0GONE", "U0ROBOT", "U0ALIEN", "U0ANDON"])
def test_guests_bots_strangers_and_the_deactivated_are_not(stage: Stage, user: str) -> None:
    found = stage.people.person(user)
    assert found is not None
    assert not found.is_full_member
    assert (found.is_bot, found.is_deleted) == (user in ("U0ROBOT", "U0ANDON"), user == "U0GONE")


@pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted", "is_bot", "deleted", "team_id"])
def test_a_flag_that_slack_leaves_out_makes_nobody_a_full_member(flag: str) -> None:
    user: dict[str, Any] = {
        "id": "U0IDA",
        "team_id": "T0ANDON",
        "deleted": False,
        "is_bot": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
    }
    assert profile_of(user, "T0ANDON").is_full_member
    del user[flag]
    assert not profile_of(user, "T0ANDON").is_full_member


def test_in_an_organisation_a_person_may_belong_to_several_workspaces() -> None:
    user: dict[str, Any] = dict.fromkeys(("deleted", "is_bot", "is_restricted", "is_ultra_restricted"), False)
    user |= {"id": "W0IDA", "team_id": "E0ORG", "enterprise_user": {"teams": ["T0OTHER", "T0ANDON"]}}
    assert profile_of(user, "T0ANDON").is_full_member
    assert not profile_of(user, "T0THIRD").is_full_member


def test_a_mail_address_finds_its_owner(stage: Stage) -> None:
    found = stage.people.by_email("Raj@example.com")
    assert found is not None
    assert found.id == "U0RAJ"
    assert stage.people.by_email("nobody@example.com") is None
    assert stage.people.by_email("greta@example.com") is None


def test_a_group_has_members(stage: Stage) -> None:
    assert stage.people.members("S0ONCALL") == {"U0IDA", "U0RAJ"}
    assert stage.people.members("S0NONE") is None


def test_who_left_a_group_has_its_rights_for_seconds_only(stage: Stage) -> None:
    assert stage.people.members("S0ONCALL") == {"U0IDA", "U0RAJ"}
    stage.slack.workspace.groups["S0ONCALL"].members = ["U0RAJ"]
    stage.clock.seconds += 21
    assert stage.people.members("S0ONCALL") == {"U0RAJ"}


@pytest.mark.parametrize("words", ["", "ida", "U", "<@U0IDA>", "U0IDA&x=1", "C0MLREL", "u0ida", "U" * 200])
def test_what_is_no_id_is_never_asked_for(stage: Stage, words: str) -> None:
    assert stage.people.person(words) is None
    assert stage.people.members(words) is None
    assert stage.people.by_email(words) is None
    assert stage.slack.calls == []


def test_what_is_known_is_not_asked_again_for_five_minutes(stage: Stage) -> None:
    stage.people.person("U0IDA")
    stage.people.person("U0IDA")
    assert len(stage.slack.calls_of("users.info")) == 1
    stage.clock.seconds += 299
    stage.people.person("U0IDA")
    assert len(stage.slack.calls_of("users.info")) == 1
    stage.clock.seconds += 2
    stage.people.person("U0IDA")
    assert len(stage.slack.calls_of("users.info")) == 2


def test_somebody_who_became_a_guest_is_one_after_five_minutes_or_when_asked_anew(stage: Stage) -> None:
    assert stage.people.person("U0IDA").is_full_member  # type: ignore[union-attr]
    stage.slack.workspace.people["U0IDA"].is_restricted = True
    stage.people.forget()
    assert not stage.people.person("U0IDA").is_full_member  # type: ignore[union-attr]
    stage.slack.workspace.people["U0IDA"].is_restricted = False
    stage.clock.seconds += 301
    assert stage.people.person("U0IDA").is_full_member  # type: ignore[union-attr]


def test_that_there_is_nobody_is_believed_for_half_a_minute(stage: Stage) -> None:
    assert stage.people.person("U0NEW") is None
    stage.slack.workspace.add_people([Person("U0NEW", "new", "Nia New")])
    assert stage.people.person("U0NEW") is None
    stage.clock.seconds += 31
    assert stage.people.person("U0NEW") is not None


def test_where_slack_hangs_nobody_is_known_and_nobody_waits_twice(stage: Stage) -> None:
    stage.people.team()
    stage.slack.fail("users.info", mode="hang", times=-1)
    started = time.monotonic()
    assert stage.people.person("U0IDA") is None
    assert time.monotonic() - started < 1.5
    started = time.monotonic()
    assert stage.people.person("U0RAJ") is None
    assert time.monotonic() - started < 0.2
    assert len(stage.slack.calls_of("users.info")) == 1
    stage.slack.recover()
    stage.clock.seconds += 6
    assert stage.people.person("U0IDA") is not None


def test_what_is_known_is_still_known_while_slack_is_silent_but_never_longer(stage: Stage) -> None:
    assert stage.people.person("U0IDA") is not None
    stage.slack.fail(times=-1, status=503)
    assert stage.people.person("U0RAJ") is None
    assert stage.people.person("U0IDA") is not None
    stage.clock.seconds += 301
    assert stage.people.person("U0IDA") is None


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"error": "ratelimited"}, {"error": "missing_scope"}, {"mode": "close"}], ids=str
)
def test_whatever_goes_wrong_is_nobody_and_never_an_exception(stage: Stage, fault: dict[str, Any]) -> None:
    stage.slack.fail(times=-1, **fault)
    assert stage.people.person("U0IDA") is None
    assert stage.people.by_email("ida@example.com") is None
    assert stage.people.members("S0ONCALL") is None
    assert stage.people.team() is None


def test_where_the_own_workspace_is_not_known_nobody_is_a_member(stage: Stage) -> None:
    stage.slack.fail("auth.test", times=-1, status=503)
    assert stage.people.person("U0IDA") is None


def test_the_own_workspace_may_be_configured_and_is_asked_for_once_a_day_otherwise(stage: Stage) -> None:
    stage.people.team()
    stage.clock.seconds += 3600
    assert stage.people.team() == "T0ANDON"
    assert len(stage.slack.calls_of("auth.test")) == 1
    elsewhere = SlackPeople(stage.client, clock=stage.clock, team="T0OTHER")
    assert elsewhere.team() == "T0OTHER"
    ida = elsewhere.person("U0IDA")
    assert ida is not None
    assert not ida.is_full_member, "she is a member of another workspace than the configured one"


def test_a_moment_without_the_own_workspace_is_not_remembered(stage: Stage) -> None:
    stage.slack.fail("auth.test", status=503)
    assert stage.people.person("U0IDA") is None
    stage.clock.seconds += 6
    assert stage.people.person("U0IDA") is not None


@pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted", "is_bot", "deleted"])
def test_half_an_answer_makes_neither_a_member_nor_a_stranger(stage: Stage, flag: str) -> None:
    shown = stage.slack.workspace.people["U0IDA"].shown

    def without(**how: Any) -> dict[str, Any]:
        user = shown(**how)
        del user[flag]
        return user

    stage.slack.workspace.people["U0IDA"].shown = without  # type: ignore[method-assign]
    assert stage.people.person("U0IDA") is None
