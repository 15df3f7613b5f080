"""Formats of notes: who said what, at which line and when, and what hostile files get."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput, ConfigError
from bot.domain.heard import Utterance
from handlers.notes import MAX_BYTES, MAX_UTTERANCES, NOTES, detect_format, load_notes, read_notes, read_people
from handlers.slack_text import plain_text
from handlers.speech_labels import read_clock


def said(text: str, name: str = "notes.txt") -> list[tuple[int, str | None, str]]:
    return [(one.line, one.speaker, one.text) for one in read_notes(text.encode(), name)]


@pytest.mark.parametrize(
    ("line", "speaker", "text", "clock"),
    [
        ("Maria: hello", "Maria", "hello", None),
        ("Maria Lopez: hello", "Maria Lopez", "hello", None),
        ("MARIA LOPEZ:  hello", "MARIA LOPEZ", "hello", None),
        ("[10:02] Maria: hello", "Maria", "hello", time(10, 2)),
        ("10:02 Maria Lopez: hello", "Maria Lopez", "hello", time(10, 2)),
        ("(10:02:30) Maria: hello", "Maria", "hello", time(10, 2, 30)),
        ("Maria (1:05 PM): hello", "Maria", "hello", time(13, 5)),
        ("Maria [10:02]: hello", "Maria", "hello", time(10, 2)),
        ("<maria> hello", "maria", "hello", None),
        ("maria> hello", "maria", "hello", None),
        ("[Maria] hello", "Maria", "hello", None),
        ("**Maria**: hello", "Maria", "hello", None),
        ("**Maria:** hello", "Maria", "hello", None),
        ("<@U0MARIA>: hello", "<@U0MARIA>", "hello", None),
        ("Zoë O'Neil-Sørensen: hello", "Zoë O'Neil-Sørensen", "hello", None),
        ("decision: hold it", None, "decision: hold it", None),
        ("action: @tom does it", None, "action: @tom does it", None),
        ("Next steps: none", None, "Next steps: none", None),
        ("see https://example.com: it is there", None, "see https://example.com: it is there", None),
        ("no colon here", None, "no colon here", None),
        ("99:99 Maria: hello", "Maria", "hello", None),
    ],
)
def test_a_line_of_a_chat_has_its_speaker(line: str, speaker: str | None, text: str, clock: time | None) -> None:
    (one,) = read_notes(line.encode(), "notes.txt")
    assert (one.speaker, one.text, one.clock) == (speaker, text, clock)


def test_lines_go_on_with_the_speaker_until_a_blank_line_or_a_bullet() -> None:
    text = "Maria: one\ntwo\n\nthree\nTom: four\n- five\nsix\n"
    assert said(text) == [
        (1, "Maria", "one"), (2, "Maria", "two"), (4, None, "three"), (5, "Tom", "four"), (6, None, "- five"),
        (7, None, "six"),
    ]  # fmt: skip


def test_a_copied_chat_names_its_speaker_on_a_line_of_its_own() -> None:
    lines = read_notes(b"Maria Lopez  10:05 AM\nfirst\nsecond\nTom Becker [10:06]\nthird\n", "paste.txt")
    assert [(one.line, one.speaker, one.text, one.clock) for one in lines] == [
        (2, "Maria Lopez", "first", time(10, 5)),
        (3, "Maria Lopez", "second", time(10, 5)),
        (5, "Tom Becker", "third", time(10, 6)),
    ]


def test_markdown_gives_headings_and_leaves_out_code_quotations_tables_and_struck_text() -> None:
    text = (
        "# Sync\n## Actions\n- [ ] one\n```\ncode\n```\n> quoted\n| a | b |\n~~gone~~ left\n**Decisions**\n* two\n"
        "~~~\nopen\n"
    )
    lines = read_notes(text.encode(), "notes.md")
    assert [(one.line, one.heading, one.text) for one in lines] == [
        (3, "Actions", "- [ ] one"),
        (9, "Actions", "left"),
        (11, "Decisions", "* two"),
    ]


VTT = """WEBVTT - a call

STYLE
::cue { color: red }

NOTE a comment
over two lines

1
00:01.000 --> 00:03.000 align:start
<v Maria Lopez>I'll check <i>it</i> &amp;
report.</v>

01:00:02,500 --> 01:00:04.000
Tom: fine
<v.loud Olga>and me

-00:01.000 --> later
[Sam] no time at all

