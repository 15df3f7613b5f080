"""What reports, bundles and figures read; see `Reports`, by which every transaction has it."""

from __future__ import annotations

from bot.adapters.sql.account_queries import AccountQueries
from bot.adapters.sql.bundle_queries import BundleQueries
from bot.adapters.sql.discipline_queries import DisciplineQueries
from bot.adapters.sql.figure_queries import FigureQueries
from bot.adapters.sql.measure_queries import MeasureQueries


class ReportQueries(AccountQueries, BundleQueries, DisciplineQueries, FigureQueries, MeasureQueries):
    """Nothing here is read for anything that is in a hurry."""
