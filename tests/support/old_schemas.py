"""Databases as earlier versions left them."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from bot.adapters.sql import SqlStore
from bot.adapters.sql.upgrading import MIGRATIONS


def upgrade_to(store: SqlStore, revision: str) -> None:
    """Bring the schema to this revision and no further."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
