"""Messages: what their headers say, how threads hold together, and what hostile text cannot do to them."""

from __future__ import annotations

import base64
import email
import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.mail.composing import Composer, Mail, subject_of
from bot.adapters.mail.header_words import one_line
from bot.adapters.mail.letter_pages import LetterPages
from bot.adapters.shipped import TEMPLATES, shipped_folder
from bot.domain.errors import StepFailed
from bot.domain.letters import Attachment, Button, Letter
from bot.domain.mail import MailAddress, parse_mail_address

AT = datetime(2026, 11, 20, 14, 9, 37, tzinfo=UTC)
SENDER = parse_mail_address("Andon <andon@bot.example.com>")
PAGES = LetterPages([shipped_folder(TEMPLATES)])
COMPOSER = Composer(SENDER, PAGES)
FIRST = Mail(
    notice_id="ntc-1",
    to=(parse_mail_address("ada@example.com"),),
    letter=Letter(
        "fraud-model: an incident was opened", "Something.", link="https://andon.example.com/incidents/inc-1"
    ),
    incident_id="inc-1",
    severity="SEV-1",
)
LATER = replace(
    FIRST,
    notice_id="ntc-2",
    letter=replace(FIRST.letter, subject="fraud-model: restored, being watched"),
    thread="<ntc-1@bot.example.com>",
    thread_subject=FIRST.letter.subject,
)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Thread-Topic", "Thread-Index",
    "Auto-Submitted", "X-Auto-Response-Suppress", "Importance", "X-Andon-Notice", "X-Andon-Incident", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding",
}  # fmt: skip
"""All that a message of ours may begin a line with."""


def arrived(mail: Mail) -> EmailMessage:
    """The message as somebody reads it who got its bytes."""
    raw = bytes(COMPOSER.compose(mail, AT))
    assert raw.isascii()
    head = raw.split(b"\r\n\r\n", 1)[0].decode()
    assert "\n" not in head.replace("\r\n", "")
    assert {line.split(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))} <= HEADERS
    message = cast(EmailMessage, email.message_from_bytes(raw, policy=default))
    assert [defect for part in message.walk() for defect in part.defects] == []
    return message


def plainly_read(mail: Mail) -> Message:
    """Headers as they stand: the modern reader of Python 3.11 puts a space between two encoded words."""
    return email.message_from_bytes(bytes(COMPOSER.compose(mail, AT)))


def decoded(value: str) -> str:
    """What a reader shows, by RFC 2047."""
    return str(make_header(decode_header(value.replace("\r\n", "").replace("\n", ""))))


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# Threads


def test_a_first_mail_has_its_own_subject_and_refers_to_what_all_of_the_incident_share() -> None:
    message = arrived(FIRST)
    assert message["Subject"] == "fraud-model: an incident was opened"
    assert message["In-Reply-To"] is None
    assert message["References"] == "<inc-1@bot.example.com>"


def test_a_later_mail_keeps_the_subject_refers_to_the_first_and_says_first_what_is_new() -> None:
    message = arrived(LATER)
    assert message["Subject"] == "Re: fraud-model: an incident was opened"
    assert message["In-Reply-To"] == "<ntc-1@bot.example.com>"
    assert message["References"] == "<inc-1@bot.example.com> <ntc-1@bot.example.com>"
    assert words(message, "plain").startswith("fraud-model: restored, being watched\n\nSomething.")
    assert "<h1" in words(message, "html")
    assert "fraud-model: restored, being watched</h1>" in words(message, "html")


def test_old_outlooks_find_the_thread_too() -> None:
    first, later = arrived(FIRST), arrived(LATER)
    assert first["Thread-Topic"] == later["Thread-Topic"] == "fraud-model: an incident was opened"
    root, answer = (base64.b64decode(one["Thread-Index"]) for one in (first, later))
    assert (len(root), len(answer)) == (22, 27)
    assert answer[:22] == root
    other = arrived(replace(FIRST, incident_id="inc-2"))
    assert other["Thread-Index"] != first["Thread-Index"]


