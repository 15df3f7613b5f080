"""A part for tests of the supervisor: `NAME BEHAVIOUR FOLDER`; notes what happens to it in FOLDER/NAME."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from bot.adapters.process_names import owner_of
from bot.adapters.process_signals import SignalWatch


def main(name: str, behaviour: str, folder: str) -> int:
    def note(words: str) -> None:
        with (Path(folder) / name).open("a", encoding="utf-8") as file:
            file.write(f"{words}\n")

    ended = threading.Event()

    def told(number: int) -> None:
        note(signal.Signals(number).name)
        if number != signal.SIGHUP and behaviour != "stubborn":
            ended.set()

    note(f"start {os.getpid()} {owner_of(os.getpid())} {os.environ.get('ANDON_PORT')}")
    if behaviour == "broken":
        return 3
    with SignalWatch(dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), told)):
        note("ready")
        ended.wait()
        note("end")  # while signals are watched: where a supervisor is killed, the kernel sends the same one repeatedly
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
