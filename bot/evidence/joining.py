"""Joins what incumbent and candidate said by key, within windows that are stated, and counts all that does not fit.

Pairs leave in the order in which their keys were first seen, because a test that looks at any time needs an order that
does not depend on how far apart the answers are: were quick answers counted first, and slow ones the different ones,
the early sample would be a biased one. So a half whose other side is lost holds back what came after it until its
grace is over; lines that carry both sides hold back nothing. The result is the same however the lines are cut into
batches, as long as each line arrives at the same time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import BadInput
from bot.evidence.half_pairs import Half, Lines, WholePairs, all_are_whole
from bot.evidence.key_memory import Fate, KeyMemory, key_hash
from bot.evidence.observation_columns import Observations
from bot.statistics.pairs import Pairs

STRETCH = 2048
CLOCK_AHEAD_SECONDS = 300.0
LONGEST_KEPT_TEXT = 200


@dataclass(frozen=True)
class Windows:
    """How long and how much is waited for and remembered."""

    grace: timedelta = timedelta(minutes=10)
    """From the first half of a pair, by the time of arrival, until the other one counts as missing."""
    most_waiting: int = 200_000
    """Keys that are waited for at once; past that the oldest counts as missing."""
    remembered: int = 100_000
    """The last keys among which duplicates and late halves are found."""
    labels: timedelta = timedelta(hours=24)
    """From the first half until a label is no longer waited for."""
    most_unlabelled: int = 50_000
    """Pairs without a label that are kept for one; 0 keeps none."""

    def __post_init__(self) -> None:
        spans = (self.grace, self.labels)
        if any(span <= timedelta(0) for span in spans) or min(self.most_waiting, self.remembered) < 1:
            raise BadInput("A window of the canary's join is empty", next="give each a span or a count above 0")


@dataclass
class Counts:
    """What happened to lines so far. Each missing side was counted once, each line at most once as duplicate."""

    lines: int = 0
    pairs: int = 0
    missing_incumbent: int = 0
    missing_candidate: int = 0
    late_incumbent: int = 0
    """Halves that came after their key was given up; they are counted in `missing_…` too."""
    late_candidate: int = 0
    pushed_out: int = 0
    """Of the missing: given up before their grace was over, because too many were waited for."""
    duplicates: int = 0
    labelled: int = 0
    """Labels that came after their pair and found it."""
    labels_unmatched: int = 0
    clocks_ahead: int = 0
    """Lines whose own time lies more than 5 minutes after their arrival."""


@dataclass(frozen=True)
class Labelled:
    """A label that came after its pair had been given out."""

    key: str
    incumbent: Any
    candidate: Any
    label: Any


class Joiner:
    """The state of one release's join. Not for several threads: one fold at a time."""

    def __init__(self, windows: Windows | None = None) -> None:
        self.windows = windows or Windows()
        self.counts = Counts()
        self.labelled: list[Labelled] = []
        """Those that the last fold found."""
        self.clock = 0.0
        self.waiting: OrderedDict[str, Half] = OrderedDict()
        self.unlabelled: OrderedDict[int, tuple[Any, Any, float]] = OrderedDict()
        self.memory = KeyMemory(self.windows.remembered)

    def fold(self, batch: Observations, now: datetime) -> Pairs:
        """Take in a batch that arrived at `now`; the pairs that are ready, in the order their keys were first seen."""
        out = self._begin(now)
        self.counts.lines += len(batch)
        limit = self.clock + CLOCK_AHEAD_SECONDS
        self.counts.clocks_ahead += sum(at is not None and at > limit for at in batch.at)
        lines = Lines(batch)
        for start in range(0, len(batch), STRETCH):
            end = min(start + STRETCH, len(batch))
            if not self._fold_at_once(lines.stretch(start, end), out):
                for at in range(start, end):
                    self._fold_line(lines.half(at, self.clock), out)
        return out.pairs()

    def expire(self, now: datetime) -> Pairs:
        """Give up what has waited too long; the pairs that were behind it and are whole."""
        return self._begin(now).pairs()

    def _begin(self, now: datetime) -> WholePairs:
        """Move the clock, never back, and let go of all whose window is over."""
        self.clock = max(self.clock, now.timestamp())
        self.labelled = []
        out = WholePairs()
        oldest = self.clock - self.windows.grace.total_seconds()
        while self.waiting and next(iter(self.waiting.values())).seen <= oldest:
            self._let_go(out)
        self._give_out(out)
        oldest = self.clock - self.windows.labels.total_seconds()
        while self.unlabelled and next(iter(self.unlabelled.values()))[2] <= oldest:
            self.unlabelled.popitem(last=False)
        return out

    def _fold_at_once(self, stretch: dict[str, Sequence[Any]], out: WholePairs) -> bool:
        """A stretch of whole pairs of new keys, while none is waited for: the same as line by line, and quicker."""
        if self.waiting or not all_are_whole(stretch):
            return False
        hashes = [key_hash(key) for key in stretch["keys"]]
        new = set(hashes)
        if len(new) != len(hashes) or not self.memory.knows_none_of(new):
            return False
        self.memory.note_pairs(hashes)
        self.counts.pairs += len(hashes)
        out.add_stretch(stretch, self.clock)
        if self.windows.most_unlabelled:
            answers = zip(hashes, stretch["incumbent"], stretch["candidate"], stretch["labels"], strict=True)
            failed = zip(stretch["incumbent_error"], stretch["candidate_error"], strict=True)
            for (hashed, incumbent, candidate, label), errors in zip(answers, failed, strict=True):
                if label is None and not any(errors):
                    self._keep(hashed, incumbent, candidate, self.clock)
        return True

    def _fold_line(self, half: Half, out: WholePairs) -> None:
        known = self.waiting.get(half.key)
        if known is not None:
            if not known.take(half) and (half.has_incumbent or half.has_candidate):
                self.counts.duplicates += 1
            self._give_out(out)
            return
        hashed = key_hash(half.key)
        fate = self.memory.fate(hashed)
        if not half.has_incumbent and not half.has_candidate:
            self._label(hashed, half)
        elif fate is not None:
            self._settled_before(hashed, half, fate)
        elif half.is_whole and not self.waiting:
            self._pair(hashed, half, out)
        else:
            self.waiting[half.key] = half
            if len(self.waiting) > self.windows.most_waiting:
                self.counts.pushed_out += not next(iter(self.waiting.values())).is_whole
                self._let_go(out)
                self._give_out(out)

    def _settled_before(self, hashed: int, half: Half, fate: Fate) -> None:
        """A key that is remembered: its missing side comes late, or it is a duplicate, perhaps with a label."""
        if fate is Fate.NO_CANDIDATE and half.has_candidate:
            self.counts.late_candidate += 1
            self.memory.note(hashed, Fate.PAIRED)
        elif fate is Fate.NO_INCUMBENT and half.has_incumbent:
            self.counts.late_incumbent += 1
            self.memory.note(hashed, Fate.PAIRED)
        else:
            self.counts.duplicates += 1
            if hashed in self.unlabelled and half.label is not None:
                self._label(hashed, half)

    def _label(self, hashed: int, half: Half) -> None:
        kept = self.unlabelled.pop(hashed, None)
        if kept is None:
            self.counts.labels_unmatched += 1
            return
        self.counts.labelled += 1
        self.labelled.append(Labelled(half.key, kept[0], kept[1], half.label))

    def _give_out(self, out: WholePairs) -> None:
        """All whole pairs at the head of the queue."""
        while self.waiting and next(iter(self.waiting.values())).is_whole:
            self._let_go(out)

    def _let_go(self, out: WholePairs) -> None:
        """The head of the queue, as a pair or as a missing side."""
        key, half = self.waiting.popitem(last=False)
        hashed = key_hash(key)
        if half.is_whole:
            self._pair(hashed, half, out)
            return
        self.memory.note(hashed, half.fate)
        self.counts.missing_candidate += half.fate is Fate.NO_CANDIDATE
        self.counts.missing_incumbent += half.fate is Fate.NO_INCUMBENT

    def _pair(self, hashed: int, half: Half, out: WholePairs) -> None:
        self.memory.note(hashed, Fate.PAIRED)
        self.counts.pairs += 1
        out.add(half)
        if half.label is None and not half.incumbent_error and not half.candidate_error:
            self._keep(hashed, half.incumbent, half.candidate, half.seen)

    def _keep(self, hashed: int, incumbent: Any, candidate: Any, seen: float) -> None:
        """Keep a pair for its label; long texts and lists are not worth their room."""
        if not self.windows.most_unlabelled or any(
            isinstance(one, list) or (isinstance(one, str) and len(one) > LONGEST_KEPT_TEXT)
            for one in (incumbent, candidate)
        ):
            return
        self.unlabelled[hashed] = (incumbent, candidate, seen)
        if len(self.unlabelled) > self.windows.most_unlabelled:
            self.unlabelled.popitem(last=False)
