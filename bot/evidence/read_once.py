"""Evidence that several gates of one judging look at is read once: kept by its digest, within a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.evidence.figures import Document
from bot.evidence.kinds import LIMITS
from bot.evidence.rows import Rows

Key = tuple[str, ...]
Evidence = Document | Rows


@dataclass
class ReadOnce:
    """What was read so far; whoever gets it changes nothing in it. The oldest goes where there are too many cells."""

    most_cells: int = LIMITS.cells
    reads: int = 0
    """How often something was really read."""
    _kept: OrderedDict[Key, Evidence] = field(default_factory=OrderedDict)

    def of(self, key: Key, read: Callable[[], Evidence]) -> Evidence:
        """The evidence of this key; whatever `read` raises is raised, and asked again the next time."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self.reads += 1
        found = self._kept[key] = read()
        while len(self._kept) > 1 and sum(map(_cells, self._kept.values())) > self.most_cells:
            self._kept.popitem(last=False)
        return found


def _cells(evidence: Evidence) -> int:
    return evidence.n * len(evidence.columns) if isinstance(evidence, Rows) else len(evidence.metrics) + 1
