"""Letters as Slack shows them: within every limit, cut where a reader would cut, and dead but for the configured."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.fake_slack import Message, live_parts, message_faults
from support.fake_slack.block_judge import is_too_long, texts_of
from support.hostile_texts import HOSTILE, PAGE

from bot.adapters.slack.blocks import MOST_CHARACTERS, SlackWords, slack_words
from bot.adapters.slack.mrkdwn import clean, escaped, head, one_line, pieces, size
from bot.domain.letters import Button, ButtonStyle, Letter


def message_of(words: SlackWords) -> Message:
    return Message("C0MLREL", "1.1", "U0ANDON", words.text, words.blocks, sent={"parse": "none"})


def judged(letter: Letter, mark: str = "andon_notice-ntc-1") -> SlackWords:
    """The words, after every promise about limits and life was held against them."""
    words = slack_words(letter, mark=mark)
    assert message_faults(words.blocks) == []
    assert not is_too_long(words.blocks)
    assert sum(size(text) for _, text, _ in texts_of(words.blocks)) <= MOST_CHARACTERS + 500
    assert 0 < len(words.text) <= 4_000
    allowed = {f"@{one}" for one in letter.mentions} | {f"!subteam^{one}" for one in letter.mentions}
    for part in live_parts(message_of(words)):
        assert (
            part in allowed or part == escaped(letter.link or "") or part.startswith(f"{escaped(letter.link or '-')}|")
        )
    return words


def section_texts(words: SlackWords) -> list[str]:
    return [block["text"]["text"] for block in words.blocks if block["type"] == "section"]


def test_a_letter_has_a_header_a_body_buttons_and_a_line_about_the_page() -> None:
    letter = Letter(
        "SEV-2: fraud-model is restored",
        "**Effect:** none now.\n\n- step `a` done\n- step b done\n\nMore: " + PAGE,
        buttons=(
            Button("endorse", "Endorse", "run=r1", ButtonStyle.PRIMARY, confirm="Accept the restored state?"),
            Button("take", "Take over", "incident=i1"),
        ),
        mentions=("U0IDA", "S0ONCALL"),
        link=PAGE,
    )
    words = judged(letter)
    assert [block["type"] for block in words.blocks] == ["header", "section", "section", "actions", "context"]
    assert words.blocks[0]["text"] == {"type": "plain_text", "text": "SEV-2: fraud-model is restored"}
    assert words.blocks[0]["block_id"] == "andon_notice-ntc-1-0"
    assert section_texts(words) == [
        "<@U0IDA> <!subteam^S0ONCALL>",
        f"*Effect:* none now.\n\n• step `a` done\n• step b done\n\nMore: <{PAGE}>",
    ]
    endorse, take = words.blocks[3]["elements"]
    assert (endorse["action_id"], endorse["value"], endorse["style"]) == ("endorse", "run=r1", "primary")
    assert endorse["confirm"]["text"]["text"] == "Accept the restored state?"
    assert "style" not in take
    assert "confirm" not in take
    assert words.blocks[4]["elements"][0]["text"] == f"<{PAGE}|The page shows more>"
    assert words.text.startswith("SEV-2: fraud-model is restored\n*Effect:* none now.")
    assert "<@" not in words.text


def test_every_mrkdwn_is_verbatim() -> None:
    words = judged(Letter("s", "b\n" * 2000, mentions=("U0IDA",), link=PAGE))
    assert all(verbatim for kind, _, verbatim in texts_of(words.blocks) if kind == "mrkdwn")


def test_the_same_letter_gives_the_same_blocks() -> None:
    letter = Letter("s", "b", (Button("a", "A", "v"),), ("U0IDA",), link=PAGE)
    assert slack_words(letter) == slack_words(letter)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["subject", "body", "label", "confirm", "value", "action", "mention", "link", "code"])
def test_nothing_from_outside_comes_alive_in_any_field(hostile: str, field: str) -> None:
    values = dict.fromkeys(("subject", "body", "label", "confirm", "value", "action"), "x") | {field: hostile}
    body = f"before\n```\n{hostile}\n```\nafter" if field == "code" else values["body"]
    button = Button(values["action"], values["label"], values["value"], confirm=values["confirm"])
    letter = Letter(
        values["subject"],
        body,
        (button,),
        (hostile,) if field == "mention" else (),
        link=hostile if field == "link" else PAGE,
    )
    words = slack_words(letter)
    assert message_faults(words.blocks) == []
    live = set(live_parts(message_of(words)))
    # The address of the page is ours, whatever it looks like; it is the only thing that may be clicked.
    page = letter.link if letter.link and letter.link.startswith("https://") else PAGE
    assert live <= {page, f"{page}|The page shows more"}, live


def test_a_check_that_sees_what_is_alive_is_no_blind_check() -> None:
    """The control: without escaping, the same check finds the hostile texts."""
    seen = [one for one in HOSTILE if live_parts(Message("C", "1", "U", one))]
    assert len(seen) >= 20


@pytest.mark.parametrize("id_", ["U0IDA", "W012345", "S0ONCALL"])
def test_configured_ids_call_people_and_groups(id_: str) -> None:
    expected = f"!subteam^{id_}" if id_.startswith("S") else f"@{id_}"
    assert live_parts(message_of(judged(Letter("s", "b", mentions=(id_,))))) == [expected]


@pytest.mark.parametrize(
    "id_", ["channel", "!channel", "C0MLREL", "u0ida", "U0IDA>", "U0IDA|x", "", "U" * 60, "@U0IDA"]
)
def test_what_is_no_id_calls_nobody(id_: str) -> None:
    assert live_parts(message_of(slack_words(Letter("s", "b", mentions=(id_,))))) == []


ALPHABET = st.sampled_from(
    [
        *HOSTILE,
        "a",
        " ",
        "\n",
        "\n\n",
        "- ",
        "```",
        "\n```\n",
        "`",
        "**",
        "&",
        "<",
        ">",
        "שלום",
        "👩‍👩‍👧",
        "é",
        "x" * 700,
    ]
)
HOSTILE_TEXT = st.lists(st.one_of(ALPHABET, st.text(max_size=40)), max_size=60).map("".join)
BUTTONS = st.builds(
    Button,
    action=st.one_of(st.sampled_from(["approve", "retry"]), st.text(max_size=300)),
    label=HOSTILE_TEXT,
    value=st.text(max_size=2100),
    style=st.sampled_from(ButtonStyle),
    confirm=st.one_of(st.just(""), HOSTILE_TEXT),
)
LETTERS = st.builds(
    Letter,
    subject=HOSTILE_TEXT,
    body=HOSTILE_TEXT,
    buttons=st.lists(BUTTONS, max_size=6).map(tuple),
    mentions=st.lists(st.one_of(st.sampled_from(["U0IDA", "S0ONCALL"]), HOSTILE_TEXT), max_size=5).map(tuple),
    link=st.one_of(st.none(), st.just(PAGE), HOSTILE_TEXT),
)


@settings(max_examples=400, deadline=None)
@given(LETTERS)
@example(Letter("", ""))
@example(Letter("x" * 5000, "&" * 12_000))
@example(Letter("s", "<" * 9_999))
@example(Letter("s", "👩‍👩‍👧" * 3_000))
@example(Letter("s", "```\n" + "x&\n" * 4_000 + "```"))
@example(Letter("s", "\n" * 9_000))
@example(Letter("s", f"{PAGE} " * 400, link=PAGE))
@example(Letter("s", "b", tuple(Button("retry", "Retry", f"step={n}") for n in range(60))))
@example(Letter("s", "b", tuple(Button(f"a{n}", "x" * 90, "v" * 2001 if n % 2 else "v") for n in range(60))))
@example(Letter("s", "b", mentions=("U0IDA",) * 5000))
def test_any_letter_is_within_every_limit_and_dead(letter: Letter) -> None:
    judged(letter)


def test_a_long_body_is_cut_and_the_page_shows_the_rest() -> None:
    words = judged(Letter("s", "\n\n".join(f"paragraph {n} " + "word " * 60 for n in range(60)), link=PAGE))
    texts = section_texts(words)
    assert all(size(text) <= 3_000 for text in texts)
    assert 8_000 < sum(map(size, texts)) <= MOST_CHARACTERS
    assert words.blocks[-1]["elements"][0]["text"] == f"… <{PAGE}|the page shows the rest>"
    assert all(text.lstrip("\n").startswith("paragraph") for text in texts), "cut between paragraphs"


def test_a_body_is_cut_between_lines_where_it_has_no_paragraphs() -> None:
    texts = section_texts(judged(Letter("s", "\n".join(f"line {n} of the list" for n in range(300)))))
    assert len(texts) > 1
    assert "\n".join(texts).split("\n") == [f"line {n} of the list" for n in range(300)]


def test_an_escape_is_never_cut_in_two() -> None:
    for text in section_texts(judged(Letter("s", "<&>" * 1_500))):
        assert re.fullmatch(r"(?:&lt;|&amp;|&gt;)+", text)


def test_a_link_is_never_cut_in_two() -> None:
    text = "".join(section_texts(judged(Letter("s", f"see {PAGE} " * 150, link=PAGE))))
    assert text.count("<") == text.count(">") == text.count(f"<{PAGE}>") > 100


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"  step {n}: **not bold** - <tag> & `tick`" for n in range(120))
    texts = section_texts(judged(Letter("s", f"Log:\n```yaml\n{code}\n```\nThat is all.")))
    assert len(texts) > 1
    assert all(text.count("```") % 2 == 0 for text in texts)
    joined = "\n".join(texts).replace("\n```\n```\n", "\n")
    assert joined == f"Log:\n```\n{escaped(code)}\n```\nThat is all."


def test_a_code_block_that_never_ends_is_closed() -> None:
    assert section_texts(judged(Letter("s", "```\nx = 1"))) == ["```\nx = 1\n```"]


def test_emoji_combining_marks_and_right_to_left_text_stay_whole() -> None:
    body = "שלום עולם 👩‍👩‍👧‍👦 e\u0301 नमस्ते 🇩🇪"
    assert section_texts(judged(Letter(body, body))) == [body]
    family = "👩‍👩‍👧‍👦"
    for text in section_texts(judged(Letter("s", family * 400))):
        assert text.replace(family, "").strip("\n") == "", "no family is taken apart"


def test_light_markdown_becomes_mrkdwn() -> None:
    body = "# Title\n**bold** and **more bold**, 2 ** 3, `**code**`\n* one\n+ two\n  - three"
    assert section_texts(judged(Letter("s", body))) == [
        "*Title*\n*bold* and *more bold*, 2 ** 3, `**code**`\n• one\n• two\n  • three"
    ]


def test_buttons_with_the_same_action_stand_in_rows_of_their_own() -> None:
    letter = Letter("s", "b", tuple(Button("retry", f"Retry {n}", f"step={n}") for n in range(3)))
    rows = [block for block in judged(letter).blocks if block["type"] == "actions"]
    assert [[one["value"] for one in row["elements"]] for row in rows] == [["step=0"], ["step=1"], ["step=2"]]


def test_a_button_that_slack_cannot_carry_is_left_to_the_page() -> None:
    words = judged(Letter("s", "b", (Button("a", "A", "v" * 2001), Button("b", "B", "v" * 2000)), link=PAGE))
    assert [one["action_id"] for block in words.blocks if block["type"] == "actions" for one in block["elements"]] == [
        "b"
    ]
    assert "the page shows the rest" in str(words.blocks[-1])


def test_a_long_subject_stands_whole_under_its_cut_header() -> None:
    subject = "fraud-model " * 20
    words = judged(Letter(subject, "b"))
    assert words.blocks[0]["text"]["text"].endswith("…")
    assert section_texts(words)[0] == subject.strip()


def test_a_letter_without_words_says_so() -> None:
    assert judged(Letter("", "")).text == "(no words)"


def test_a_link_that_is_no_address_is_not_made_one() -> None:
    for url in ("javascript:alert(1)", "https://a|b", "https://a b", "https://a>", "andon", "ftp://a"):
        assert "<" not in str(slack_words(Letter("s", "b", link=url)).blocks)


def test_a_body_of_a_megabyte_is_cut_in_no_time() -> None:
    started = time.perf_counter()
    judged(Letter("s" * 1_000_000, "<&> word\n" * 120_000, link=PAGE))
    judged(Letter("s", "&" * 1_000_000))
    assert time.perf_counter() - started < 5


@given(st.text(max_size=300), st.integers(min_value=1, max_value=300))
def test_a_head_is_a_beginning_that_fits(text: str, most: int) -> None:
    found = head(text, most)
    assert text.startswith(found)
    assert size(found) <= most


def test_what_cannot_travel_is_taken_out() -> None:
    assert clean("a\x00b\x1bc\ud800d\u202ee\r\nf\tg") == "abcde\nf\tg"
    assert one_line("a\n\n b\tc", 100) == "a b c"
    assert one_line("x" * 10, 5) == "xxxx…"
    assert escaped("<&>") == "&lt;&amp;&gt;"


def test_pieces_without_a_body_are_none() -> None:
    assert pieces("", most=100, total=100) == ([], False)
    assert pieces("\n\n\n", most=100, total=100) == ([], False)


GOLDEN = sorted((Path(__file__).resolve().parents[1] / "golden" / "notices").glob("*.txt"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_shipped_notice_is_whole_and_dead_in_slack(path: Path) -> None:
    letters = re.split(r"^===== .+ =====\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert letters
    for text in letters:
        subject, _, body = text.partition("\n")
        words = judged(Letter(subject.removeprefix("Subject: "), body.strip("\n")))
        assert live_parts(message_of(words)) == []
        assert "the page shows the rest" not in str(words.blocks)
        shown = "\n".join(section_texts(words))
        assert all(escaped(line).lstrip("-* ")[:60] in shown for line in body.splitlines() if "**" not in line)
