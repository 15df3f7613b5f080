"""What an alert source is until it says otherwise: no signature and no delivery id of the sender's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime


class PlainSource:
    """The parts of `AlertSource` that many senders have nothing to say about."""

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> bool:  # noqa: ARG002
        """No: such a sender is known only by its bearer token or password, which is checked elsewhere."""
        return False

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """None: the sender gives none."""
        return None