00:05.000 --> 00:06.000
"""


def test_webvtt_has_voices_labels_entities_and_cues_of_several_lines() -> None:
    lines = read_notes(VTT.encode(), "call.vtt")
    assert [(one.line, one.speaker, one.text, one.offset_seconds) for one in lines] == [
        (11, "Maria Lopez", "I'll check it & report.", 1.0),
        (15, "Tom", "fine", 3602.5),
        (16, "Olga", "and me", 3602.5),
        (19, "Sam", "no time at all", None),
    ]


def test_a_sentence_that_goes_on_in_the_next_cue_is_one_utterance() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nTom: I'll do it\n\n00:02.100 --> 00:03.000\nTom: by Friday.\n\n"
        "00:03.200 --> 00:04.000\nTom: ok\n"
    )
    assert said(text, "x.vtt") == [(4, "Tom", "I'll do it by Friday."), (10, "Tom", "ok")]


@pytest.mark.parametrize("gap", ["00:09.000 --> 00:10.000\nTom: by Friday", "00:02.100 --> 00:03.000\nOlga: by Friday"])
def test_after_a_pause_or_by_another_it_is_another_utterance(gap: str) -> None:
    assert len(said(f"WEBVTT\n\n00:01.000 --> 00:02.000\nTom: I'll do it\n\n{gap}\n", "x.vtt")) == 2


def test_srt_has_numbers_commas_and_labels() -> None:
    text = (
        "1\n00:00:01,250 --> 00:00:02,000\nMaria: one\nmore\n\n2\n00:00:03,000 --> 00:00:04,000\n\n"
        "3\n0:0:5,0 --> 0:0:6,0\n[Tom] two\n"
    )
    lines = read_notes(text.encode(), "call.srt")
    assert [(one.line, one.speaker, one.text, one.offset_seconds) for one in lines] == [
        (3, "Maria", "one more", 1.25),
        (11, "Tom", "two", 5.0),
    ]


def slack(*messages: dict[str, object]) -> list[Utterance]:
    return read_notes(json.dumps(list(messages)).encode(), "thread.json")


def test_slack_messages_are_read_thread_by_thread_in_the_order_of_time() -> None:
    lines = slack(
        {"ts": "30.5", "user": "U2", "text": "late &amp; &lt;good&gt;", "thread_ts": "10.0"},
        {"ts": "20.0", "user": "U3", "text": "other thread"},
        {"ts": "10.0", "user": "U1", "text": "root", "thread_ts": "10.0", "edited": {"user": "U1", "ts": "40"}},
        {"ts": "11.0", "user": "U4", "text": "joined", "subtype": "channel_join", "thread_ts": "10.0"},
        {"ts": "12.0", "bot_id": "B1", "text": "beep", "thread_ts": "10.0"},
        {"ts": "13.0", "user": "U5", "text": "", "thread_ts": "10.0"},
        {"ts": "14.0", "username": "mail", "text": "by mail", "thread_ts": "10.0", "subtype": "thread_broadcast"},
    )
    assert [(one.line, one.speaker, one.text, one.thread, one.ref) for one in lines] == [
        (3, "<@U1>", "root", "10.0", "10.0"),
        (7, "mail", "by mail", "10.0", "14.0"),
        (1, "<@U2>", "late & <good>", "10.0", "30.5"),
        (2, "<@U3>", "other thread", "20.0", "20.0"),
    ]
    assert lines[2].at == datetime(1970, 1, 1, 0, 0, 30, 500_000, tzinfo=UTC)


def test_slack_messages_may_stand_in_an_object() -> None:
    body = json.dumps({"ok": True, "messages": [{"ts": "1.0", "user": "U1", "text": "hi"}]})
    assert said(body, "history.json") == [(1, "<@U1>", "hi")]


def test_a_slack_export_makes_its_people_known() -> None:
    body = {
        "users": [
            {
                "id": "U1",
                "name": "mlopez",
                "tz": "Europe/London",
                "profile": {"real_name": "Maria Lopez", "email": "m@example.com"},
            },
            {"id": "U2", "name": "tom", "tz": "Mars/Olympus", "profile": None},
            {"name": "no id"},
            7,
        ],
        "messages": [
            {"ts": "1.0", "user": "U3", "text": "hi", "user_profile": {"display_name": "Olga"}},
            {"ts": "2.0", "user": "U1", "text": "hi", "user_profile": {"real_name": "M."}},
        ],
    }
    people = {one.id: one for one in read_people(json.dumps(body).encode(), "a.json")}
    assert {key: (one.name, one.mail) for key, one in people.items()} == {
        "U1": ("Maria Lopez", "m@example.com"),
        "U2": ("tom", ""),
        "U3": ("Olga", ""),
    }
    assert str(people["U1"].zone) == "Europe/London"
    assert people["U2"].zone is None
    by_id = {**body, "users": {"U1": body["users"][0]}}
    assert len(read_people(json.dumps(by_id).encode(), "a.json")) == 2


def test_other_formats_make_nobody_known() -> None:
    assert read_people(b"Maria: hello", "a.txt") == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a &amp; b &lt;c&gt; &amp;lt;", "a & b <c> &lt;"),
        ("<mailto:lead@example.com|lead@example.com> and <mailto:x@example.com>", "lead@example.com and x@example.com"),
        ("see <https://example.com/a|the page> or <https://example.com/b>", "see the page or https://example.com/b"),
        ("in <#C1|general> and <#C2>", "in #general and #channel"),
        ("<!here> <!subteam^S1|@oncall>", "here oncall"),
        ("<@U0LEAD> and <@U0LEAD|lead>", "<@U0LEAD> and <@U0LEAD>"),
        ("<" * 1_000 + "a", "<" * 1_000 + "a"),
    ],
)
def test_slack_text_is_what_a_person_reads(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.vtt", "WEBVTT\n", "webvtt"),
        ("a.VTT", "anything", "webvtt"),
        ("a.srt", "anything", "srt"),
        ("a.json", "[]", "slack"),
        ("a.md", "anything", "markdown"),
        ("a.txt", "Maria: hello", "plain"),
        ("a.txt", "WEBVTT\n\n", "webvtt"),
        ("", "1\n00:00:01,000 --> 00:00:02,000\nhi", "srt"),
        ("", '[{"ts": "1.0"}]', "slack"),
        ("", "intro\n## Actions\n", "markdown"),
        ("", "- [ ] do it\n", "markdown"),
        ("", "WEBVTTX", "plain"),
        ("no ending", "", "plain"),
    ],
)
def test_a_format_is_told_by_its_name_and_else_by_its_looks(name: str, text: str, expected: str) -> None:
    assert detect_format(name, text).name == expected


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("a.txt", b"", "Nothing was said"),
        ("a.txt", b" \n\t\n", "Nothing was said"),
        ("a.txt", b"caf\xe9", "byte 3"),
        ("a.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("a.txt", b"x" * (MAX_BYTES + 1), "too large"),
        ("a.txt", b"a\n" * (MAX_UTTERANCES + 1), "too long"),
        ("a.vtt", b"hello", "not WebVTT"),
        ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n", "no cue"),
        ("a.srt", b"hello", "not SRT"),
        ("a.json", b"hello", "not JSON"),
        ("a.json", b"{}", "messages"),
        ("a.json", b"3", "no list"),
        ("a.json", b"[3]", "message 1 is no object"),
        ("a.json", b'[{"ts": "1.0", "user": "U", "text": "a"}, {"text": "b"}]', "message 2: ts"),
        ("a.json", b'[{"ts": "soon", "user": "U", "text": "a"}]', "message 1: ts is no time"),
        ("a.json", b'[{"ts": "1e999", "user": "U", "text": "a"}]', "message 1: ts is no time"),
        ("a.json", b'[{"ts": "nan", "user": "U", "text": "a"}]', "message 1: ts is no time"),
        ("a.json", b'[{"ts": "1", "user": "U", "text": "a", "thread_ts": "inf"}]', "message 1: ts is no time"),
        ("a.json", b"[" * 100, "deep"),
        ("a.json", b'[{"ts": "1.0", "user": 7, "text": "a"}]', "message 1: user"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong(name: str, raw: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read_notes(raw, name)


def test_utf_16_byte_order_marks_and_other_line_ends_are_read() -> None:
    for raw in ("Maria: één\r\nTom: two\r".encode("utf-16"), "\ufeffMaria: één\rTom: two".encode()):
        assert [(one.line, one.text) for one in read_notes(raw, "a.txt")] == [(1, "één"), (2, "two")]


def test_nul_is_replaced() -> None:
    assert said("Maria: a\x00b") == [(1, "Maria", "a\ufffdb")]


NAMES = ["a.txt", "a.vtt", "a.srt", "a.json", "a.md", ""]
PIECES = [
    *(
        "WEBVTT\n",
        "\n",
        "\n\n",
        "00:01.000 --> 00:02.000\n",
        "-1:00 --> x\n",
        "1\n",
        "Maria: ",
        "<v ",
        "<v A>",
        ">",
        "- [ ] ",
    ),
    *(
        "# ",
        "```",
        "~~~",
        "> ",
        "[",
        "{",
        '{"ts": "1.0", ',
        '"text": "x"}',
        "]",
        "}",
        ",",
        '"',
        "\\ud800",
        "\x00",
        "\ufeff",
    ),
    *("\u2028", "[10:02] ", "99:99 ", "&#x0;", "&lt;", "a" * 5000, "|", "NOTE ", "-->", "é", "1e999", "\r"),
]


def test_no_jumble_of_pieces_raises_anything_but_bad_input(rng: random.Random) -> None:
    for _ in range(1_500):
        raw = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 25))).encode("utf-8", "surrogatepass")
        try:
            lines = read_notes(raw, rng.choice(NAMES))
        except BadInput:
            continue
        assert all(one.line >= 1 and len(one.text) <= 5_000 for one in lines)


@given(st.binary(max_size=300), st.sampled_from(NAMES))
def test_no_bytes_raise_anything_but_bad_input(raw: bytes, name: str) -> None:
    with suppress(BadInput):
        read_notes(raw, name)


@pytest.mark.parametrize("text", [None, "", "24:00", "10:60", "x", "10:02 XM", "٣:٣٠", "10:02:99"])
def test_what_is_no_time_of_day_is_none(text: str | None) -> None:
    assert read_clock(text) is None


def test_two_formats_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="plain"):
        load_notes([NOTES[-1], NOTES[-1]])
