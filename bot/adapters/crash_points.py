"""Named points at which a process can be made to die, so that tests can show what survives it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

POINTS = (
    "before_inbox_commit",
    "after_inbox_commit",
    "before_intent",
    "after_intent",
    "before_effect",
    "after_effect",
    "before_outcome",
    "after_outcome",
    "before_notice",
    "after_notice",
    "before_fold_commit",
    "after_fold_commit",
    "after_canary_event",
    "before_verdicts",
    "after_verdicts",
    "after_judgement",
    "after_drill_event",
    "after_drill_move",
)


PAUSE = "pause:"
"""Before a point: the process is stopped there instead (SIGSTOP), as if its host had stood still."""


def crash_hook(point: str | None, folder: Path) -> Callable[[str], None]:
    """A hook that kills this process with SIGKILL the first time it passes `point`, once per data folder.

    Without a point it is an empty function. The marker file is made before the kill, so that the process
    that takes over does not die at the same place.
    """
    if point is None:
        return _never
    number = signal.SIGSTOP if point.startswith(PAUSE) else signal.SIGKILL
    point = point.removeprefix(PAUSE)

    def hook(passed: str) -> None:
        if passed != point:
            return
        try:
            (folder / f"crashed-{point}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), number)

    return hook


def _never(passed: str) -> None:
    """Nothing dies in production."""
