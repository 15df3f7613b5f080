"""What is heard in what people say: the certain forms, natural speech, what is only offered, and what says nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.heard import MAX_QUOTE, HeardItem, HeardKind, KnownPerson, Utterance
from handlers.hearing import hear, hear_message
from handlers.notes import read_notes

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 26, 10, tzinfo=BERLIN)
PEOPLE = [
    KnownPerson("U0MARIA", "Maria Lopez", "maria@example.com"),
    KnownPerson("U0TOM", "Tom Becker", "tom@example.com"),
    KnownPerson("U0GRACE", "Grace Hill", "grace@example.com", ZoneInfo("Europe/London")),
]
ACTION, DECISION, QUESTION = HeardKind.ACTION, HeardKind.DECISION, HeardKind.QUESTION


def heard(text: str, name: str = "notes.txt") -> list[HeardItem]:
    return hear(read_notes(text.encode(), name), PEOPLE, NOW, BERLIN)


def live(text: str, speaker: str = "<@U0TOM>") -> list[HeardItem]:
    return hear_message(Utterance(text, 1, speaker, at=NOW), PEOPLE, NOW, BERLIN)


def when(item: HeardItem) -> str | None:
    return None if item.due_at is None else f"{item.due_at.astimezone(BERLIN):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "owner", "task", "due"),
    [
        ("action: @lead rerun the eval by 3pm", "@lead", "rerun the eval", "11-26 15:00"),
        ("Action: <@U0TOM> rerun the eval, by 3pm.", "<@U0TOM>", "rerun the eval", "11-26 15:00"),
        ("ACTION <@U0TOM|tom>: rerun the eval", None, None, None),
        ("action: <@U0TOM|tom> rerun the eval", "<@U0TOM>", "rerun the eval", None),
        ("action: lead@example.com to rerun the eval tomorrow", "lead@example.com", "rerun the eval", "11-27 17:00"),
        ("action: Maria: write it up (by Friday)", "Maria", "write it up", "11-27 17:00"),
        ("action: Maria will write it up by Friday", "Maria", "write it up", "11-27 17:00"),
        ("action: me - start it by 13:45", "<@U0TOM>", "start it", "11-26 13:45"),
        ("Action item - Tom: add a test, due Friday", "Tom", "add a test", "11-27 17:00"),
        ("AI: Tom Becker: order a node by Dec 4", "Tom Becker", "order a node", "12-04 17:00"),
        ("TODO: rotate the key", None, "rotate the key", None),
        ("TODO(tom): rotate the key", "tom", "rotate the key", None),
        ("[ ] @tom rotate the key by Friday", "@tom", "rotate the key", "11-27 17:00"),
        ("- [ ] rotate the key @tom", "@tom", "rotate the key", None),
        ("*action:* @tom rotate the key", "@tom", "rotate the key", None),
        ("**ACTION** Tom: rotate the key", "Tom", "rotate the key", None),
        (":point_right: action: @tom rotate the key", "@tom", "rotate the key", None),
        ("action for Tom: rotate the key", "Tom", "rotate the key", None),
        ("- Owner: Tom, Task: rotate the key, Due: 2026-12-02", "Tom", "rotate the key", "12-02 17:00"),
        ("action: rotate the key", None, "rotate the key", None),
        ("action: Myles will rotate the key by Friday", "Myles", "rotate the key", "11-27 17:00"),
    ],
)
def test_an_action_in_an_explicit_form_is_certain(
    text: str, owner: str | None, task: str | None, due: str | None
) -> None:
    items = live(text)
    if task is None:
        assert items == []
        return
    assert [(one.kind, one.owner, one.text, when(one), one.certain) for one in items] == [
        (ACTION, owner, task, due, True)
    ]


def test_an_action_with_two_owners_is_one_for_each() -> None:
    assert [one.owner for one in live("action: <@U0TOM> and @maria rehearse it by Friday")] == ["<@U0TOM>", "@maria"]


def test_an_explicit_form_keeps_code_and_quotations_in_its_words() -> None:
    (item,) = live('action: @tom run `make bench` and fix the "null" bug by Friday')
    assert (item.text, when(item)) == ('run `make bench` and fix the "null" bug', "11-27 17:00")


def test_a_decision_keeps_options_choice_and_reason() -> None:
    (item,) = live("decision: postpone to Monday (options: ship now | ship to 5 % | postpone) because finance is out")
    assert (item.kind, item.choice, item.reason) == (DECISION, "postpone to Monday", "finance is out")
    assert item.options == ("ship now", "ship to 5 %", "postpone")


def test_questions_answers_and_several_lines_of_one_message_are_told_apart() -> None:
    items = live("question: who signs?\nanswer: Carla\nnote: she is back at noon\ndecision: wait")
    assert [one.kind.value for one in items] == ["question", "answer", "note", "decision"]


@pytest.mark.parametrize(
    "text",
    [
        "hello", "", "`action: @tom delete it`", "```\naction: @tom delete it\n```", "> action: @tom delete it",
        "- [x] @tom rotate the key", "- done: rotate the key", "the action: none", "I like this decision a lot",
        "action:", "I'll check it by noon",
    ],
)  # fmt: skip
def test_a_live_message_without_an_explicit_form_gives_nothing(text: str) -> None:
    assert live(text) == []


def test_a_live_message_is_read_in_the_zone_of_its_writer() -> None:
    (tom,), (grace,) = live("action: me call by 15:00"), live("action: me call by 15:00", "<@U0GRACE>")
    assert tom.due_at is not None
    assert grace.due_at == tom.due_at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "owner", "due"),
    [
        ("Tom: I'll check the feature store by tomorrow noon", "Tom", "11-27 12:00"),
        ("Tom: I’ll check the feature store by tomorrow noon", "Tom", "11-27 12:00"),
        ("Tom: ok, I will check it by 3pm", "Tom", "11-26 15:00"),
        ("Tom: ill check it by 3pm", "Tom", "11-26 15:00"),
        ("Tom: ok will check it by 3pm", "Tom", "11-26 15:00"),
        ("Tom: I'm going to check it before lunch", "Tom", "11-26 12:00"),
        ("Tom: let me check it and get back to you by 4pm", "Tom", "11-26 16:00"),
        ("Tom: I'm rerunning it, should be through by 19:00", "Tom", "11-26 19:00"),
        ("Tom: leave it with the team, I need to renew the cert by Dec 1", "Tom", "12-01 17:00"),
        ("Tom: I'll take the doc. You'll have it by 18:00.", "Tom", "11-26 18:00"),
        ("Tom: I'll send it tonight - sorry, tomorrow morning", "Tom", "11-27 12:00"),
        ("Tom: Maria will write the postmortem by Friday", "Maria", "11-27 17:00"),
        ("Tom: Maria's going to write it by Friday", "Maria", "11-27 17:00"),
        ("Tom: <@U0MARIA> will write it by Friday", "<@U0MARIA>", "11-27 17:00"),
        ("Tom: Ms Lopez shall write it by Friday", "Ms Lopez", "11-27 17:00"),
        ("Tom: Maria needs to sign it by Dec 3", "Maria", "12-03 17:00"),
        ("Tom: Maria volunteered to draft it by Friday", "Maria", "11-27 17:00"),
        ("- Maria to inform legal by Monday", "Maria", "11-30 17:00"),
        ("- Maria -> inform legal by Monday", "Maria", "11-30 17:00"),
        ("Tom: i make the report until friday", "Tom", "11-27 17:00"),
        ("[14:00] Tom: I'll report in 20 minutes", "Tom", "11-26 14:20"),
    ],
)
def test_a_promise_with_an_owner_and_an_end_is_certain(text: str, owner: str, due: str) -> None:
    (item,) = heard(text)
    assert (item.kind, item.owner, when(item), item.certain, item.line) == (ACTION, owner, due, True, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Tom: maybe someone should look at it by Friday", "nobody was named"),
        ("Tom: we could bump the timeout", "nobody was named"),
        ("Tom: someone ought to own this", "nobody was named"),
        ("Tom: the logs should be shipped by Friday", "nobody was named"),
        ("Tom: I might look at it tomorrow", "it is hedged"),
        ("Tom: maybe I'll look at it tomorrow", "it is hedged"),
        ("Tom: I'll look at it", "no due date was said"),
        ("Tom: Bob will do it by Monday", "nobody known is called Bob"),
        ("Tom: I'll send numbers by 11 and plots by 12", "more than one due date was said"),
        ("Tom: Maria, can you look at it by Friday?", "nobody answered"),
        ("Tom: Maria and Grace will rerun it by Friday", "two people were named"),
        ("Tom: Maria and I will rerun it by Friday", "two people were named"),
        ("Maria: Tom, can you share the numbers?\nTom: yes", "no due date was said"),
    ],
)
def test_what_is_hedged_unowned_or_unanswered_is_only_offered(text: str, why: str) -> None:
    (item,) = heard(text)
    assert (item.certain, item.why_uncertain) == (False, why)


@pytest.mark.parametrize(
    "text",
    [
        "Tom: I already fixed it by noon",
        "Tom: I won't touch it before Friday",
        "Tom: I can't look at it before Friday",
        "Tom: I'll never finish this by Friday",
        "Tom: I don't think I'll finish by Friday",
        "Tom: if it fails I'll roll back by Friday",
        "Tom: I'll roll back by Friday if it fails",
        "Tom: unless it recovers I'll page Maria at noon",
        "Tom: I would fix it by Friday",
        "Tom: I was going to fix it at noon",
        "Tom: Maria said she will fix it by Friday",
        'Tom: he wrote "I will fix it by Friday"',
        "Tom: “I will fix it by Friday” was the mail",
        "Tom: > I will fix it by Friday",
        "Tom: `I will fix it by Friday`",
        "Tom: I'll eat my hat by Friday lol",
        "Tom: haha I'll fix the weather by Friday",
        "Tom: will the job finish by Friday?",
        "Tom: do you think I'll finish by Friday?",
        "Tom: I'll be on leave until Friday",
        "Tom: I'll be back by 3pm",
        "Tom: I'll see you tomorrow",
        "Tom: the report will be out by Friday",
        "Tom: it failed on Monday at noon",
        "Tom: I'll take the --",
        "Tom: let's see tomorrow",
        "Tom: should we roll back?",
        "Tom: we haven't decided to roll back",
        "Tom: today I'm going to talk about the canary",
        "Tom: I'll go over the numbers tomorrow",
        "Tom: will take as much time as possible on Monday",
        "Tom: we are not ready",
        "Tom: we keep getting reports",
        "Tom: let's go back to the slides",
        "Tom: we decided to split it last week",
        "- Tom: met on Tuesday",
        "Maria: Tom, do you have any thoughts?\nTom: yes",
    ],
)
def test_the_past_negations_conditions_quotes_jokes_and_questions_give_nothing(text: str) -> None:
    assert heard(text) == []


@pytest.mark.parametrize(
    "answer", ["will do", "Yes.", "sure thing", "ok", "on it", "👍", ":+1:", "+1", "I'll take that", "happy to"]
)
def test_a_request_that_is_accepted_is_an_action_of_the_one_asked(answer: str) -> None:
    (item,) = heard(f"Maria: Can you, Tom, rerun the eval before 3pm?\nTom: {answer}")
    assert (item.kind, item.owner, item.text, when(item), item.certain, item.line) == (
        ACTION, "Tom", "rerun the eval", "11-26 15:00", True, 1,
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["no", "sorry, I can't", "Ok but I can't today", "not me", "I don't know"])
def test_a_request_that_is_declined_is_nothing(answer: str) -> None:
    assert heard(f"Maria: Tom, can you rerun the eval before 3pm?\nTom: {answer}") == []


def test_only_the_one_asked_accepts() -> None:
    (item,) = heard("Maria: Tom, can you rerun the eval before 3pm?\nGrace: yes")
    assert (item.owner, item.certain) == ("Tom", False)


def test_an_answer_that_mentions_a_day_keeps_the_due_date_of_the_request() -> None:
    (item,) = heard("Maria: Tom, can you rerun it by 3pm?\nTom: yes, I saw the same failure in the logs on Monday")
    assert when(item) == "11-26 15:00"


def test_a_long_answer_is_heard_for_what_else_it_says() -> None:
    text = "Maria: Tom, can you rerun it by 3pm?\nTom: yes. And for the other thing, I'll write to legal by Friday"
    assert [when(one) for one in heard(text)] == ["11-26 15:00", "11-27 17:00"]


def test_the_next_promise_does_not_lend_its_end_to_the_one_before() -> None:
    items = heard("Tom: I'll take the doc. And I'll write to legal by Friday.")
    assert [(when(one), one.certain) for one in items] == [(None, False), ("11-27 17:00", True)]


def test_an_answer_may_give_the_due_date() -> None:
    (item,) = heard("Maria: Tom, please add the config to the ticket\nTom: ok, by 15:00")
    assert (item.owner, when(item), item.certain) == ("Tom", "11-26 15:00", True)


@pytest.mark.parametrize(
    "words", ["no, Friday", "sorry, Friday", "actually no, make that Friday", "uh, correction: Friday 17:00"]
)
def test_a_correction_moves_the_due_date_of_what_was_said(words: str) -> None:
    (item,) = heard(f"Tom: I'll have the fix by tomorrow noon\nMaria: ok\nTom: {words}")
    assert (when(item), item.line) == ("11-27 17:00", 1)


@pytest.mark.parametrize(
    "words", ["wait, Friday is a holiday", "no, I will not be here on Friday", "sorry, on Friday I am out"]
)
def test_a_day_that_is_only_mentioned_corrects_nothing(words: str) -> None:
    (item,) = heard(f"Tom: I'll have the fix by tomorrow noon\nTom: {words}")
    assert when(item) == "11-27 12:00"


def test_a_correction_by_somebody_else_changes_nothing() -> None:
    (item,) = heard("Tom: I'll have the fix by tomorrow noon\nMaria: no, Friday")
    assert when(item) == "11-27 12:00"


@pytest.mark.parametrize("words", ["scratch that", "never mind, it's done", "ok cancel that", "not needed anymore"])
def test_a_cancellation_takes_the_last_action_away(words: str) -> None:
    items = heard(f"Tom: I'll write to legal by Friday\nTom: I'll call the vendor by noon\nMaria: {words}")
    assert [one.line for one in items] == [1]


def test_who_minds_no_noise_cancels_nothing() -> None:
    assert len(heard("Tom: I'll call by noon\nMaria: never mind the noise, I'll write it up by Friday")) == 2


def test_another_time_in_answer_to_a_request_is_offered() -> None:
    (item,) = heard("Maria: Tom, can you rerun the eval by 3pm?\nTom: no, 5pm")
    assert (when(item), item.certain, item.why_uncertain) == ("11-26 17:00", False, "another due date was answered")


def test_a_promise_with_an_end_of_its_own_takes_nothing_over() -> None:
    items = heard("Tom: I'll rewrite the rules by Friday\nMaria: great, I'll do that tomorrow")
    assert [one.owner for one in items] == ["Tom", "Maria"]


def test_a_takeover_changes_the_owner() -> None:
    (item,) = heard("Tom: I'll rewrite the rules by Friday\nMaria: let me take that")
    assert (item.owner, item.line, when(item)) == ("Maria", 1, "11-27 17:00")


@pytest.mark.parametrize(
    "text",
    [
        "Tom: let's go with the rollback",
        "Tom: lets roll back v88",
        "Tom: we decided to hold the release because the gate is red",
        "Tom: agreed: no retrain before Monday",
        "Tom: we're going to keep 41 until Monday",
        "Tom: so we are halting it",
        "Tom: it's decided, v7 stays",
        "Tom: I've decided to halt it",
        "Tom: ok decision is to keep 41",
        "The board resolved to reject the candidate",
    ],
)
def test_a_decision_in_natural_words_is_certain(text: str) -> None:
    (item,) = heard(text)
    assert (item.kind, item.certain) == (DECISION, True)


@pytest.mark.parametrize("text", ["Tom: maybe we keep v3", "Tom: I think we stay on v3", "Tom: we stay on v3, okay?"])
def test_a_proposal_is_only_offered(text: str) -> None:
    (item,) = heard(text)
    assert (item.kind, item.certain) == (DECISION, False)


def test_lists_under_headings_are_what_the_heading_says() -> None:
    text = (
        "## Decisions\n* keep v3\n## Action items\n* Tom - restore it - by tomorrow 12:00\n"
        "## Open questions\n* who pays?\n## Talk\n* x\n"
    )
    items = heard(text, "notes.md")
    assert [(one.kind, one.owner, one.line) for one in items] == [
        (DECISION, None, 2),
        (ACTION, "Tom", 4),
        (QUESTION, None, 6),
    ]


def test_threads_are_heard_apart() -> None:
    lines = [
        Utterance("Tom, can you rerun it by 3pm?", 1, "Maria", thread="a"),
        Utterance("are you there?", 2, "Maria", thread="b"),
        Utterance("yes", 3, "Tom", thread="b"),
    ]
    (item,) = hear(lines, PEOPLE, NOW, BERLIN)
    assert not item.certain


def test_a_quote_is_never_longer_than_allowed() -> None:
    (item,) = heard("Tom: I'll check it by Friday " + "x" * 3_000)
    assert len(item.quote) == MAX_QUOTE


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        hear([], PEOPLE, datetime(2026, 11, 26), BERLIN)  # noqa: DTZ001


WORDS = [
    *(
        "I'll",
        "will",
        "Tom",
        "Maria",
        "<@U0TOM>",
        "@x",
        "a@b.cc",
        "can",
        "you",
        "please",
        "by",
        "Friday",
        "noon",
        "yes",
        "no,",
    ),
    *(
        "scratch",
        "that",
        "action:",
        "decision:",
        "-",
        "[ ]",
        "[x]",
        "maybe",
        "if",
        "said",
        "we",
        "decided",
        "to",
        "let's",
        "?",
    ),
    *(
        ".",
        ",",
        ";",
        '"',
        "`",
        "```",
        ">",
        "*",
        "\u2028",
        "\u202e",
        "\x00",
        "😂",
        ":+1:",
        "TODO(",
        ")",
        "->",
        "options:",
        "|",
    ),
    *("because", "👍", "--"),
]


def test_no_jumble_of_words_is_an_error(rng: random.Random) -> None:
    speakers = ["Tom", "Maria", "<@U0TOM>", None, "", "Ünï Çode", "-"]
    for _ in range(400):
        lines = [
            Utterance(" ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 14))), number, rng.choice(speakers))
            for number in range(1, 6)
        ]
        for item in hear(lines, PEOPLE, NOW, BERLIN):
            assert 1 <= item.line <= 5
            assert item.certain == (not item.why_uncertain)
            assert item.due_at is None or item.due_at > NOW


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_text_is_an_error(texts: list[str]) -> None:
    hear([Utterance(text, number, "Tom") for number, text in enumerate(texts, 1)], PEOPLE, NOW, BERLIN)


@pytest.mark.parametrize(
    "piece", ["I'll ", "Tom, ", "we ", "[ ] ", "by ", "10:", '"', "`", "(", "@a ", "and I will ", "a.", "\u2019"]
)
def test_long_lines_take_no_time(piece: str) -> None:
    # Reading that goes back and forth over the line would not end before the time-out of the suite.
    hear(read_notes((piece * (200_000 // len(piece))).encode()), PEOPLE, NOW, BERLIN)
