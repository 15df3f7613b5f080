"""Due dates in people's words: what each phrase means, what means nothing, and what clocks that are put forward do."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.due_dates import Due, find_dues, read_due, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 26, 10, tzinfo=BERLIN)
"""A Thursday."""


def local(text: str, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> str | None:
    due = read_due(text, now, zone)
    return None if due is None else f"{due.at.astimezone(zone):%m-%d %H:%M}"


# Said on Thursday, 26 November 2026, 10:00; month, day, hour. A star: an hour was assumed.
MEANINGS = """
tomorrow noon | 11-27 12:00
by Friday | 11-27 17:00 *
in 2 h | 11-26 12:00
end of day | 11-26 17:00 *
EOD | 11-26 17:00 *
by EOD | 11-26 17:00 *
next Tuesday 14:00 | 12-01 14:00 *
on 3 December | 12-03 17:00 *
Dec 3 | 12-03 17:00 *
Dec. 3rd | 12-03 17:00 *
2026-12-03 | 12-03 17:00 *
by 2026-12-03T14:30 | 12-03 14:30
2026-12-03T14:30Z | 12-03 15:30
2026-12-03T14:30+05:30 | 12-03 10:00
2026-12-03 14:30 | 12-03 14:30
tonight | 11-26 21:00 *
tonight at 8 | 11-26 20:00 *
tonight at 22:30 | 11-26 22:30
this week | 11-27 17:00 *
Monday morning | 11-30 12:00 *
in two weeks | 12-10 17:00 *
within the hour | 11-26 11:00
today | 11-26 17:00 *
by today 18:00 | 11-26 18:00
tomorrow | 11-27 17:00 *
tmrw 10am | 11-27 10:00
tommorow | 11-27 17:00 *
tomorrow at 10 | 11-27 10:00 *
by tomorrow 9am | 11-27 09:00
tomorrow morning | 11-27 12:00 *
tomorrow afternoon | 11-27 17:00 *
tomorrow evening | 11-27 21:00 *
tomorrow EOD | 11-27 17:00 *
EOD tomorrow | 11-27 17:00 *
first thing tomorrow | 11-27 09:00 *
the day after tomorrow | 11-28 17:00 *
day after tomorrow 11:00 | 11-28 11:00
noon | 11-26 12:00
by noon tomorrow | 11-27 12:00
before lunch | 11-26 12:00 *
this afternoon | 11-26 17:00 *
this evening | 11-26 21:00 *
by six this evening | 11-26 18:00 *
at 5 in the morning | 11-27 05:00 *
midnight | 11-27 00:00
Friday midnight | 11-28 00:00
3pm | 11-26 15:00
3 p.m. | 11-26 15:00
by 3:30 pm | 11-26 15:30
by 3:30 | 11-26 15:30 *
at 03:30 | 11-27 03:30
by 9am | 11-27 09:00
by 9:30 | 11-27 09:30
12am | 11-27 00:00
12pm | 11-26 12:00
by 3 | 11-26 15:00 *
at 14 | 11-26 14:00
by 14.30 | 11-26 14:30
by 1430 | 11-26 14:30
at 15h | 11-26 15:00
15h30 | 11-26 15:30
15 o'clock | 11-26 15:00
two o'clock | 11-26 14:00 *
half past four | 11-26 16:30 *
by quarter to five | 11-26 16:45 *
quarter past 11 | 11-26 11:15 *
by ten past three | 11-26 15:10 *
by twenty to four | 11-26 15:40 *
by close of business | 11-26 17:00 *
COB Friday | 11-27 17:00 *
by end of the business day | 11-26 17:00 *
Friday EOD | 11-27 17:00 *
Friday 5pm PT | 11-28 02:00
10:00 UTC | 11-26 11:00
by 16:00 CET | 11-26 16:00
by 5pm (ET) | 11-26 23:00
by 12:00 +02:00 | 11-26 11:00
Thursday | 11-26 17:00 *
Thursday 9:00 | 12-03 09:00
this Friday | 11-27 17:00 *
next Friday | 12-04 17:00 *
next Monday | 11-30 17:00 *
Friday next week | 12-04 17:00 *
next week Tuesday 10:00 | 12-01 10:00
a week from Friday | 12-04 17:00 *
until Monday at 8 | 11-30 08:00 *
no later than Wed | 12-02 17:00 *
noon on Friday | 11-27 12:00
14:00 on Monday | 11-30 14:00
Monday, 30 November, 12:00 | 11-30 12:00
(Mon 9:00) | 11-30 09:00
by the end of the week | 11-27 17:00 *
EOW | 11-27 17:00 *
next week | 12-04 17:00 *
end of next week | 12-04 17:00 *
early next week | 12-01 17:00 *
mid next week | 12-02 17:00 *
beginning of next week | 11-30 17:00 *
end of the month | 11-30 17:00 *
EOM | 11-30 17:00 *
end of next month | 12-31 17:00 *
end of the quarter | 12-31 17:00 *
end of the year | 12-31 17:00 *
the 3rd | 12-03 17:00 *
by the 26th | 11-26 17:00 *
3rd of December | 12-03 17:00 *
December 3rd at 9:30 | 12-03 09:30
December 3, 2026 at 16:00 | 12-03 16:00
3 Dec 2026 | 12-03 17:00 *
5 January | 01-05 17:00 *
30.11.2026 | 11-30 17:00 *
25/12 | 12-25 17:00 *
12/25 | 12-25 17:00 *
12/12 | 12-12 17:00 *
in 5 minutes | 11-26 10:05
in 5m | 11-26 10:05
in half an hour | 11-26 10:30
in an hour | 11-26 11:00
in an hour and a half | 11-26 11:30
in 1h30 | 11-26 11:30
in 1.5 hours | 11-26 11:30
in a couple of hours | 11-26 12:00 *
in a few hours | 11-26 13:00 *
within 24 hours | 11-27 10:00
2 hours from now | 11-26 12:00
ETA 30 min | 11-26 10:30
in the next hour | 11-26 11:00
in 3 days | 11-29 17:00 *
within two days | 11-28 17:00 *
in 2 working days | 11-30 17:00 *
in a week | 12-03 17:00 *
in three weeks | 12-17 17:00 *
two weeks from now | 12-10 17:00 *
in a month | 12-26 17:00 *
TOMORROW NOON | 11-27 12:00
by   friday | 11-27 17:00 *
fix it by Friday, please | 11-27 17:00 *
the report from Monday has to be out by Friday | 11-27 17:00 *
"""

ROWS = [
    (phrase.strip(), meaning.replace("*", "").strip(), "*" in meaning)
    for phrase, _, meaning in (row.partition("|") for row in MEANINGS.strip().splitlines())
]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(ROWS) >= 120
    assert len({phrase for phrase, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("phrase", "meaning", "assumed"), ROWS, ids=[row[0] for row in ROWS])
def test_a_phrase_means_its_instant(phrase: str, meaning: str, assumed: bool) -> None:
    due = read_due(phrase, NOW, BERLIN)
    assert due is not None
    assert (f"{due.at.astimezone(BERLIN):%m-%d %H:%M}", due.hour_assumed) == (meaning, assumed)
    assert due.at > NOW
    assert due.at.tzinfo is UTC
    assert phrase[due.start : due.end] == due.text


NOTHING = [
    "", " ", "asap", "ASAP!", "soon", "later", "shortly", "someday", "when it is ready", "as soon as possible",
    "yesterday", "last Friday", "since Monday", "3 days ago", "two hours ago", "Tuesday's deploy", "from Tuesday",
    "every Monday", "each day", "the deploy of Friday", "after Friday", "2026-01-01", "2026-11-26T08:00",
    "3 November", "today 9:00", "2026-13-45", "2026-02-30", "30 February", "31 April", "32 December", "25:00",
    "at 14:75", "13pm", "0pm", "12/3", "03/12", "1.2.3", "version 3.12", "python 3.12", "9.5 percent", "at 10 %",
    "by 5 servers", "by 10 nodes", "by 3%", "10 ms", "v10", "$10", "10:00:00:00", "3pm IST", "in 99999999 days",
    "in minutes", "may fix it", "I will march on", "sat down", "the second one", "the 1st time", "in house",
    "at one point", "at one with nature's laws", "Monday, 1 December", "2026-12-03T99:99", "9999999999",
    "99999-12-01", "in 9999 months from", "\x00", "\ud800", "ｆｒｉｄａｙ", "sundae", "monkey",
]  # fmt: skip


@pytest.mark.parametrize("phrase", NOTHING, ids=range(len(NOTHING)))
def test_what_names_no_end_means_nothing(phrase: str) -> None:
    assert read_due(phrase, NOW, BERLIN) is None


@pytest.mark.parametrize(
    ("phrase", "said", "meaning"),
    [
        ("by 9:00", "2026-11-26T10:00", "11-27 09:00"),
        ("by 10:00", "2026-11-26T10:00", "11-27 10:00"),
        ("by noon", "2026-11-26T13:00", "11-27 12:00"),
        ("EOD", "2026-11-26T18:30", "11-26 23:59"),
        ("today", "2026-11-26T18:30", "11-26 23:59"),
        ("tonight", "2026-11-26T22:00", "11-26 23:59"),
        ("this morning", "2026-11-26T13:00", "11-26 23:59"),
        ("Thursday", "2026-11-26T18:00", "12-03 17:00"),
        ("this week", "2026-11-28T12:00", "12-04 17:00"),
        ("next Sunday", "2026-11-28T12:00", "12-06 17:00"),
        ("next Monday", "2026-11-29T12:00", "11-30 17:00"),
        ("next Tuesday", "2026-11-30T12:00", "12-08 17:00"),
        ("by 1am", "2026-11-26T23:30", "11-27 01:00"),
        ("tomorrow", "2026-12-31T23:59", "01-01 17:00"),
        ("29 February", "2026-11-26T10:00", "02-29 17:00"),
        ("29 February", "2027-11-26T10:00", "02-29 17:00"),
        ("the 31st", "2026-11-26T10:00", "12-31 17:00"),
        ("in a month", "2027-01-31T10:00", "02-28 17:00"),
        ("today 9:00", "2026-11-26T10:00", None),
    ],
)
def test_what_is_over_means_the_next_one_or_nothing(phrase: str, said: str, meaning: str | None) -> None:
    assert local(phrase, datetime.fromisoformat(said).replace(tzinfo=BERLIN)) == meaning


def instant(phrase: str, said: str, zone: ZoneInfo) -> str | None:
    due = read_due(phrase, datetime.fromisoformat(said).replace(tzinfo=zone), zone)
    return None if due is None else f"{due.at:%m-%dT%H:%MZ}"


def test_a_time_that_clocks_skip_is_moved_on_by_the_gap() -> None:
    # On 29 March 2026 Berlin goes from 2:00 to 3:00; on 8 March New York does.
    assert instant("at 02:30", "2026-03-28T20:00", BERLIN) == "03-29T01:30Z"
    assert instant("tomorrow 2:30am", "2026-03-07T20:00", NEW_YORK) == "03-08T07:30Z"


def test_a_time_that_comes_twice_is_the_first_that_is_not_over() -> None:
    # On 25 October 2026 Berlin has 2:00 to 3:00 twice.
    assert instant("at 02:30", "2026-10-24T20:00", BERLIN) == "10-25T00:30Z"
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    due = read_due("at 02:30", between, BERLIN)
    assert due is not None
    assert f"{due.at:%m-%dT%H:%MZ}" == "10-25T01:30Z"
    assert instant("by 1:30am", "2026-10-31T20:00", NEW_YORK) == "11-01T05:30Z"


def test_days_keep_the_wall_clock_and_hours_keep_their_length() -> None:
    for said, day, noon in [("2026-03-28T12:00", "03-29", "10:00"), ("2026-10-24T12:00", "10-25", "11:00")]:
        assert instant("tomorrow noon", said, BERLIN) == f"{day}T{noon}Z"
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    due = read_due("in 24 hours", before, BERLIN)
    assert due is not None
    assert due.at - before.astimezone(UTC) == timedelta(hours=24)


def test_the_same_words_mean_other_instants_in_other_zones() -> None:
    now = datetime(2026, 11, 26, 9, tzinfo=UTC)
    assert read_due("by 18:00", now, BERLIN) != read_due("by 18:00", now, NEW_YORK)
    tokyo = read_due("tomorrow noon", datetime(2026, 11, 26, 20, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))
    assert tokyo is not None
    # It is Friday in Tokyo already.
    assert tokyo.at == datetime(2026, 11, 28, 3, tzinfo=UTC)


def test_every_due_date_of_a_sentence_is_found_in_its_order() -> None:
    text = "numbers by 11, plots tomorrow noon, report by Friday EOD; the log of last Monday is gone"
    assert [one.text for one in find_dues(text, NOW, BERLIN)] == ["by 11", "tomorrow noon", "by Friday EOD"]


def test_the_span_leaves_the_rest_of_the_sentence() -> None:
    text = "rerun the eval by 3pm please"
    due = read_due(text, NOW, BERLIN)
    assert due is not None
    assert (text[: due.start] + text[due.end :], due.preposition) == ("rerun the eval  please", "by")


def test_a_due_date_is_a_frozen_value() -> None:
    due = read_due("tomorrow noon", NOW, BERLIN)
    assert isinstance(due, Due)
    with pytest.raises(AttributeError):
        due.at = NOW  # type: ignore[misc]


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        read_due("tomorrow", datetime(2026, 11, 26), BERLIN)  # noqa: DTZ001


@pytest.mark.parametrize(
    "name", [None, "", "Mars/Olympus", "../../etc/passwd", "x" * 10_000, "Europe", "\x00", "/etc/localtime"]
)
def test_a_zone_that_does_not_exist_is_none(name: str | None) -> None:
    assert zone_named(name) is None


def test_a_zone_is_found_by_its_name() -> None:
    assert zone_named("Europe/Berlin") == BERLIN


WORDS = [
    *(
        "by",
        "before",
        "until",
        "in",
        "at",
        "on",
        "next",
        "this",
        "the",
        "end",
        "of",
        "day",
        "week",
        "tomorrow",
        "tonight",
    ),
    *(
        "noon",
        "Friday",
        "Mon",
        "3",
        "14:00",
        "9999",
        "12",
        "99",
        "Dec",
        "31",
        "31st",
        "2026-12-03",
        "am",
        "pm",
        "UTC",
        "ET",
    ),
    *("half", "past", "quarter", "to", "a", "couple", "hours", "minutes", "weeks", "months", "ago", "since", "EOD"),
    *(",", "(", "-", "/", ".", "+99:99"),
]


def test_no_jumble_of_words_is_in_the_past_or_an_error(rng: random.Random) -> None:
    zones = [BERLIN, NEW_YORK, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Australia/Lord_Howe")]
    for _ in range(1_500):
        text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 9)))
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(2 * 365 * 24 * 60))
        for due in find_dues(text, now, rng.choice(zones)):
            assert due.at > now, text
            assert text[due.start : due.end] == due.text


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    for due in find_dues(text, NOW, BERLIN):
        assert due.at > NOW


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_the_last_year_are_no_error(year: int) -> None:
    now = datetime(year, 12, 31, 23, tzinfo=UTC)
    for phrase, _, _ in ROWS:
        find_dues(phrase, now, NEW_YORK)


def test_a_very_long_text_is_looked_at_only_at_its_beginning() -> None:
    assert find_dues("x " * 10_000 + "by Friday", NOW, BERLIN) == ()
    assert len(find_dues("by Friday " * 10_000, NOW, BERLIN)) == 20
