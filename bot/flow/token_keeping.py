"""Keeps in the audit whose API tokens there are and with which roles, each time that changes. Never a secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

from bot.domain.events import ANDON, Actor
from bot.domain.pulses import Part
from bot.domain.records import AuditEntry
from bot.flow.chores import Rounds

CONFIGURED = "access.configured"
_TURN = timedelta(seconds=5)


class TokenKeeping:
    """A chore of the clock. Several clocks with the same tokens write one entry."""

    def __init__(self, rounds: Rounds, actors: Iterable[Actor]) -> None:
        self._rounds = rounds
        self._tokens = sorted({(one.name, str(one.role)) for one in actors})
        self._digest = hashlib.sha256(json.dumps(self._tokens).encode()).hexdigest()[:16]
        self._is_kept = False

    def keep(self) -> None:
        """Once for this process; TryLater where the database is away."""
        if self._is_kept:
            return
        now = self._rounds.now()
        with self._rounds.store.write() as tx:
            known = tx.pulses().get(Part.TOKENS)
            if known is None or known.by != self._digest:
                if not tx.claim_pulse(Part.TOKENS, now, now + _TURN, self._digest):
                    return
                data = {"tokens": [{"name": name, "role": role} for name, role in self._tokens]}
                tx.add(AuditEntry(now, ANDON.name, CONFIGURED, "access:tokens", data))
        self._is_kept = True
