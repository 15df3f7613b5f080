"""A doorbell that notes what is made ready, rung and dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.ports import Bell


class NotedDoorbell:
    """Rings by calling `sound`."""

    def __init__(self, sound: Callable[[Sequence[Bell]], object]) -> None:
        self._sound = sound
        self.made: list[NotedRing] = []

    def ring(self, bells: Sequence[Bell]) -> bool:
        self._sound(bells)
        return True

    def ready(self, bells: Sequence[Bell]) -> NotedRing:
        self.made.append(NotedRing(self, bells))
        return self.made[-1]


class NotedRing:
    """One that was made ready."""

    def __init__(self, doorbell: NotedDoorbell, bells: Sequence[Bell]) -> None:
        self.doorbell = doorbell
        self.bells = bells
        self.became = "made"

    def send(self) -> Callable[[], bool]:
        self.became = "rung"
        rung = self.doorbell.ring(self.bells)
        return lambda: rung

    def drop(self) -> None:
        self.became = "dropped"
