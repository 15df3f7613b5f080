"""Signatures of requests: keyed digests and timestamps, compared without telling and without ever raising."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How far a signed timestamp may be from now, either way: the usual 300 s of Stripe, Slack and Standard Webhooks."""

_HEX = re.compile(r"[0-9a-fA-F]{2,128}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}", re.ASCII)


def hex_digest(text: str) -> bytes:
    """A digest written in hex → its bytes; empty, which no digest equals, where it is anything else."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) and len(text) % 2 == 0 else b""


def is_hmac(given: bytes, message: bytes, secrets: Sequence[str], algorithm: str = "sha256") -> bool:
    """Whether `given` is the HMAC of the message under one of the secrets. All are tried, whichever one fits."""
    found = False
    for secret in secrets:
        # surrogateescape: a secret from the environment may hold any bytes.
        expected = hmac.digest(secret.encode("utf-8", "surrogateescape"), message, algorithm)
        found |= hmac.compare_digest(expected, given)
    return found


def is_fresh(timestamp: str, now: datetime, tolerance: timedelta = TOLERANCE) -> bool:
    """Whether a timestamp in Unix seconds (1 to 10 ASCII digits) is near now; anything else is not."""
    return bool(_SECONDS.fullmatch(timestamp)) and abs(now.timestamp() - int(timestamp)) <= tolerance.total_seconds()


def digest_of_parts(*parts: str) -> str:
    """One bounded text for several hostile ones; different parts give different texts."""
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(framed.encode()).hexdigest()
