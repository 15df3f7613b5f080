"""What a policy says of a restored state: for how long what has to be good, and who accepts it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StrictStr

from bot.domain.conditions import Compiled, Condition
from bot.domain.fields import Duration, Name, PositiveDuration, Strict

ValueCondition = Annotated[Condition, Compiled("value")]


class StableMetric(Strict):
    """One number that must be good for as long as the window lasts."""

    prometheus: StrictStr
    """Base URL. It, `query` and `headers` may read `service`, `environment` and `target.<key>`; its host must be in
    the target's `allow_hosts`."""
    query: Annotated[StrictStr, Field(min_length=1, max_length=4000)]
    condition: ValueCondition
    headers: Annotated[Mapping[str, StrictStr], Field(default_factory=dict, max_length=50)]


class StableRule(Strict):
    """When a restored state counts as stable, and who accepts it."""

    window: Duration | None = None
    """Ten minutes where there are metrics."""
    metrics: Annotated[tuple[StableMetric, ...], Field(max_length=20)] = ()
    every: PositiveDuration = timedelta(seconds=15)
    """Between two looks at the metrics."""
    endorse: Name | None = None

    @property
    def watched_for(self) -> timedelta | None:
        """How long the restored state is watched before it can be endorsed; None: it is not."""
        if self.metrics:
            return timedelta(minutes=10) if self.window is None else self.window
        return self.window or None
