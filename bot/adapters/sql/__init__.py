"""The store on SQLite and PostgreSQL; everything else in this folder is its own affair."""

from bot.adapters.sql.store import SqlStore, SqlTransaction, open_store

__all__ = ["SqlStore", "SqlTransaction", "open_store"]
