"""How far apart the slots of a cron line lie at most."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

# Monday and the first of a year that has a 29 February. Written without a zone: changes of clocks do not count.
_FROM = datetime(2024, 1, 1)  # noqa: DTZ001
_SLOTS = 400


@lru_cache(maxsize=256)
def period_of(cron: str) -> timedelta | None:
    """The longest time between two slots in a row, of the 400 that follow on a fixed day; None where that cannot be
    told. `0 9 * * 1-5` gives three days: nothing is due over a weekend."""
    try:
        gaps = [later - earlier for earlier, later in pairwise(islice(CronSim(cron, _FROM), _SLOTS))]
    except CronSimError:
        return None
    return max(gaps, default=None)
