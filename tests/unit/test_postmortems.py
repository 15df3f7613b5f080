"""The rules of postmortems: every move, when they are due, who is reminded when, and what people are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bot.adapters.conditions import compile_condition
from bot.domain.errors import BadInput, Refused
from bot.domain.incidents import Severity
from bot.domain.policies import Policy
from bot.domain.postmortem_rules import Due, PostmortemRule, parse_due, working_days_after
from bot.domain.postmortems import (
    POSTMORTEM_MOVES,
    Postmortem,
    PostmortemEvent,
    PostmortemState,
    Section,
    SectionText,
    first_reminder,
    newest_texts,
)
from bot.domain.role_names import role_names
from bot.flow.postmortem_draft import lines_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def account(state: PostmortemState = PostmortemState.DRAFT, **more: object) -> Postmortem:
    return replace(Postmortem("inc-1", "s", NOW), state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", list(PostmortemEvent))
@pytest.mark.parametrize("state", list(PostmortemState))
def test_a_postmortem_moves_only_as_the_table_says(state: PostmortemState, event: PostmortemEvent) -> None:
    before = account(state, due_at=NOW + DAY, remind_at=NOW, reviewed_at=NOW - DAY, reminders=2)
    wanted = POSTMORTEM_MOVES.get((state, event))
    assert before.allows(event) is (wanted is not None)
    if wanted is None:
        with pytest.raises(Refused, match=r"cannot (be|get)"):
            before.moved(event, NOW)
        return
    after = before.moved(event, NOW)
    assert after.state is wanted
    changes_words = event in (PostmortemEvent.EDIT, PostmortemEvent.LESSON, PostmortemEvent.REOPEN)
    assert after.revision - before.revision == int(changes_words)
    if event is PostmortemEvent.SIGN_OFF:
        assert (after.reviewed_at, after.remind_at) == (NOW, None)
    if event is PostmortemEvent.REOPEN:
        assert (after.reviewed_at, after.reminders) == (None, 0)
        assert after.remind_at == NOW + DAY / 2
    if event is PostmortemEvent.COMMENT:
        assert after == before


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3d", Due(span=3 * DAY)),
        ("72h", Due(span=3 * DAY)),
        ("5 working days", Due(working_days=5)),
        ("1 working day", Due(working_days=1)),
        ("off", Due()),
    ],
)
def test_times_until_it_is_due_are_read_and_written_alike(text: str, wanted: Due) -> None:
    assert parse_due(text) == wanted
    assert parse_due(str(wanted)) == wanted


@pytest.mark.parametrize(
    "text", ["", "0d", "0 working days", "5 days", "5 Working days", "-1d", "400d", "261 working days", "off ", "3d 5h"]
)
def test_what_is_no_time_until_it_is_due_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_due(text)


@pytest.mark.parametrize(
    ("local", "days", "wanted"),
    [
        ("2026-11-20T15:00", 1, "2026-11-23T15:00"),  # a Friday
        ("2026-11-20T15:00", 5, "2026-11-27T15:00"),
        ("2026-11-21T15:00", 1, "2026-11-24T00:00"),  # a Saturday counts from its Monday
        ("2026-11-22T23:59", 5, "2026-11-30T00:00"),
        ("2026-11-23T00:00", 1, "2026-11-24T00:00"),
        ("2026-10-23T15:00", 1, "2026-10-26T15:00"),  # the clocks go back in between
        ("2027-03-26T02:30", 1, "2027-03-29T02:30"),  # and forward
    ],
)
def test_working_days_are_monday_to_friday_in_the_zone_of_the_team(local: str, days: int, wanted: str) -> None:
    begun = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    assert working_days_after(begun.astimezone(UTC), days, BERLIN) == datetime.fromisoformat(wanted).replace(
        tzinfo=BERLIN
    )


def test_so_many_working_days_later_is_a_working_day_with_so_many_between(rng: Random) -> None:
    for _ in range(500):
        zone = ZoneInfo(rng.choice(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC"]))
        begun = NOW + timedelta(minutes=rng.randrange(60 * 24 * 700))
        days = rng.randrange(1, 20)
        ended = working_days_after(begun, days, zone)
        local, first = ended.astimezone(zone), begun.astimezone(zone).date()
        assert local.weekday() < 5
        between = [first + timedelta(days=n) for n in range(1, (local.date() - first).days + 1)]
        counted = sum(one.weekday() < 5 for one in between)
        assert counted == days + (1 if first.weekday() >= 5 else 0)


def policy(**more: object) -> Policy:
    values = {"service": "s", "match": "true", **more}
    return Policy.model_validate(values, context={"compile": compile_condition})


def test_a_policy_that_says_nothing_wants_it_for_the_worst_and_the_champion_signs() -> None:
    rule = policy().postmortem
    assert [str(rule.due_of(one)) for one in Severity] == ["3d", "5 working days", "off", "off"]
    assert rule.sign_off == ("champion",)
    mine = policy(postmortem={"SEV-1": "1d", "SEV-3": "10 working days", "sign_off": ["a", "b"]}).postmortem
    assert [str(mine.due_of(one)) for one in Severity] == ["1d", "5 working days", "10 working days", "off"]
    assert mine.sign_off == ("a", "b")


@pytest.mark.parametrize(
    "rule", [{"SEV-1": 3}, {"SEV-4": "3d"}, {"SEV-1": "soon"}, {"sign_off": []}, {"sign_off": [1]}, {"sev_1": "3d x"}]
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PostmortemRule.model_validate(rule)


def test_reminders_come_a_day_ahead_when_it_is_due_and_after_each_pause() -> None:
    due = NOW + 3 * DAY
    assert first_reminder(due, NOW) == NOW + 2 * DAY
    assert first_reminder(NOW + DAY, NOW) == NOW + DAY / 2
    assert first_reminder(NOW - DAY, NOW) == NOW
    asked = account().asked_for(due, NOW, "lena")
    assert (asked.owner, asked.remind_at) == ("lena", NOW + 2 * DAY)
    ahead = asked.reminded(NOW + 2 * DAY, 2 * DAY)
    assert (ahead.remind_at, ahead.reminders) == (due, 0)
    late = ahead.reminded(due, 2 * DAY)
    assert (late.remind_at, late.reminders) == (due + 2 * DAY, 1)
    reviewed = account(PostmortemState.REVIEWED).asked_for(due, NOW, None)
    assert reviewed.remind_at is None


def test_the_newest_text_of_a_section_counts_and_an_empty_one_takes_it_away() -> None:
    said = [
        SectionText("inc-1", section, number, text, "ada", NOW)
        for number, (section, text) in enumerate(
            [(Section.LUCK, "a"), (Section.SUMMARY, "b"), (Section.LUCK, "c"), (Section.WELL, "d"), (Section.WELL, "")]
        )
    ]
    assert {section: one.text for section, one in newest_texts(said).items()} == {
        Section.SUMMARY: "b",
        Section.LUCK: "c",
    }


def test_people_are_called_by_their_roles_and_things_by_their_names() -> None:
    known = policy(
        roles={"rollback_authority": ["U0RAJ", "olga"], "champion": ["U0MIA"]},
        persons={"raj": ["U0RAJ", "raj@example.com"], "mia": ["U0MIA"]},
    )
    names = role_names(known, ["otto", "fraud-model"], spared=["fraud-model"])
    said = names.in_text(
        "olga and <@U0RAJ> (raj@example.com) asked @otto; <@U0MIA|mia> of fraud-model agreed. volga, olga-2 stay"
    )
    assert said == (
        "a member of rollback authority and a member of rollback authority (a member of rollback authority) asked "
        "a team member; the champion of fraud-model agreed. volga, olga-2 stay"
    )
    assert (names.of("andon"), names.of("person:raj"), names.of("who"), names.of(None)) == (
        "Andon",
        "a member of rollback authority",
        "a team member",
        "nobody",
    )
    assert role_names(None).in_text("ada did it") == "ada did it"


def test_lists_in_peoples_words_stay_lists_and_all_else_is_text() -> None:
    assert [(one["mark"], one["number"], one["text"]) for one in lines_of("a\n- b\n 2) c\n#d\n-e\n1.f\n\n* ")] == [
        ("", 0, "a"),
        ("bullet", 0, "b"),
        ("number", 2, "c"),
        ("", 0, "#d"),
        ("", 0, "-e"),
        ("", 0, "1.f"),
        ("", 0, ""),
        ("", 0, "*"),
    ]
