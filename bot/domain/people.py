"""People as the media know them: who is behind an id, and what may be believed of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SLACK_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_SLACK_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,190}")


@dataclass(frozen=True)
class Profile:
    """What Slack says of one of its ids. Whatever it did not say is not assumed: nobody is a full member by default."""

    id: str
    team: str = ""
    name: str = ""
    """Shown to people, never compared with a role."""
    email: str = ""
    time_zone: str = "UTC"
    """An IANA name."""
    is_full_member: bool = False
    is_bot: bool = False
    is_deleted: bool = False


def is_slack_person(name: str) -> bool:
    """Whether this is the id of a Slack user."""
    return _SLACK_PERSON.fullmatch(name) is not None


def is_slack_group(name: str) -> bool:
    """Whether this is the id of a Slack user group."""
    return _SLACK_GROUP.fullmatch(name) is not None


def is_mail(name: str) -> bool:
    """Whether this is a mail address."""
    return _MAIL.fullmatch(name) is not None