def test_answers_do_not_pile_up_in_the_subject() -> None:
    assert subject_of(replace(LATER, thread_subject="Re: fraud-model")) == "Re: fraud-model"


def test_a_long_subject_is_the_same_in_the_whole_thread() -> None:
    long = replace(FIRST, letter=replace(FIRST.letter, subject="word " * 100))
    later = replace(LATER, thread_subject=subject_of(long))
    assert len(subject_of(long)) <= 200
    assert subject_of(later) == f"Re: {subject_of(long)}"


def test_a_notice_without_an_incident_is_in_no_thread() -> None:
    message = arrived(replace(FIRST, incident_id=None))
    assert {"References", "In-Reply-To", "Thread-Topic", "X-Andon-Incident"} & set(message.keys()) == set()


def test_nobodys_absence_is_announced_to_us() -> None:
    message = arrived(FIRST)
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


def test_a_mail_that_waits_for_an_answer_is_marked_and_says_where_to_answer() -> None:
    buttons = (Button("approve", "Approve", "run=1"), Button("reject", "Reject", "run=1"))
    asking = arrived(replace(FIRST, letter=replace(FIRST.letter, buttons=buttons)))
    assert asking["Importance"] == "high"
    assert arrived(FIRST)["Importance"] is None
    assert "Answer at https://andon.example.com/incidents/inc-1 (Approve, Reject)" in words(asking, "plain")
    assert "Answer on the page</a>" in words(asking, "html")
    assert ": Approve, Reject." in words(asking, "html")


# Hostile text

