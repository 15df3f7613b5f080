"""Who is right more often, once the truth is known: paired accuracy with its error, and F1 with an approximate one."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.statistics.histogram import HistogramStream, difference_design
from bot.statistics.rule import ComparisonRule, Output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

FEWEST_POSITIVE = 200


@dataclass(frozen=True)
class Confidence:
    """An estimate with an interval; `is_asymptotic` says that its error holds only for many pairs."""

    estimate: float
    low: float
    high: float
    pairs: int
    is_asymptotic: bool


class PairedAccuracy:
    """The drop of accuracy, incumbent minus candidate, against a tolerated one: a sequential McNemar test.

    D = [candidate right] - [incumbent right] is -1, 0 or 1 and x = (1 - D)/2 has mean at most (1 + drop)/2 exactly
    while the drop is within what is tolerated, so the engine of divergences tests it with tested mean (1 + drop)/2.
    Valid for late labels only where their delay does not depend on the outcome.
    """

    def __init__(self, drop: float, alpha: float) -> None:
        self.drop = drop
        self.stream = HistogramStream(difference_design((1 + drop) / 2), alpha, alpha)

    def add(self, incumbent_right: Bools, candidate_right: Bools) -> None:
        """Labelled pairs in order."""
        self.stream.add((1.0 + incumbent_right - candidate_right) / 2)

    def confidence(self) -> Confidence | None:
        """The drop, each end at alpha at all times; None before the first label."""
        if self.stream.estimate is None:
            return None
        low, high = self.stream.interval()
        return Confidence(2 * self.stream.estimate - 1, 2 * low - 1, 2 * high - 1, self.stream.count, False)


class PairedF1:
    """The difference of F1, candidate minus incumbent, for one class; an interval that holds for many pairs only.

    State is the count of each of eight kinds of pairs (truth, incumbent, candidate). The interval is the asymptotic
    confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (time-uniform central limit theory, arXiv
    2103.06476) over paired influence values (2 TP - F1 (2 TP + FP + FN)) / mean(2 TP + FP + FN).
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.counts = np.zeros(8, dtype=np.int64)

    def add(self, truth: Bools, incumbent: Bools, candidate: Bools) -> None:
        """Labelled pairs: whether each is, and was called, of the class."""
        kinds = truth * 4 + incumbent * 2 + candidate * 1
        self.counts += np.bincount(kinds, minlength=8)

    def confidence(self) -> Confidence | None:
        """The difference; None below 200 pairs of the class, where the approximation would be a guess."""
        count = int(self.counts.sum())
        if int(self.counts[4:].sum()) < FEWEST_POSITIVE:
            return None
        kinds = np.arange(8)
        truth, sides = kinds >= 4, (kinds // 2 % 2 == 1, kinds % 2 == 1)
        shares = self.counts / count
        scores, influences = [], []
        for called in sides:
            hits, parts = 2.0 * (truth & called), 1.0 * truth + 1.0 * called
            whole = float(shares @ parts)
            scores.append(float(shares @ hits) / whole)
            influences.append((hits - scores[-1] * parts) / whole)
        spread = math.sqrt(float(shares @ (influences[1] - influences[0]) ** 2))
        margin = spread * _margin(count, self.alpha)
        difference = scores[1] - scores[0]
        return Confidence(difference, difference - margin, difference + margin, count, True)


def _margin(count: int, alpha: float, tightest: int = 2_000) -> float:
    """Half the width for standard deviation 1: sqrt(2 (n r2 + 1)/(n2 r2) log(sqrt(n r2 + 1)/alpha)).

    r2 makes it narrow near `tightest` pairs."""
    rho = (2 * math.log(1 / alpha) + math.log(2 * math.log(1 / alpha) + 1)) / tightest
    grown = count * rho + 1
    return math.sqrt(2 * grown / (count * count * rho) * math.log(math.sqrt(grown) / alpha))


class Labelled:
    """What labels say of both versions, as far as the rule asks."""

    def __init__(self, rule: ComparisonRule) -> None:
        self.rule = rule
        self.accuracy = PairedAccuracy(rule.drop, rule.alpha) if rule.drop is not None else None
        self.f1 = PairedF1(rule.alpha) if rule.positive is not None else None
        self.refused = 0

    def add(self, incumbent: Any, candidate: Any, labels: list[Any]) -> None:
        """Answers of pairs in which both answered; None stands for a label that is not known yet."""
        known = [at for at, label in enumerate(labels) if label is not None]
        if not known:
            return
        columns = [_picked(column, known) for column in (incumbent, candidate, labels)]
        kinds = set().union(*(set(map(type, column)) for column in columns))
        is_plain = self.rule.output is Output.CLASSES and (kinds == {str} or kinds <= {int, float, bool})
        table = self._at_once(*columns) if is_plain else self._one_by_one(*columns)
        if not len(table):
            return
        if self.accuracy is not None:
            self.accuracy.add(table[:, 3], table[:, 4])
        if self.f1 is not None:
            self.f1.add(table[:, 0], table[:, 1], table[:, 2])

    def _at_once(self, incumbent: list[Any], candidate: list[Any], labels: list[Any]) -> Bools:
        """Classes of one type, of which none is refused; a row as `_one_by_one` gives it."""
        named = repeat(self.rule.positive)
        table = np.zeros((len(labels), 5), dtype=np.bool_)
        for place, side in enumerate((labels, incumbent, candidate) if self.f1 is not None else ()):
            table[:, place] = list(map(operator.eq, side, named))
        for place, side in ((3, incumbent), (4, candidate)):
            table[:, place] = list(map(operator.eq, side, labels))
        return table

    def _one_by_one(self, incumbent: list[Any], candidate: list[Any], labels: list[Any]) -> Bools:
        """Rows of five: whether label, incumbent and candidate are of the class whose F1 is asked, and who is right."""
        rights, named = [], self.rule.positive
        for one, two, label in zip(incumbent, candidate, labels, strict=True):
            found = (self._is_right(one, label), self._is_right(two, label))
            if None in found:
                self.refused += 1
                continue
            rights.append((label == named, one == named, two == named, *found))
        return np.array(rights, dtype=np.bool_).reshape(-1, 5)

    def _is_right(self, answer: Any, label: Any) -> bool | None:
        """Classes: the same. Scores: on the label's side of one half. Numbers: within the tolerances. Else unknown."""
        if self.rule.output is Output.CLASSES:
            return bool(answer == label) if isinstance(label, str) is isinstance(answer, str) else None
        if isinstance(label, str) or not isinstance(label, int | float) or not abs(label) < 1e300:
            return None
        if self.rule.output is Output.SCORES:
            return bool((answer >= 0.5) == (label == 1)) if label in (0, 1) else None
        if self.rule.output is Output.NUMBERS:
            return bool(abs(answer - label) <= max(self.rule.absolute, self.rule.relative * abs(label)))
        return None

    def merge(self, other: Labelled) -> None:
        """Take over what a shard saw."""
        if self.accuracy is not None and other.accuracy is not None:
            self.accuracy.stream = self.accuracy.stream.merged(other.accuracy.stream)
        if self.f1 is not None and other.f1 is not None:
            self.f1.counts = self.f1.counts + other.f1.counts
        self.refused += other.refused

    def state(self) -> Any:
        """Everything but the rule, as JSON values."""
        accuracy = self.accuracy.stream.state() if self.accuracy is not None else None
        return [accuracy, self.f1.counts.tolist() if self.f1 is not None else None, self.refused]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        if self.accuracy is not None:
            self.accuracy.stream = HistogramStream.of_state(state[0])
        if self.f1 is not None:
            self.f1.counts = np.array(state[1], dtype=np.int64)
        self.refused = state[2]


def _picked(column: Any, places: list[int]) -> list[Any]:
    listed = column.tolist() if isinstance(column, np.ndarray) else column
    return list(listed) if len(places) == len(listed) else [listed[at] for at in places]
