"""Whether a request really comes from Slack: its signature, its age, and that nobody has sent it before.

Scheme v0: https://docs.slack.dev/authentication/verifying-requests-from-slack. Everything here works on bytes and never
raises, whatever a stranger sends.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports import Once

TOLERANCE = timedelta(seconds=300)
"""How old a request may be, and how far ahead of this clock."""

KEPT = timedelta(minutes=10)
"""How long a signature is remembered: as long as it could be valid, in both directions."""

BODY_CAP = 512 * 1024

_TIMESTAMP = re.compile(rb"[0-9]{1,10}")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")


@dataclass(frozen=True)
class Seal:
    """The two headers that vouch for a body, as they came; None where one is absent or came twice."""

    timestamp: bytes | None
    signature: bytes | None

    @classmethod
    def of(cls, headers: Sequence[tuple[bytes, bytes]]) -> Seal:
        """Out of raw headers, names in lower case."""
        return cls(_only(headers, b"x-slack-request-timestamp"), _only(headers, b"x-slack-signature"))


class Guard:
    """Lets in what is signed with one of the secrets, is fresh, and is new."""

    def __init__(self, secrets: Sequence[str], once: Once) -> None:
        self._secrets = tuple(one.encode("utf-8", "surrogateescape") for one in secrets if one)
        self._once = once

    @property
    def is_open(self) -> bool:
        """There is a secret to sign with."""
        return bool(self._secrets)

    def is_authentic(self, raw: bytes, seal: Seal, now: datetime) -> bool:
        """Signed by Slack within the tolerance. Every secret is tried, in constant time each."""
        if seal.timestamp is None or seal.signature is None or not _is_fresh(seal.timestamp, now):
            return False
        if not _SIGNATURE.fullmatch(seal.signature):
            return False
        found = False
        for secret in self._secrets:
            made = hmac.new(secret, b"v0:" + seal.timestamp + b":" + raw, hashlib.sha256).hexdigest().encode()
            found |= hmac.compare_digest(b"v0=" + made, seal.signature)
        return found

    def is_new(self, seal: Seal) -> bool:
        """Whether nobody sent exactly this before. Slack signs a repetition anew, so one that is not new is forged."""
        return self._once.first(_key(seal), KEPT)

    def forget(self, seal: Seal) -> None:
        """It was not taken, so that it may come again within the same second."""
        self._once.forget(_key(seal))


def _key(seal: Seal) -> str:
    return "slack:" + (seal.signature or b"").decode("latin-1")


def _is_fresh(timestamp: bytes, now: datetime) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(int(timestamp) - now.timestamp()) <= TOLERANCE.total_seconds()


def _only(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    found = [value for key, value in headers if key == name]
    return found[0] if len(found) == 1 else None
