"""Does something small on a thread of its own while whoever asked for it waits for a disk."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Asked = SimpleQueue[tuple[Callable[[], Any], SimpleQueue[Any]] | None]


class Ahead:
    """One thread, begun with the first thing to do and ended with this object. An executor of the library costs more
    for each thing than there is to gain by it."""

    def __init__(self) -> None:
        self._asked: _Asked = SimpleQueue()
        self._is_begun = False

    def begin(self, act: Callable[[], T]) -> Callable[[], T]:
        """Have it done. The call that is returned waits for it once; it gives what came out, or raises what did."""
        if not self._is_begun:
            self._is_begun = True
            threading.Thread(target=_serve, args=(self._asked,), name="andon-ahead", daemon=True).start()
            weakref.finalize(self, self._asked.put, None)
        answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
        self._asked.put((act, answer))

        def result() -> T:
            found, error = answer.get()
            if error is not None:
                raise error
            return found  # type: ignore[return-value]

        return result


def _serve(asked: _Asked) -> None:
    while (one := asked.get()) is not None:
        act, answer = one
        try:
            answer.put((act(), None))
        except BaseException as error:  # it belongs to whoever asked
            answer.put((None, error))
        del one, act, answer
