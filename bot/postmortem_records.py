"""What a unit of work knows of postmortems."""

from __future__ import annotations

from typing import Protocol


class PostmortemRecords(Protocol):
    """The part of a transaction that keeps postmortems, their comments and their sign-offs."""
