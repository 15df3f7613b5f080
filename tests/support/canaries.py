"""Observations for tests: lines of a candidate that differs in a known share, and eyes for what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.domain.canaries import Canary
from bot.domain.errors import AndonError
from bot.flow.observing import Taken, look_at
from support.driven_engine import DrivenEngine
from support.written_config import Tree

RULE: Tree = {"output": "classes", "tolerance": 0.02, "on_divergence": {"playbook": "by_key"}}
"""A canary of classes whose divergence rolls back by itself."""

QUIET: Tree = {"output": "classes", "tolerance": 0.02}
"""A canary whose divergence halts and rolls nothing back."""


def whole(count: int, every: int = 0, *, start: int = 0, **more: Any) -> Iterator[dict[str, Any]]:
    """Whole pairs; each `every`-th of them differs. They are spread evenly, as independent ones are, not in bursts."""
    for number in range(start, start + count):
        differs = every and number % every == every - 1
        yield {"key": f"k{number}", "incumbent": "fine", "candidate": "fraud" if differs else "fine", **more}


def ndjson(lines: Iterable[Any]) -> bytes:
    """Lines of JSON; text and bytes stand as they are."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)


def send(engine: DrivenEngine, release: str, lines: Iterable[Any], *, key: str = "") -> Taken:
    """One batch that is taken."""
    answer = offer(engine, release, lines, key=key)
    assert isinstance(answer, Taken), answer
    return answer


def offer(engine: DrivenEngine, release: str, lines: Iterable[Any], *, key: str = "") -> Taken | AndonError:
    """One batch, taken or not."""
    return engine.app.observing.take([look_at(release, ndjson(lines), key=key)])[0]


def canary(engine: DrivenEngine, release: str) -> Canary:
    """The canary as it is stored."""
    with engine.app.store.read() as tx:
        found = tx.bare_canary(release)
    assert found is not None
    return found


def compared(engine: DrivenEngine, release: str, lines: Iterable[Any]) -> Canary:
    """Send, fold, and look."""
    taken = send(engine, release, lines)
    engine.app.folder.fold(taken.release)
    return canary(engine, taken.release)


def told(engine: DrivenEngine) -> list[str]:
    """The dispositions of what the comparison told the front door, oldest first."""
    with engine.app.store.read() as tx:
        return [str(one.disposition) for one in reversed(tx.events(limit=1000)) if one.source == "canary"]
