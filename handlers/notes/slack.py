"""Slack's export: a list of messages, or an object with `messages` and perhaps `users`.

https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from bot.domain.due_dates import zone_named
from bot.domain.errors import BadInput
from bot.domain.heard import KnownPerson, Utterance
from bot.domain.strict_json import parse_json
from handlers.payloads import Payload, Text, fit
from handlers.slack_text import plain_text

LONGEST_TEXT = 4_000

_SPOKEN = frozenset({None, "", "thread_broadcast", "file_share", "me_message", "file_comment"})
"""Subtypes of what a person wrote; joins, topics, bots and what is deleted are others."""


def _mapping(value: object) -> object:
    return value if isinstance(value, dict) else {}


Profile = Annotated[Mapping[str, Any], BeforeValidator(_mapping)]


class Message(Payload):
    """One message. An edited one holds its newest text."""

    ts: str = Field(min_length=1, max_length=32)
    text: Text = None
    user: Text = None
    username: Text = None
    subtype: Text = None
    bot_id: Text = None
    thread_ts: Text = None
    hidden: bool | None = None

    @property
    def is_spoken(self) -> bool:
        """Written by a person, and still there."""
        return self.subtype in _SPOKEN and not self.bot_id and not self.hidden and bool(self.text)

    def as_utterance(self, number: int) -> Utterance:
        """`number` stands for the line. BadInput where `ts` is no time."""
        return Utterance(
            plain_text((self.text or "")[:LONGEST_TEXT]),
            number,
            f"<@{self.user}>" if self.user else self.username,
            at=_moment(self.ts),
            thread=self.thread_ts or self.ts,
            ref=self.ts,
        )


class Export(Payload):
    """What the API and tools around it save."""

    messages: list[dict[str, Any]]
    users: list[Any] | dict[str, Any] = Field(default_factory=list)


class User(Payload):
    """One entry of `users`, as Slack's export and `users.list` have it."""

    id: str = Field(min_length=1, max_length=32)
    name: Text = None
    real_name: Text = None
    tz: Text = None
    profile: Profile = Field(default_factory=dict)

    def as_person(self) -> KnownPerson:
        """With the fullest name there is."""
        named = _word(self.profile, "real_name") or self.real_name or _word(self.profile, "display_name") or self.name
        return KnownPerson(self.id, named or "", _word(self.profile, "email") or "", zone_named(self.tz))


class SlackExport:
    """Messages are read thread by thread, each in the order of time, whatever the order of the file."""

    name: ClassVar[str] = "slack"
    endings: ClassVar[tuple[str, ...]] = (".json",)

    def recognises(self, text: str) -> bool:
        """By its first characters, and a key that every message has."""
        return text.lstrip()[:1] in ("[", "{") and '"ts"' in text[:100_000]

    def read(self, text: str) -> list[Utterance]:
        """What people wrote. BadInput names the message that is not as Slack writes them."""
        body = parse_json(text.encode())
        listed = fit(Export, body).messages if isinstance(body, dict) else body
        if not isinstance(listed, list):
            raise BadInput("The notes are not a Slack export", why="there is no list of messages")
        said = [one for number, raw in enumerate(listed, 1) if (one := _utterance(number, raw))]
        return sorted(said, key=lambda one: (float(one.thread or 0), float(one.ref or 0)))

    def people(self, text: str) -> list[KnownPerson]:
        """Whom the file itself names: its `users`, and the profiles that messages carry. Entries that make no sense
        are passed over, because names only help."""
        body = parse_json(text.encode())
        listed = fit(Export, body).messages if isinstance(body, dict) else body
        users = fit(Export, body).users if isinstance(body, dict) else []
        found = {one.id: one for one in _profiles(listed if isinstance(listed, list) else [])}
        found |= {one.id: one for one in _users(list(users.values()) if isinstance(users, dict) else users)}
        return list(found.values())


def _users(entries: list[Any]) -> Iterator[KnownPerson]:
    for entry in entries:
        try:
            yield fit(User, entry).as_person()
        except BadInput:
            continue


def _profiles(messages: list[Any]) -> Iterator[KnownPerson]:
    for message in messages:
        profile = message.get("user_profile") if isinstance(message, dict) else None
        if isinstance(profile, dict) and isinstance(message.get("user"), str):
            named = _word(profile, "real_name") or _word(profile, "display_name") or _word(profile, "name")
            yield KnownPerson(message["user"][:32], named or "")


def _word(profile: Mapping[str, Any], key: str) -> str | None:
    value = profile.get(key)
    return value.strip()[:200] or None if isinstance(value, str) else None


def _utterance(number: int, raw: object) -> Utterance | None:
    if not isinstance(raw, dict):
        raise BadInput("The notes are not a Slack export", why=f"message {number} is no object")
    try:
        message = fit(Message, raw)
        if message.thread_ts:
            _moment(message.thread_ts)
        return message.as_utterance(number) if message.is_spoken else None
    except BadInput as error:
        raise BadInput("The notes are not a Slack export", why=f"message {number}: {error.why}") from error


def _moment(ts: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput("The body is not what this source sends", why="ts is no time") from error
