"""Chat words: what people type comes down to an order, a question or a form, and the page about them tells no lies."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.button_values import KEYS, read_value, write_value
from bot.domain.chat import ActiveRun, Form, Give, Open, OpenIncident, Question, Said, Show
from bot.domain.errors import BadInput, ConfigError
from bot.domain.words import Word
from bot.slack.halting import meant
from handlers.chat_text import plain
from handlers.commands import COMMANDS, load_commands

HERE = OpenIncident("inc-0001", "fraud-model", "production", "Halted")
OTHER = OpenIncident("inc-0002", "churn-model", "production", "Slow")
RUN = ActiveRun("run-01abc", "fraud-model", "production", "rollback_model", True, "plan1")
IN_CHANNEL = Said(
    "",
    ("churn-model", "fraud-model"),
    HERE,
    (HERE, OTHER),
    (RUN,),
    frozenset({"production", "staging"}),
    datetime(2026, 11, 26, 9, tzinfo=UTC),
    "Europe/Berlin",
    "U0IDA",
)
ELSEWHERE = Said("", ("churn-model", "fraud-model"), None, (HERE, OTHER), (RUN,))
WORDS = load_commands()
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,20}", fullmatch=True)


def translated(text: str, said: Said = IN_CHANNEL) -> Any:
    """What `/andon text` means."""
    word, _, rest = text.partition(" ")
    return WORDS[word].translate(said.saying(rest))


TABLE: list[tuple[str, Any]] = [
    ("status", Show(Question.STATUS, "inc-0001")),
    ("status churn-model", Show(Question.STATUS, "churn-model")),
    ("promote", Give(Word.PROMOTE, "fraud-model")),
    ("promote churn-model the data is there", Give(Word.PROMOTE, "churn-model", "the data is there")),
    ("gate", Show(Question.GATE, "fraud-model")),
    ("gate churn-model", Show(Question.GATE, "churn-model")),
    ("rollback F1 is down", Give(Word.ROLLBACK, "fraud-model", "F1 is down", "production")),
    ("rollback churn-model F1 is down", Give(Word.ROLLBACK, "churn-model", "F1 is down")),
    ("rollback fraud-model staging F1", Give(Word.ROLLBACK, "fraud-model", "F1", "staging")),
    ("drill", Give(Word.DRILL, "fraud-model")),
    ("drill churn-model staging", Give(Word.DRILL, "churn-model", environment="staging")),
    ("drill fraud-model Surprise", Give(Word.DRILL, "fraud-model", details={"surprise": True})),
    (
        "drill fraud-model staging surprise",
        Give(Word.DRILL, "fraud-model", environment="staging", details={"surprise": True}),
    ),
    ("approve", Give(Word.APPROVE, "run-01abc", details={"plan_hash": "plan1"})),
    ("approve run-01abc looks right", Give(Word.APPROVE, "run-01abc", "looks right", details={"plan_hash": "plan1"})),
    ("approve RUN-01ABC", Give(Word.APPROVE, "run-01abc", details={"plan_hash": "plan1"})),
    ("approve run-09gone", Give(Word.APPROVE, "run-09gone")),
    ("reject not now", Give(Word.REJECT, "run-01abc", "not now", details={"plan_hash": "plan1"})),
    ("take", Give(Word.TAKE, "inc-0001")),
    ("take inc-0002", Give(Word.TAKE, "inc-0002")),
    ("take churn-model", Give(Word.TAKE, "inc-0002")),
    ("accept", Give(Word.ACCEPT, "inc-0001")),
    ("handover <@U0RAJ> going home", Give(Word.HANDOVER, "inc-0001", "going home", details={"to": "<@U0RAJ>"})),
    ("handover", Open(Form.HANDOVER, "inc-0001")),
    ("lift the flag is off", Give(Word.LIFT, "fraud-model", "the flag is off")),
    ("lift churn-model fixed", Give(Word.LIFT, "churn-model", "fixed")),
    ("hands-off 2h deploy", Give(Word.HANDS_OFF, "fraud-model", "deploy", details={"for": "2h"})),
    ("hands-off churn-model 1h30m", Give(Word.HANDS_OFF, "churn-model", details={"for": "1h30m"})),
    ("decide", Open(Form.DECISION, "inc-0001")),
    ("action", Open(Form.ACTION_ITEM, "inc-0001")),
    (
        "action <@U0RAJ> check the joins by tomorrow noon",
        Give(
            Word.ACTION,
            "inc-0001",
            details={
                "text": "check the joins",
                "owner": "<@U0RAJ>",
                "due_text": "by tomorrow noon",
                "zone": "Europe/Berlin",
            },
        ),
    ),
    (
        "question <@U0MIA> which experiments?",
        Give(Word.QUESTION, "inc-0001", details={"owner": "<@U0MIA>", "text": "which experiments?"}),
    ),
    ("update all is well", Give(Word.UPDATE, "inc-0001", details={"text": "all is well"})),
    ("update anyway: he did it", Give(Word.UPDATE, "inc-0001", details={"text": "he did it", "anyway": True})),
    ("update", Open(Form.UPDATE, "inc-0001")),
    ("meeting start", Give(Word.MEETING_START, "inc-0001")),
    ("meeting End inc-0002", Give(Word.MEETING_END, "inc-0002")),
    ("meeting cancel", Give(Word.MEETING_CANCEL, "inc-0001")),
    (
        "meeting propose tomorrow 10:00",
        Give(Word.MEETING_PROPOSE, "inc-0001", details={"starts_at": "tomorrow 10:00", "zone": "Europe/Berlin"}),
    ),
    ("notes", Open(Form.NOTES, "inc-0001")),
    ("notes we keep 41", Give(Word.NOTES, "inc-0001", details={"text": "we keep 41"})),
    (
        "notes https://acme.slack.com/files/U0IDA/F0123AB/call.vtt",
        Give(Word.NOTES, "inc-0001", details={"file": "F0123AB"}),
    ),
    (
        "attach fraud-model <https://acme.slack.com/files/U0IDA/F0123AB/shot.png>",
        Give(Word.REPORT, "inc-0001", details={"file": "F0123AB"}),
    ),
    ("timeline", Show(Question.TIMELINE, "inc-0001")),
    ("endorse", Give(Word.ENDORSE, "inc-0001", "endorsed in chat")),
    ("resolve churn-model it was nothing", Give(Word.RESOLVE, "inc-0002", "it was nothing")),
    ("help lift", Show(Question.HELP, "lift")),
]


@pytest.mark.parametrize(("text", "meaning"), TABLE, ids=[text for text, _ in TABLE])
def test_words_come_down_to_what_they_mean(text: str, meaning: Any) -> None:
    assert translated(text) == meaning


REFUSED = [
    ("rollback", "A reason is needed"),
    ("rollback fraud-modle F1", "did you mean fraud-model"),
    ("drill fraud-modle", "did you mean fraud-model"),
    ("drill fraud-model mars", "the environments are production, staging"),
    ("drill fraud-model staging staging", "neither an environment nor `surprise`"),
    ("lift", "A reason is needed"),
    ("lift fraud-modle fixed", "did you mean fraud-model"),
    ("hands-off", "For how long?"),
    ("hands-off soon", "For how long?"),
    ("take fraud-modle", "did you mean fraud-model"),
    ("meeting", "What about the meeting?"),
    ("meeting now", "What about the meeting?"),
    ("attach", "Which file?"),
    ("attach https://example.com/shot.png", "Which file?"),
    ("question", "What is the question?"),
    ("resolve", "A reason is needed"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED, ids=[text for text, _ in REFUSED])
def test_words_that_make_no_sense_are_answered_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        translated(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("word", ["take", "timeline", "update all is well", "resolve over"])
def test_where_more_than_one_incident_is_open_and_none_is_here_it_has_to_be_named(word: str) -> None:
    with pytest.raises(BadInput, match="Which incident"):
        translated(word, ELSEWHERE)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fraud-model F1 is down", ("fraud-model", "F1 is down")),
        ("churn-model", ("churn-model", "")),
        ("all the store lies", ("all", "the store lies")),
        ("ALL of it", ("all", "of it")),
        ("F1 is down", ("fraud-model", "F1 is down")),
        ("", ("fraud-model", "")),
        ("fraud-modle F1 is down", (None, "fraud-modle F1 is down")),
        ("checkout-model F1 is down", (None, "checkout-model F1 is down")),
        ("re-ranking is slow", (None, "re-ranking is slow")),
        ("F-1 is down", ("fraud-model", "F-1 is down")),
    ],
)
def test_a_halt_in_a_channel_means_its_service_unless_another_one_may_be_meant(
    words: str, expected: tuple[str | None, str]
) -> None:
    assert meant(IN_CHANNEL.saying(words)) == expected


def test_a_halt_elsewhere_has_to_name_its_service() -> None:
    assert meant(ELSEWHERE.saying("F1 is down")) == (None, "F1 is down")


@given(st.sampled_from(sorted(WORDS)), st.text(max_size=200))
def test_no_words_break_a_translation(name: str, words: str) -> None:
    for said in (IN_CHANNEL, ELSEWHERE, Said("")):
        with suppress(BadInput):
            WORDS[name].translate(said.saying(words))


def test_every_file_of_words_is_listed(checkout: Path) -> None:
    files = {path.stem for path in (checkout / "handlers" / "commands").glob("*.py") if path.stem != "__init__"}
    assert {place.partition(":")[0].rpartition(".")[2] for place in COMMANDS} == files
    assert set(WORDS) == {name.replace("_", "-") for name in files}


def test_two_words_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="status"):
        load_commands((COMMANDS[0], COMMANDS[0]))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("<@U0IDA|ida> &amp; <@W0RAJ>", "<@U0IDA> & <@W0RAJ>"),
        ("<#C0MLREL|ml-releases> <#C0X>", "#ml-releases #C0X"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("<http://example.com|example.com>", "example.com"),
        ("<https://example.com/x|the page>", "the page (https://example.com/x)"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<!subteam^S0ONCALL|@oncall>", "<!subteam^S0ONCALL>"),
        ("<!here> <!channel|channel>", "@here channel"),
        ("&lt;!channel&gt; &amp;lt;", "<!channel> &lt;"),
        ("a < b and b > c", "a < b and b > c"),
        ("<burns>", "<burns>"),
    ],
)
def test_slacks_escapes_are_read_as_what_was_written(sent: str, read: str) -> None:
    assert plain(sent) == read


@given(st.dictionaries(st.sampled_from(sorted(KEYS - {"why"})), NAMES), st.text(max_size=300))
def test_what_a_button_is_given_is_what_comes_back(pairs: dict[str, str], why: str) -> None:
    from bot.domain.strict_json import storable

    words = storable(why)
    read = read_value(write_value({**pairs, "why": words}))
    assert read == ({**pairs, "why": words} if words else pairs)


@given(st.text(max_size=400))
def test_no_value_of_a_button_breaks_the_reading(text: str) -> None:
    try:
        found = read_value(text)
    except BadInput:
        return
    assert set(found) <= KEYS


def test_every_word_has_its_line_on_the_page_with_its_usage_and_its_summary(checkout: Path) -> None:
    page = (checkout / "docs" / "chat.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)(?: (.*?))?` \| (.*?) \| `/andon (.*?)` \| (.+?) \|$", page, re.MULTILINE)
    assert {name: (usage, summary) for name, usage, summary, _, _ in rows} == {
        one.name: (one.usage.removesuffix(" [why]") if one.name in ("take", "accept") else one.usage, one.summary)
        for one in WORDS.values()
    }
    for name, *_, example, says in rows:
        assert example.partition(" ")[0] == name
        assert says.strip()


def test_the_examples_of_the_page_are_understood(checkout: Path) -> None:
    page = (checkout / "docs" / "chat.md").read_text(encoding="utf-8")
    for example in re.findall(r"\| `/andon (.*?)` \|", page):
        assert translated(example.replace("@mia", "<@U0MIA>")) is not None