INJECTIONS = [
    "a\r\nBcc: eve@example.net",
    "a\nBcc: eve@example.net\n\nbody",
    "a\rBcc: eve@example.net",
    "a\u2028Bcc: eve@example.net\x85Bcc: x\x0b\x0c\x1c\x1d\x1e",
    "=?utf-8?q?a=0d=0aBcc:_eve@example.net?=",
    "=?utf-8?b?YQ0KQmNjOiBldmVAZXhhbXBsZS5uZXQ=?= x",
    "\u202egnp.exe\u200f \x00\x1b[31m",
    "x" * 5000,
    "é" * 5000,
    "🔥" * 300 + "\r\nBcc: eve@example.net",
    "\ud800 lone",
    'a" <eve@example.net>, b@c, "',
    "",
    " ",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_hostile_subject_is_one_header_and_nothing_more(text: str) -> None:
    for mail in (replace(FIRST, letter=Letter(text, "b")), replace(LATER, thread_subject=text)):
        message = arrived(mail)
        assert "Bcc" not in message
        assert not set("\r\n\x00\x1b\u202e\u2028") & set(message["Subject"])


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_hostile_name_leads_nobody_else_a_mail(text: str) -> None:
    to = (MailAddress("ada", "example.com", text), MailAddress("grace", "example.org"))
    message = arrived(replace(FIRST, to=to))
    assert [one.addr_spec for one in message["To"].addresses] == ["ada@example.com", "grace@example.org"]
    assert "Bcc" not in message


NAMES = [
    "Ada",
    "é",
    "Zoë",
    "日本",
    "Lovelace,",
    '"',
    "\\\\",
    "(x)",
    "🔥",
    "<",
    "@",
    "Straße",
    "a b",
    "Ω" * 7,
    "x" * 30,
    "=?",
    "?=",
    ".",
]


def test_every_address_survives_whatever_the_names_of_the_others_are(rng: random.Random) -> None:
    """Left to the standard library, most of such lists lose somebody in Python 3.11 and 3.12."""
    for _ in range(300):
        to = tuple(
            MailAddress(
                f"user{number}.{'l' * rng.randint(1, 40)}",
                f"{'h' * rng.randint(1, 40)}.example.com",
                " ".join(rng.choice(NAMES) for _ in range(rng.randint(0, 6))),
            )
            for number in range(rng.randint(1, 12))
        )
        mail = replace(FIRST, to=to)
        assert [one.addr_spec for one in arrived(mail)["To"].addresses] == [one.mailbox for one in to]
        seen = [(decoded(name), mailbox) for name, mailbox in getaddresses([plainly_read(mail)["To"]])]
        assert seen == [(one_line(one.name, 60), one.mailbox) for one in to]


def test_a_subject_arrives_letter_by_letter(rng: random.Random) -> None:
    for _ in range(300):
        words = " ".join(rng.choice([*NAMES, "fraud-model", "restored:"]) for _ in range(rng.randint(1, 40)))
        mail = replace(FIRST, letter=Letter(words, "b"))
        assert decoded(plainly_read(mail)["Subject"]) == one_line(words, 200)


def test_long_ids_are_not_broken() -> None:
    composer = Composer(parse_mail_address(f"andon@{'.'.join(['h' * 60] * 3)}.example.com"), PAGES)
    later = replace(LATER, notice_id="n" * 90, thread=f"<{'t' * 90}@{'.'.join(['h' * 60] * 3)}.example.com>")
    message = email.message_from_bytes(bytes(composer.compose(later, AT)), policy=default)
    host = composer.message_id("x").removeprefix("<x@")
    assert message["Message-ID"] == f"<{'n' * 90}@{host}"
    assert message["In-Reply-To"] == f"<{'t' * 90}@{host}"
    assert message["References"].split() == [f"<inc-1@{host}", f"<{'t' * 90}@{host}"]


def test_the_standard_library_alone_decodes_what_others_encoded() -> None:
    """The control: without our care this text would read as a header of its own."""
    message = EmailMessage()
    message["Subject"] = "=?utf-8?q?a_Bcc:_eve@example.net?="
    assert message["Subject"] == "a Bcc: eve@example.net"
    assert one_line("=?utf-8?q?a_Bcc:_eve@example.net?=", 99) == "= ?utf-8?q?a_Bcc:_eve@example.net?="


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_no_text_at_all_changes_who_gets_the_mail_or_adds_a_header(text: str) -> None:
    mail = replace(LATER, thread_subject=text, to=(MailAddress("ada", "example.com", text),))
    message = arrived(mail)
    assert [one.addr_spec for one in message["To"].addresses] == ["ada@example.com"]
    assert "Bcc" not in message


@pytest.mark.parametrize("bad", ["", "a b", "a\r\nBcc: x", "<a>", "a@b", "é", "x" * 200])
def test_ids_that_are_none_are_refused(bad: str) -> None:
    with pytest.raises(StepFailed):
        COMPOSER.compose(replace(FIRST, notice_id=bad), AT)
    with pytest.raises(StepFailed):
        COMPOSER.compose(replace(FIRST, thread=bad), AT)
    if bad:
        with pytest.raises(StepFailed):
            COMPOSER.compose(replace(FIRST, incident_id=bad), AT)


# Files


def test_an_invitation_is_an_alternative_and_a_file_is_attached() -> None:
    attachments = (
        Attachment("summary.md", "text/markdown; charset=utf-8", "# Häuser\n".encode()),
        Attachment(
            "i.ics", "text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR\r\n", is_alternative=True
        ),
    )
    message = arrived(replace(FIRST, letter=replace(FIRST.letter, attachments=attachments)))
    assert message.get_content_type() == "multipart/mixed"
    alternative, file = message.iter_parts()
    kinds = [part.get_content_type() for part in cast(EmailMessage, alternative).iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    invitation = list(cast(EmailMessage, alternative).iter_parts())[2]
    assert invitation.get_param("method") == "REQUEST"
    assert invitation.get_payload(decode=True) == b"BEGIN:VCALENDAR\r\n"
    assert (file.get_filename(), file.get_payload(decode=True)) == ("summary.md", "# Häuser\n".encode())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Übersicht 日本.md", "Übersicht 日本.md"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\r\nX: y.md", "a X- y.md"),
        ("", "file"),
        ('"x".md', "x-.md"),
        ("..", "file"),
    ],
)
def test_a_file_name_is_only_a_name(name: str, shown: str) -> None:
    letter = replace(FIRST.letter, attachments=(Attachment(name, "text/markdown", b"x"),))
    [_, file] = arrived(replace(FIRST, letter=letter)).iter_parts()
    assert file.get_filename() == shown


