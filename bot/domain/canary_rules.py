"""What a policy says of a canary: which answers are compared, how much they may differ, and what a divergence does."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StrictStr, model_validator

from bot.domain.fields import Duration, Name, PositiveDuration, Strict

AUTOMATIC = "automatic"
CANARY_DIVERGENCE = "canary divergence"
"""How the criterion that `on_divergence` is calls itself."""

Share = Annotated[float, Field(gt=0, lt=1)]


class Output(StrEnum):
    """Kinds of answers, each compared in its own way."""

    CLASSES = "classes"
    SCORES = "scores"
    NUMBERS = "numbers"
    RANKING = "ranking"
    VECTORS = "vectors"
    TEXT = "text"


class OnDivergence(Strict):
    """The criterion that a divergence is: what runs, by whose authority, within how long."""

    playbook: Name
    authority: Name = AUTOMATIC
    within: PositiveDuration = timedelta(minutes=5)
    owner: StrictStr | None = None
    """A person or a role: told besides the audiences when its rollback fails, needs a person or is late."""


class LatencyRule(Strict):
    """The candidate's quantile may be this much slower than the incumbent's."""

    quantile: Share = 0.99
    max_ratio: float = Field(default=1.2, gt=1, le=1000)


class LabelRule(Strict):
    """Where the truth is known: by how much the candidate may be right less often."""

    max_drop: Share = 0.01


class Canary(Strict):
    """How incumbent and candidate are compared on the same inputs."""

    output: Output
    tolerance: Share
    """Of the mean divergence: of classes the share that disagrees, of scores the mean difference."""
    alpha: Share = 0.05
    """The chance of each wrong verdict, however often one looks."""
    min_pairs: int = Field(default=200, ge=1, strict=True)
    """Before `equivalent` may be said."""
    min_pairs_diverged: int = Field(default=30, ge=1, strict=True)
    unit: StrictStr | Annotated[int, Field(ge=1, le=10_000, strict=True)] = "pair"
    """`pair`, a field of the observations (session, user) whose pairs are averaged, or a block of n pairs."""
    relative: Annotated[float, Field(gt=0)] | None = None
    """Numbers differ when they are further apart than this share of the incumbent's …"""
    absolute: Annotated[float, Field(ge=0)] | None = None
    """… and than this."""
    top_k: Annotated[int, Field(ge=1, le=1000, strict=True)] = 10
    """Of rankings, how many places count."""
    slices: tuple[Annotated[StrictStr, Field(min_length=1, max_length=200)], ...] = ()
    """Slices known beforehand; others are found as they come and corrected for."""
    latency: LatencyRule | None = None
    errors: Share | None = None
    """How much more often the candidate may fail, in share of all pairs."""
    labels: LabelRule | None = None
    grace: Annotated[PositiveDuration, Field(le=timedelta(days=1))] = timedelta(minutes=10)
    """How long one side of a pair is waited for."""
    watch: Duration = timedelta(hours=24)
    """How long the guard goes on once the candidate serves everybody, where no stage `watch` says more."""
    on_divergence: OnDivergence | None = None

    @model_validator(mode="after")
    def _numbers_have_a_tolerance(self) -> Self:
        if self.output is Output.NUMBERS and self.relative is None and self.absolute is None:
            raise ValueError("numbers need `relative` or `absolute`: when do two of them differ?")
        return self
