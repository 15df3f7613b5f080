"""Signals as calls on a thread of their own, so that handling one can take locks and never breaks into other work."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Self


class SignalWatch:
    """While entered (main thread only), each signal calls its action, with its number, on one watching thread.

    A handler of Python runs between two instructions of the main thread: setting an Event there can deadlock with
    the very `wait` it interrupts. So the handler does nothing, and the interpreter writes the number into a socket
    (`signal.set_wakeup_fd`) from which the thread reads. System calls of the main thread go on undisturbed."""

    def __init__(self, actions: Mapping[signal.Signals, Callable[[int], object]]) -> None:
        self._actions = dict(actions)
        self._before: dict[signal.Signals, object] = {}
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._thread.start()
        for number in self._actions:
            self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup_before)
        self._writer.close()
        self._thread.join(timeout=1)
        self._reader.close()

    def _watch(self) -> None:
        while numbers := self._reader.recv(64):
            for number in numbers:
                action = self._actions.get(signal.Signals(number))
                if action is not None:
                    action(number)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The number is in the socket already."""