@pytest.mark.parametrize(
    "kind", ["", "text", "text/html\r\nX: y", "multipart/mixed", "message/rfc822", "text/x; a=b\r\n"]
)
def test_a_media_type_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(StepFailed, match="media type"):
        arrived(replace(FIRST, letter=replace(FIRST.letter, attachments=(Attachment("x", kind, b""),))))


# Pages


class Seen(HTMLParser):
    """Every tag and address of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE_BODIES = [
    "<script>alert(1)</script>",
    "<img src=https://evil.example/x.png>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,x)",
    "[x](vbscript:x)",
    '[x](https://ok.example/" onmouseover="alert(1))',
    'https://ok.example/"onmouseover="alert(1)',
    "`<b onclick=x>`",
    "```<script>\n<img src=x>\n```",
    "{{ 7*7 }} {% include 'x' %}",
    "&lt;script&gt; &#60;script&#62;",
    "<style>*{display:none}</style>",
    "<!--",
    "</td></tr></table><h1>forged",
    "[a]: https://evil.example\n[a]",
    "<https://evil.example>",
]


@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_a_hostile_body_brings_no_tag_no_handler_and_no_remote_content(body: str) -> None:
    for letter in (Letter("s", body), Letter(body.replace("\n", " "), "b"), Letter("s", "b", (Button("a", body, ""),))):
        seen = Seen(PAGES.html(letter, "SEV-1"))
        assert not {"script", "img", "iframe", "object", "form", "link"} & set(seen.tags)
        assert seen.tags.count("h1") == 1
        assert seen.tags.count("style") == 1
        assert not [name for name in seen.attributes if name.startswith("on")]
        assert all(address.startswith(("https://", "http://")) for address in seen.addresses)


def test_a_page_loads_nothing() -> None:
    page = PAGES.html(FIRST.letter, "SEV-1")
    assert not re.search(r"url\(|@import|src=|<link|<script", page)
    assert Seen(page).addresses == [FIRST.letter.link]


def test_light_markdown_is_shown() -> None:
    body = "Now **41**.\nSteps:\n1. confirm\n2. restore\n\n- one `x < 2`\n\n> said\n\n## Next\n\n```\na <b>\n```"
    page = PAGES.html(Letter("s", body), None)
    for tag in ("<strong>41</strong>", "<br>", "<ol", "<ul", "<blockquote", "<h2", "x &lt; 2", "a &lt;b&gt;"):
        assert tag in page


def test_names_with_underscores_and_numbers_with_stars_are_left_alone() -> None:
    text = Seen(PAGES.html(Letter("s", "rollback_authority and snake_case_name, 2 * 3 * 4"), None)).text
    assert "rollback_authority and snake_case_name, 2 * 3 * 4" in text


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("See https://a.example/x?y=1&z=2.", "https://a.example/x?y=1&z=2"),
        ("(http://a.example/x)", "http://a.example/x"),
        ("[the page](https://a.example/x)", "https://a.example/x"),
        ("[https://a.example/x](https://a.example/x)", "https://a.example/x"),
    ],
)
def test_addresses_become_links_once(body: str, address: str) -> None:
    assert Seen(PAGES.html(Letter("s", body), None)).addresses == [address]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "/incidents/1", "https://a b", "http://[", ""]
)
def test_a_link_that_is_no_address_of_the_web_is_left_out(link: str) -> None:
    letter = Letter("s", "b", link=link)
    assert Seen(PAGES.html(letter, None)).addresses == []
    assert PAGES.text(letter, is_first=True).startswith("b\n\n-- \n")


def test_each_severity_has_its_colour() -> None:
    pages = {PAGES.html(FIRST.letter, severity) for severity in ("SEV-1", "SEV-2", "SEV-3", "SEV-4", None)}
    assert len(pages) == 5
