"""Chance, from the operating system: nobody can foresee it."""

from __future__ import annotations

import secrets


class SystemChance:
    """`bot.ports.Chance`."""

    def pick(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        return secrets.randbelow(count)
