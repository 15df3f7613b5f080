"""Databases as earlier versions left them."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import insert

from bot.adapters.sql import SqlStore
from bot.adapters.sql.stored_text import place_key
from bot.adapters.sql.tables import incidents
from bot.adapters.sql.upgrading import MIGRATIONS
from bot.domain.incidents import Incident

LATER = frozenset({"by_alert", "began_at"})
"""Fields of an incident that came with 0018."""


def upgrade_to(store: SqlStore, revision: str) -> None:
    """Bring the schema to this revision and no further."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def put_incidents(store: SqlStore, *them: Incident) -> None:
    """Insert them as a version before 0018 did."""
    rows = [{**vars(one), "place": place_key(one.service, one.environment)} for one in them]
    with store.engine.begin() as connection:
        connection.execute(insert(incidents), [{name: row[name] for name in row.keys() - LATER} for row in rows])
