"""The rule of a comparison: what kind of answer, how much may differ, how sure and how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.errors import BadInput
from bot.statistics.guard import GUARDED_PAIRS, SHARES, SHARES_WITHOUT_EARLY
from bot.statistics.names import LONGEST_NAME


class Output(StrEnum):
    """What the two versions answer with."""

    CLASSES = "classes"
    SCORES = "scores"
    NUMBERS = "numbers"
    RANKING = "ranking"
    VECTORS = "vectors"
    TEXT = "text"


MEASURES = {
    Output.CLASSES: ("disagreement",),
    Output.SCORES: ("difference",),
    Output.NUMBERS: ("within", "graded"),
    Output.RANKING: ("overlap", "order"),
    Output.VECTORS: ("cosine", "exact", "length"),
    Output.TEXT: ("exact", "length"),
}
"""The ways to a divergence in [0, 1] for each kind of answer; the first is taken where the rule names none."""

LARGEST_TOP = 10_000
MOST_SLICES = 200
BOUNDS: dict[str, tuple[float, float]] = {
    "tolerance": (1e-6, 1 - 1e-6), "alpha": (1e-6, 1 - 1e-6), "latency_quantile": (1e-6, 1 - 1e-6),
    "errors": (1e-6, 1 - 1e-6), "drop": (0, 0.99), "latency": (1e-3, 1e3), "pair_tolerance": (0, 1),
    "relative": (0, 1e9), "absolute": (0, 1e300), "top": (1, LARGEST_TOP), "min_pairs": (0, 10**12),
    "min_pairs_diverged": (0, 10**12), "change_window": (0, 10**12),
}  # fmt: skip
OPTIONAL = {"errors", "drop", "latency", "pair_tolerance"}


@dataclass(frozen=True)
class ComparisonRule:
    """The settings of one comparison; BadInput for one that makes no sense.

    Each of the two errors (`diverged` and `equivalent`, at a mean divergence of exactly `tolerance`) is at `alpha`.
    """

    output: Output
    tolerance: float
    """The mean divergence, over observations, that is tolerated; between 0 and 1."""
    alpha: float = 0.05
    min_pairs: int = 200
    """Compared pairs without which nothing is `equivalent`."""
    min_pairs_diverged: int = 30
    """Compared pairs without which nothing is `diverged`; with `guard`, blocks of 10 pairs alone decide before 200."""
    unit: str | int = "pair"
    """`pair`; the number of pairs to a block; or `field`: the mean over the pairs of one session or user."""
    guard: bool = True
    """Single pairs decide `diverged` only while they do not hang together. No effect on blocks and fields."""
    measure: str = ""
    relative: float = 0.0
    """Numbers: what share of the incumbent's answer may be off."""
    absolute: float = 0.0
    """Numbers: how much may be off whatever the answer; the larger of the two counts."""
    top: int = 10
    """Rankings: how many of the first places are compared."""
    pair_tolerance: float | None = None
    """A pair that diverges by more than this is affected; the tolerance itself where None."""
    slices: bool = False
    expected_slices: tuple[str, ...] = ()
    """Slices fixed in advance share the error equally; without, the j-th that appears has 1/(j (j + 1)) of it."""
    change_window: int = 0
    """Observations over which the detector of later changes errs at half of alpha; 0 for no detector."""
    errors: float | None = None
    """The tolerated share of pairs in which the candidate alone failed."""
    latency: float | None = None
    """The tolerated ratio of the candidate's quantile to the incumbent's."""
    latency_quantile: float = 0.99
    drop: float | None = None
    """The tolerated drop of accuracy over labelled pairs (classes, scores, numbers)."""
    positive: str | int | None = None
    """The class whose F1 is compared over labelled pairs."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.output not in MEASURES:
            raise BadInput(f"There is no output {self.output!r}", next=f"use one of {', '.join(MEASURES)}")
        object.__setattr__(self, "output", Output(self.output))
        if self.measure and self.measure not in MEASURES[self.output]:
            ways = {str(one): list(names) for one, names in MEASURES.items()}
            raise BadInput(f"There is no measure {self.measure!r} of {self.output!r}", next=f"use one of {ways}")
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None or name not in OPTIONAL:
                _within(name, value, least, most)
        if len(set(self.expected_slices)) < len(self.expected_slices) or len(self.expected_slices) > MOST_SLICES:
            raise BadInput(f"Expected slices are at most {MOST_SLICES} different names")
        if any(len(name) > LONGEST_NAME for name in self.expected_slices):
            raise BadInput(f"The name of an expected slice has at most {LONGEST_NAME} characters")
        if not isinstance(self.unit, int) and self.unit not in ("pair", "field"):
            raise BadInput(f"A unit is `pair`, `field` or a number of pairs, not {self.unit!r}")
        if isinstance(self.unit, int):
            _within("unit", self.unit, 2, 10**6)

    @property
    def way(self) -> str:
        """The measure, with the usual one where the rule names none."""
        return self.measure or MEASURES[self.output][0]

    @property
    def affected_above(self) -> float:
        """The divergence above which a pair is affected."""
        return self.tolerance if self.pair_tolerance is None else self.pair_tolerance

    @property
    def is_guarded(self) -> bool:
        """Whether the guard against bursts stands: only single pairs need it."""
        return self.guard and self.unit == "pair"

    @property
    def is_early(self) -> bool:
        """Whether blocks of 10 may decide before 200 pairs; their share is saved where nothing may be said so soon."""
        return self.is_guarded and self.min_pairs_diverged < GUARDED_PAIRS

    def alphas(self, restarts_alpha: float) -> dict[str, float]:
        """How the error of `diverged` in one phase is split, by the union bound; the parts sum to what is given."""
        rest = restarts_alpha
        parts: dict[str, float] = {}
        if self.slices:
            parts["slices"] = rest = rest / 2
        if self.change_window:
            parts["change"] = rest = rest / 2
        if self.is_guarded:
            shares = SHARES if self.is_early else SHARES_WITHOUT_EARLY
            parts |= {name: rest * share for name, share in shares.items()}
        else:
            parts["pairs"] = rest
        return parts


def _within(name: str, value: Any, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadInput(f"{name} lies between {least:g} and {most:g}, not at {value!r}")
