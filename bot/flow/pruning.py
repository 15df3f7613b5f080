"""A chore of the clock: removes what is past its time, once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.flow.chores import Rounds

_EVERY = timedelta(days=1)
_MOST_TURNS = 20
"""In one look; the rest follows at the next."""


class Pruning:
    """Each clock does it once a day; what one has removed, the others do not find."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._next: datetime | None = None

    def look(self) -> None:
        """Remove what `retention.yaml` says, part by part, so that nobody waits for long."""
        now = self._rounds.now()
        if self._next is not None and now < self._next:
            return
        for _ in range(_MOST_TURNS):
            if self._rounds.store.prune(self._rounds.configuration().retention, now, dry=False).is_all:
                self._next = now + _EVERY
                return
