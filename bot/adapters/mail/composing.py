"""Composes a message: headers that keep a thread, text and HTML, an invitation beside them, files behind them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from bot.adapters.mail.header_words import addresses, folded, one_line, unstructured
from bot.adapters.mail.letter_pages import LetterPages
from bot.domain.errors import StepFailed
from bot.domain.letters import Attachment, Letter
from bot.domain.mail import MailAddress

LONGEST_SUBJECT = 200
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.-]{1,100}@[A-Za-z0-9.-]{1,253}>")
_MEDIA_TYPE = re.compile(r"([a-z]{1,20})/([a-z0-9.+-]{1,80})((?:; ?[a-z-]{1,20}=[A-Za-z0-9._-]{1,40}){0,4})")
_FILE_NAME = re.compile(r"[^\w .()+-]+")
_EPOCH = bytes.fromhex("d5c0366905")
"""Bytes 2 to 6 of the FILETIME of 2020-01-01; the first is 1."""


@dataclass(frozen=True)
class Mail:
    """A letter with whom it goes to and what it belongs to."""

    notice_id: str
    """The Message-ID is made of it: sent again, it is the same mail."""
    to: tuple[MailAddress, ...]
    letter: Letter
    incident_id: str | None = None
    severity: str | None = None
    thread: str | None = None
    """Message-ID of the first mail about the incident to these people; None where this is the first."""
    thread_subject: str = ""
    """The subject of that first mail."""


class Composer:
    """Makes the same message of the same mail, but for its date."""

    def __init__(self, sender: MailAddress, pages: LetterPages) -> None:
        self._sender = sender
        self._pages = pages

    def message_id(self, record_id: str) -> str:
        """`<ntc-01j…@example.com>`. StepFailed where the id could not stand in a header."""
        if not _ID.fullmatch(record_id):
            raise StepFailed("A mail cannot be named", why="the id of its notice or incident has other characters")
        return f"<{record_id}@{self._sender.host}>"

    def compose(self, mail: Mail, at: datetime) -> EmailMessage:
        """The whole message, all of it 7 bit; StepFailed where something in it cannot be sent."""
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit", refold_source="none"))
        message.set_raw("From", addresses([self._sender]))
        message.set_raw("To", addresses(mail.to))
        message.set_raw("Subject", unstructured(subject_of(mail)))
        message.set_raw("Date", format_datetime(at))
        message.set_raw("Message-ID", self.message_id(mail.notice_id))
        self._thread(message, mail)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is announced to us
        message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
        if mail.letter.buttons:
            message["Importance"] = "high"
        message["X-Andon-Notice"] = mail.notice_id
        if mail.incident_id:
            message["X-Andon-Incident"] = mail.incident_id
        self._fill(message, mail)
        _bound(message, mail.notice_id)
        return message

    def _thread(self, message: EmailMessage, mail: Mail) -> None:
        """Every mail of an incident refers to one that was never sent, so that two first mails meet all the same."""
        root = mail.thread
        if root is not None and not _MESSAGE_ID.fullmatch(root):
            raise StepFailed("A mail cannot be put into its thread", why="the thread is not named by a Message-ID")
        common = [self.message_id(mail.incident_id)] if mail.incident_id else []
        references = common + ([root] if root else [])
        if root:
            message.set_raw("In-Reply-To", root)
        if references:
            topic = one_line(mail.thread_subject or mail.letter.subject, LONGEST_SUBJECT)
            message.set_raw("References", folded(references))
            message.set_raw("Thread-Topic", unstructured(topic))
            message["Thread-Index"] = _thread_index(references[0], mail.notice_id if root else "")

    def _fill(self, message: EmailMessage, mail: Mail) -> None:
        letter = mail.letter
        text, html = self._pages.text(letter, is_first=mail.thread is None), self._pages.html(letter, mail.severity)
        message.set_content(_encodable(text), cte="quoted-printable")
        message.add_alternative(_encodable(html), subtype="html", cte="quoted-printable")
        for attachment in (one for one in letter.attachments if one.is_alternative):
            main, sub, parameters = _media_type(attachment)
            message.add_alternative(attachment.content, maintype=main, subtype=sub, params=parameters)
        for attachment in (one for one in letter.attachments if not one.is_alternative):
            main, sub, parameters = _media_type(attachment)
            name = _file_name(attachment.name)
            message.add_attachment(attachment.content, maintype=main, subtype=sub, params=parameters, filename=name)


def subject_of(mail: Mail) -> str:
    """The first mail says what happened; the others repeat that behind `Re: `, and say what is new in their first line.

    Gmail puts a mail into a thread only if it refers to it and has its subject but for `Re:`
    (https://developers.google.com/workspace/gmail/api/guides/threads); Exchange compares subjects without prefixes.
    """
    first = one_line(
        mail.thread_subject if mail.thread and mail.thread_subject else mail.letter.subject, LONGEST_SUBJECT
    )
    return f"Re: {first.removeprefix('Re: ')}" if mail.thread else first


def _encodable(text: str) -> str:
    """What UTF-8 cannot write (half a surrogate pair) becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _bound(message: EmailMessage, notice_id: str) -> None:
    """Boundaries that do not change from try to try; `=_` stands in no base64 and no quoted-printable text."""
    digest = hashlib.sha256(notice_id.encode()).hexdigest()[:24]
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{digest}-{number}")


def _thread_index(root: str, child: str) -> str:
    """What older Outlooks thread by: 22 bytes that a thread shares and 5 more for an answer.

    [MS-OXOMSG] 2.2.1.3, PidTagConversationIndex: 1, five bytes of time, 16 bytes of identity, then (child blocks) time
    and chance. Neither time is known here, so it is the same for all.
    """
    index = b"\x01" + _EPOCH + hashlib.sha256(root.encode()).digest()[:16]
    more = b"\x00" * 4 + hashlib.sha256(child.encode()).digest()[:1] if child else b""
    return base64.b64encode(index + more).decode("ascii")


def _media_type(attachment: Attachment) -> tuple[str, str, dict[str, str]]:
    found = _MEDIA_TYPE.fullmatch(attachment.media_type)
    if not found or found[1] in ("multipart", "message"):
        raise StepFailed("A file cannot go with a mail", why="its media type is not like text/calendar; method=REQUEST")
    pairs = (part.strip().partition("=") for part in found[3].split(";") if part)
    return found[1], found[2], {name: value for name, _, value in pairs}


def _file_name(name: str) -> str:
    return _FILE_NAME.sub("-", one_line(name, 100)).lstrip(".- ") or "file"
