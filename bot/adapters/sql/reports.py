"""Reads that only reports make: imported with the first of them, because a worker makes none and should hold none."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

from bot.adapters.sql.work import Work

if TYPE_CHECKING:
    from bot.adapters.sql.report_queries import ReportQueries

    class Reports(ReportQueries):
        """Every method of `ReportQueries`."""
else:

    class Reports(Work):
        """Has every method of `ReportQueries`, found there when it is first asked for."""

        def __getattr__(self, name: str) -> Any:
            from bot.adapters.sql.report_queries import ReportQueries

            return MethodType(getattr(ReportQueries, name), self)
