"""People as a chat knows them: who they are, where they are, and whether they belong to the workspace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One account of a chat. What is not known is empty, and nobody is a full member by default."""

    id: str
    team: str
    name: str
    email: str = ""
    time_zone: str = ""
    """Such as `Europe/Berlin`."""
    is_full_member: bool = False
    """A person of the own workspace who is neither guest, bot, stranger nor deactivated."""
    is_bot: bool = False
    is_deleted: bool = False
