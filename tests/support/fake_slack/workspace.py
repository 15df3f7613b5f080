"""The seeded workspace that the fake Slack plays: people, groups, channels and what was said in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

EVERY_SCOPE = """
app_mentions:read channels:history channels:join channels:read chat:write chat:write.public commands files:read
groups:history groups:read im:history im:read im:write reactions:read reactions:write usergroups:read users:read
users:read.email
"""


@dataclass
class Person:
    """A member, guest, bot or stranger, as `users.info` shows it."""

    id: str
    name: str
    real_name: str
    email: str = ""
    tz: str = "Etc/UTC"
    tz_offset: int = 0
    team_id: str = "T0ANDON"
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    deleted: bool = False
    is_admin: bool = False

    def shown(self, *, home: str, with_email: bool) -> dict[str, Any]:
        """The user object; strangers (Slack Connect) carry `is_stranger`."""
        profile = {"real_name": self.real_name, "display_name": self.name, "team": self.team_id}
        if with_email and self.email:
            profile["email"] = self.email
        shown: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": profile,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
        }
        if not self.deleted:
            shown |= {
                "real_name": self.real_name,
                "tz": self.tz,
                "tz_label": self.tz,
                "tz_offset": self.tz_offset,
                "is_admin": self.is_admin,
                "is_owner": False,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
            }
        if self.team_id != home:
            shown["is_stranger"] = True
        return shown


@dataclass
class Group:
    """A user group; `handle` is what people type."""

    id: str
    handle: str
    members: list[str]
    is_disabled: bool = False


@dataclass
class Message:
    """One message as it stands now."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Any] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str | None = None
    metadata: dict[str, Any] | None = None
    edited_at: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    is_ephemeral: bool = False
    seen_by: str | None = None
    """Ephemeral only: the one who sees it."""
    sent: dict[str, Any] = field(default_factory=dict, repr=False)
    """The other arguments of the call that posted or last changed it (`unfurl_links`, `parse`, …)."""
    past: list[tuple[str, list[Any]]] = field(default_factory=list, repr=False)
    """Text and blocks of the versions before, oldest first."""

    @property
    def is_reply(self) -> bool:
        """Hangs in a thread that another message began."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def shown(self, *, with_metadata: bool = False) -> dict[str, Any]:
        """The message object of history, events and interactions."""
        shown: dict[str, Any] = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        if self.bot_id:
            shown |= {"bot_id": self.bot_id, "app_id": "A0ANDON", "team": "T0ANDON"}
        if self.blocks:
            shown["blocks"] = self.blocks
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.edited_at:
            shown["edited"] = {"user": self.user, "ts": self.edited_at}
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        if with_metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass
class Channel:
    """A public or private channel, or a conversation with one person (`im_with`)."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    im_with: str | None = None
    messages: dict[str, Message] = field(default_factory=dict)

    def shown(self, bot: str) -> dict[str, Any]:
        """The conversation object."""
        if self.im_with:
            return {"id": self.id, "is_im": True, "user": self.im_with, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_member": bot in self.members,
            "num_members": len(self.members),
        }


@dataclass
class StoredFile:
    """A file that somebody shared."""

    id: str
    name: str
    content: bytes
    user: str
    mimetype: str = "text/plain"
    is_public: bool = True


@dataclass
class Workspace:
    """Everything the fake knows; tests change it as they like."""

    team_id: str = "T0ANDON"
    team: str = "Acme"
    domain: str = "acme"
    app_id: str = "A0ANDON"
    bot_user: str = "U0ANDON"
    bot_id: str = "B0ANDON"
    bot_token: str = "xoxb-fake-bot-token"
    app_token: str = "xapp-fake-app-token"
    signing_secret: str = "fake-signing-secret"
    scopes: set[str] = field(default_factory=lambda: set(EVERY_SCOPE.split()))
    revoked: set[str] = field(default_factory=set)
    """Tokens that answer `token_revoked`."""
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)

    def add_people(self, people: Iterable[Person]) -> None:
        """Known from now on."""
        self.people |= {one.id: one for one in people}

    def add_channels(self, channels: Iterable[Channel]) -> None:
        """There from now on."""
        self.channels |= {one.id: one for one in channels}


def seeded() -> Workspace:
    """Acme: eleven people, two groups, eight channels.

    Full members: U0IDA (Berlin), U0RAJ (Kolkata), U0MIA (New York), U0LEO (Los Angeles, admin), U0SUE (London).
    Not full members: U0GUEST (one channel), U0MULTI (several channels), U0GONE (deleted), U0ROBOT (bot),
    U0ALIEN (of T0OTHER). The bot is U0ANDON. Channels with the bot: C0MLREL, C0PROD, C0EXEC, C0SUPPORT, C0SECRET
    (private); without it: C0ALONE (public), C0HIDDEN (private); C0OLD is archived.
    """
    workspace = Workspace()
    workspace.add_people(
        [
            Person("U0ANDON", "andon", "Andon", is_bot=True),
            Person("U0IDA", "ida", "Ida Berg", "ida@example.com", "Europe/Berlin", 3600),
            Person("U0RAJ", "raj", "Raj Rao", "raj@example.com", "Asia/Kolkata", 19800),
            Person("U0MIA", "mia", "Mia Cole", "mia@example.com", "America/New_York", -18000),
            Person("U0LEO", "leo", "Leo Marsh", "leo@example.com", "America/Los_Angeles", -28800, is_admin=True),
            Person("U0SUE", "sue", "Sue Day", "sue@example.com", "Europe/London", 0),
            Person("U0GUEST", "guest", "Gus", "gus@partner.example", is_restricted=True, is_ultra_restricted=True),
            Person("U0MULTI", "multi", "Mo Multi", "mo@partner.example", is_restricted=True),
            Person("U0GONE", "gone", "Greta Gone", "greta@example.com", deleted=True),
            Person("U0ROBOT", "robot", "Robot", is_bot=True),
            Person("U0ALIEN", "alien", "Al Ien", "al@other.example", team_id="T0OTHER"),
        ]
    )
    workspace.groups = {
        "S0ONCALL": Group("S0ONCALL", "ml-oncall", ["U0IDA", "U0RAJ"]),
        "S0CHAMPS": Group("S0CHAMPS", "release-champions", ["U0MIA", "U0GONE"]),
    }
    full = ["U0IDA", "U0RAJ", "U0MIA", "U0LEO", "U0SUE"]
    workspace.add_channels(
        [
            Channel("C0MLREL", "ml-releases", [*full, "U0GUEST", "U0MULTI", "U0ALIEN", "U0ANDON"]),
            Channel("C0PROD", "product", [*full, "U0MULTI", "U0ANDON"]),
            Channel("C0EXEC", "executives", [*full, "U0ANDON"]),
            Channel("C0SUPPORT", "support", [*full, "U0ANDON"]),
            Channel("C0SECRET", "war-room", [*full, "U0ANDON"], is_private=True),
            Channel("C0ALONE", "without-the-bot", list(full)),
            Channel("C0HIDDEN", "private-without-the-bot", list(full), is_private=True),
            Channel("C0OLD", "archived", [*full, "U0ANDON"], is_archived=True),
        ]
    )
    return workspace
