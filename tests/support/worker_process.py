"""A real worker process for tests: `LANE FOLDER`; its jobs write into FOLDER/calls and wait for FOLDER/hold to go."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from bot.ports import Bell, JobName, Lane
from bot.settings import Settings
from bot.worker import serve


class Program:
    """As much of the program as a worker sees; what is due is a list of ids in FOLDER/due."""

    def __init__(self, lane: Lane, folder: Path) -> None:
        self.settings = Settings.from_environment()
        self.stopping = threading.Event()
        self.runner = self.notices = self.due = self.configuration = self.beating = self
        self._lane = lane
        self._folder = folder

    def advance(self, run_id: str) -> None:
        self._note(f"{os.getpid()} begin {run_id}")
        pause = threading.Event()
        while (self._folder / "hold").exists() and (not self.stopping.is_set() or (self._folder / "deaf").exists()):
            pause.wait(0.01)
        self._note(f"{os.getpid()} end {run_id}")

    send = advance

    def tell(self) -> None:
        """There are no notices here."""

    def of(self, lane: Lane) -> Sequence[Bell]:
        file = self._folder / "due"
        ids = file.read_text().split() if file.exists() else []
        return [Bell(JobName.ADVANCE_RUN, run_id, lane) for run_id in ids]

    def beat(self, part: object) -> None:
        """Nobody asks here whether it lives."""

    def reload(self) -> None:
        self._note(f"{os.getpid()} reload -")

    def _note(self, words: str) -> None:
        with (self._folder / "calls").open("a", encoding="utf-8") as file:
            file.write(f"{words}\n")


if __name__ == "__main__":
    lane = Lane(sys.argv[1])
    sys.exit(serve(Program(lane, Path(sys.argv[2])), lane))
