"""Overwrites what the database has freed, so that nothing that was erased can be read out of its files."""

from __future__ import annotations

from typing import Any

from bot.adapters.sql.table_shapes import metadata


def compact(driver: Any, dialect: str) -> bool:
    """On SQLite the file is written anew and its write-ahead log emptied; on PostgreSQL tables are vacuumed and their
    statistics taken anew. False where somebody was in the way: what was freed may still be readable then."""
    if dialect == "postgresql":
        for table in metadata.sorted_tables:
            driver.execute(f"VACUUM (ANALYZE) {table.name}")
        return True
    import sqlite3

    try:
        driver.execute("VACUUM").close()
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    return not busy
