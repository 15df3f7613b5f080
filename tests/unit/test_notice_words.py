"""The words of notices: times and figures as people say them, what is not known, what has changed, what is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from support.golden_notices import AUDIENCES, NAMED, NAMES, golden, minimal, readers_of, realistic

from bot.adapters.glossary import load_glossary
from bot.adapters.letters import LetterWriter
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.notice_words import (
    Reader,
    brief,
    capital,
    figure,
    gist,
    known,
    left,
    local,
    plain,
    seconds,
    span,
    when,
    zone_of,
)
from bot.adapters.shipped import shipped_folder
from bot.domain.times import parse_time
from bot.domain.wording import findings

SHIPPED = shipped_folder("templates")


@pytest.fixture(scope="module")
def templates() -> NoticeTemplates:
    return NoticeTemplates([SHIPPED])


# Words for people


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.4213, "0.42 s"), (9.996, "10.00 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.97, "1 min 0 s"),
        (125.3, "2 min 5 s"), (4200, "1 h 10 min"), (-3.0, "-3.00 s"), (None, "not known yet"), (True, "yes"),
    ],
)  # fmt: skip
def test_seconds_are_said_as_people_say_them(value: Any, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-11-20T14:07:31.396Z", "14:07:31 UTC"),
        ("2026-11-20T23:59:59+02:00", "21:59:59 UTC"),
        ("2026-11-21T00:07:31Z", "21 Nov 2026, 00:07:31 UTC"),
        ("", "not known yet"),
        (None, "not known yet"),
        ("soon", "not known yet"),
    ],
)
def test_times_carry_their_date_only_on_another_day(value: Any, said: str) -> None:
    assert when(value, Reader(parse_time("2026-11-20T15:00:00Z"))) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("5m", "5 minutes"),
        ("1h30m", "1 hour 30 minutes"),
        ("1d", "1 day"),
        ("250ms", "250 milliseconds"),
        ("", "not known yet"),
        (None, "not known yet"),
        ("soon", "soon"),
        ("5m; drop", "5m; drop"),
        ("٥m", "٥m"),
    ],
)
def test_durations_of_policies_are_said_in_words(value: Any, said: str) -> None:
    assert span(value) == said


def test_a_sentence_begins_with_a_capital_letter_and_stays_harmless() -> None:
    assert capital("version 43") == "Version 43"
    assert capital("") == ""
    assert "<!" not in capital("<!channel> is called")


def test_long_values_are_cut() -> None:
    assert len(plain("x" * 5000)) == 300
    assert len(plain("x" * 5000, 2000)) == 2000
    assert brief("one two three four", 2) == "one two …"
    assert brief("see run-01jd4xk2m9q7r3s5t6v8w0y1z2", 5) == "see (a record)"
    assert brief("ask U01ABCD2EFG", 5) == "ask (a person)"
    assert brief("UNAVAILABLE USERNAMES", 5) == "UNAVAILABLE USERNAMES"
    assert known("") == "not known yet"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("One. Two words. Three more words.", "One. Two words."),
        ("All of it fits", "All of it fits."),
        ("Is that so? Yes!", "Is that so? Yes!"),
        ("Far too many words for the room there is", "more than fits here; the page says it."),
        ("", "not known yet."),
        (None, "not known yet."),
    ],
)
def test_a_gist_is_made_of_whole_sentences(value: Any, said: str) -> None:
    assert gist(value, 4) == said


@pytest.mark.parametrize(
    ("zone", "value", "said"),
    [
        ("Europe/Berlin", "2026-11-20T14:07:31Z", "15:07:31 CET (14:07:31 UTC)"),
        ("Europe/Berlin", "2026-11-20T14:30:00Z", "15:30 CET (14:30 UTC)"),
        ("Europe/Berlin", "2026-11-20T23:30:00Z", "21 Nov 2026, 00:30 CET (20 Nov, 23:30 UTC)"),
        ("America/Sao_Paulo", "2026-11-20T14:07:31Z", "11:07:31 UTC-03 (14:07:31 UTC)"),
        ("UTC", "2026-11-20T14:07:31Z", "14:07:31 UTC"),
        ("No/Such_Place", "2026-11-20T14:07:31Z", "14:07:31 UTC"),
        ("../../etc/passwd", "2026-11-20T14:07:31Z", "14:07:31 UTC"),
        ("Europe/Berlin", "soon", "not known yet"),
    ],
)
def test_a_time_for_an_audience_is_its_own_and_utc(zone: str, value: str, said: str) -> None:
    assert local(value, Reader(parse_time("2026-11-20T15:00:00Z"), zone_of(zone))) == said


@pytest.mark.parametrize(
    ("deadline", "said"),
    [
        ("2026-11-20T15:04:12.9Z", "4 min 12 s left"),
        ("2026-11-20T15:00:09Z", "9 s left"),
        ("2026-11-20T14:58:57Z", "1 min 3 s past it"),
        ("2026-11-20T12:30:00Z", "2 h 30 min past it"),
        (None, "not known yet"),
    ],
)
def test_a_countdown_says_what_is_left_or_past(deadline: Any, said: str) -> None:
    assert left(deadline, Reader(parse_time("2026-11-20T15:00:00Z"))) == said


@pytest.mark.parametrize(("value", "said"), [
    (0.73, "0.73"), (-15.0, "-15"), (1250.0, "1,250"), (0.123456, "0.1235"), (float("nan"), "nan"),
    (None, "not known yet"),
])  # fmt: skip
def test_figures_are_written_as_people_read_them(value: Any, said: str) -> None:
    assert figure(value) == said


# What is not known, and what has changed


@pytest.mark.parametrize("audience", ["engineering", "product", "executive"])
def test_what_nobody_knows_names_who_was_asked(audience: str, templates: NoticeTemplates) -> None:
    _, body = templates.render(replace(realistic("halted"), audience=audience))
    assert "not known yet, asked omar" in body
    assert "U0OMAR" not in body


def test_a_figure_comes_with_its_interval_and_its_threshold(templates: NoticeTemplates) -> None:
    for audience in ("product", "executive"):
        _, body = templates.render(replace(realistic("halted"), audience=audience))
        assert "F1 went from 0.86 to 0.73 (-15.1 %). With 95 % confidence it lies between 0.7 and 0.76" in body
        assert "acceptable would be 0.8." in body


def test_a_correction_says_was_and_now_to_everybody(templates: NoticeTemplates) -> None:
    for audience in AUDIENCES:
        _, body = templates.render(replace(realistic("correction"), audience=audience))
        assert re.search(r"[Ww]as:? \"?not known yet.*[Nn]ow:? \"?a feature that arrives late", body), body


def test_executives_read_what_a_technical_word_means(templates: NoticeTemplates) -> None:
    writer = LetterWriter(templates, glossary=load_glossary([SHIPPED]))
    body = writer.write(replace(realistic("halted"), audience="executive")).body
    assert "\nF1: balances missed cases against false alarms: 1 is best, 0 worst.\n" in body
    assert body.index("F1: balances") < body.index("Facts revision")
    assert "balances missed" not in writer.write(replace(realistic("halted"), audience="product")).body


def test_a_countdown_ends_as_a_receipt_with_every_step(templates: NoticeTemplates) -> None:
    _, going = templates.render(realistic("progress"))
    assert "Step 2 of 3: restore, under way" in going
    assert "2 min 54 s left until 15:12:31 CET (14:12:31 UTC)." in going
    _, receipt = templates.render(realistic("receipt"))
    assert "2 min 5 s, within the deadline of" in receipt
    assert "2. restore: done, 29.8 s" in receipt


def test_an_answered_question_says_by_whom_and_asks_nobody_any_more(templates: NoticeTemplates) -> None:
    for audience in ("engineering", "product", "executive"):
        _, body = templates.render(replace(realistic("answered"), audience=audience))
        assert "Approved by omar at 15:09:01 CET (14:09:01 UTC)" in body
        assert "andon approve" not in body


def test_a_briefing_answers_the_six_questions_with_sources_and_flags_the_gaps(templates: NoticeTemplates) -> None:
    _, full = templates.render(realistic("briefing"))
    _, bare = templates.render(minimal("briefing"))
    for body in (full, bare):
        asked = re.findall(r"^.*\?$", body, re.MULTILINE)
        assert asked == [
            "How big is it?", "How sure are you?", "Can we patch it after release?", "What happens if we do not halt?",
            "What are the alternatives?", "How long will it take?",
        ]  # fmt: skip
        assert "I know that this delay costs something" in body
    assert "a patch of the model does not help. [said by lena]" in full
    assert "You will be asked; nobody has said yet. priya was asked." in full
    assert bare.count("- You will be asked; nobody has said yet.") == 6


def test_no_text_of_ours_blames_overclaims_or_alarms() -> None:
    found = {file: [one.said for one in findings(text)] for file, text in golden().items()}
    assert {file: said for file, said in found.items() if said} == {}


def test_every_template_that_ships_is_read_by_a_golden_file() -> None:
    files = {path.name for path in (SHIPPED / "notices").glob("[!_]*.j2")}
    told = {(NAMED.get(name, name), audience) for name in NAMES for audience in readers_of(name)}
    read = {one for name, audience in told for one in (f"{name}.{audience}.j2", f"{name}.j2")}
    assert files - read - {"message.j2"} == set()
