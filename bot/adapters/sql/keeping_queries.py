"""Legal holds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from bot.adapters.sql.keeping_tables import holds
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.work import Work
from bot.domain.keeping import Hold

_HOLD = columns_of(holds, Hold)
_ALL = select(*_HOLD).order_by(holds.c.id)
_BY_ID = select(*_HOLD).where(holds.c.id == bindparam("id"))


class KeepingQueries(Work):
    """What is held."""

    def holds(self) -> Sequence[Hold]:
        """All there ever were, oldest first."""
        return [Hold(*row) for row in self.rows(_ALL)]

    def hold(self, hold_id: str) -> Hold | None:
        """By its id."""
        row = self.row(_BY_ID, {"id": hold_id})
        return Hold(*row) if row else None
