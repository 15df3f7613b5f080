"""A web process for tests of signals: `python -m support.web_process FOLDER PORT`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError
from bot.web.server import serve
from support.web_server import FixedConfiguration, build_head


class ReloadableConfiguration(FixedConfiguration):
    """Takes its digest from the file `digest` of a folder; the word `broken` there is a set that does not validate."""

    def __init__(self, current: Configuration, folder: Path) -> None:
        super().__init__(current)
        self._file = folder / "digest"

    def reload(self) -> Configuration:
        digest = self._file.read_text()
        if digest == "broken":
            raise ConfigError("The configuration cannot be used")
        self.current = replace(self.current, digest=digest, policies={} if digest == "empty" else self.current.policies)
        return self.current


def main() -> None:
    """Serve until SIGTERM."""
    folder, port = Path(sys.argv[1]), sys.argv[2]
    head = build_head(folder, ANDON_PORT=port)
    head.configuration = ReloadableConfiguration(head.configuration.current, folder)
    serve(head)
    head.store.close()


if __name__ == "__main__":
    main()
