"""A notice in words, on its way to a medium, and where it came to stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Medium(StrEnum):
    """The ways to reach people. Whatever is sent stands on the incident's page as well."""

    PAGE = "page"
    SLACK = "slack"
    MAIL = "mail"


class ButtonStyle(StrEnum):
    """How a button looks; one message has at most one primary button."""

    PLAIN = ""
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True)
class Button:
    """What a reader may do at once. A medium without buttons shows the address of the page instead.

    `action` names an order of the house (`approve`, `take`), `value` what it is about, as `key=value` pairs joined
    by `;`, at most 2,000 characters; it comes back as it was and is checked then as if nobody had ever shown it.
    """

    action: str
    label: str
    value: str
    style: ButtonStyle = ButtonStyle.PLAIN
    confirm: str = ""
    """A question to answer before it counts; empty: none."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter by mail: a calendar invitation, a summary."""

    name: str
    media_type: str
    """Such as `text/calendar; method=REQUEST; charset=utf-8`."""
    content: bytes
    is_alternative: bool = False
    """Shown by mail programs in place of the text, like an invitation."""


@dataclass(frozen=True)
class Letter:
    """One notice in its audience's words. `body` is plain text or light Markdown; every value in it is harmless."""

    subject: str
    body: str
    buttons: tuple[Button, ...] = ()
    mentions: tuple[str, ...] = ()
    """Ids of people and groups from the configuration, and never from anywhere else: they are called by name."""
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    link: str | None = None
    """The page that says more."""


@dataclass(frozen=True)
class Posted:
    """Where a letter stands: what edits it, and what a thread hangs on."""

    address: str
    """The channel it is in, or the addresses it went to; a person's id becomes that of the conversation."""
    ref: str
    """Slack's `ts`, a mail's Message-ID."""
    link: str | None = None
    """What opens it, where the medium has such an address."""
    problem: str = ""
    """Whom of several it did not reach, and why; empty: it reached everybody."""


DRILL = "DRILL"
"""The first word of every message of a rehearsal."""
EXERCISE = f"{DRILL}: this is an exercise. Production is not touched."


def marked_as_drill(subject: str, body: str) -> tuple[str, str]:
    """Subject and body with the word in front, of whatever template they are."""
    return (
        subject if subject.startswith(DRILL) else f"{DRILL}: {subject}",
        body if body.startswith(DRILL) else f"{EXERCISE}\n\n{body}",
    )
