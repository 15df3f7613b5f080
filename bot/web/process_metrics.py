"""Measures of the process for Prometheus: releases, rollbacks, failed changes, drills and promises, out of SQL."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.domain.errors import AndonError
from bot.domain.measures import Measured, Scope, Tally
from bot.domain.months import Month, Period
from bot.web.head import Head

KEPT_FOR = timedelta(minutes=1)
"""They are counted over the whole record, so not more often than this however often somebody scrapes."""
_ALWAYS = Period(Month(1970, 1), Month(9998, 12))
_WANTED = frozenset({Measured.CHANGE, Measured.ROLLBACK, Measured.DRILL, Measured.ACTION_ITEM})

Counts = dict[tuple[str, str], int]


class ProcessFigures(Collector):
    """Labels are services, and words of closed sets. Nothing at all while the database is away."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._one_at_a_time = threading.Lock()
        self._kept: Sequence[Tally] = ()
        self._counted_at: float | None = None

    def describe(self) -> list[Metric]:
        """Nothing: the registry then asks no database when it is built."""
        return []

    def collect(self) -> Iterator[Metric]:
        """As counted a minute ago at most."""
        with self._one_at_a_time:
            try:
                tallies = self._tallies()
            except AndonError:
                return
        yield from _families(tallies)

    def _tallies(self) -> Sequence[Tally]:
        now = self._head.clock.monotonic()
        if self._counted_at is None or now - self._counted_at >= KEPT_FOR.total_seconds():
            with self._head.store.read() as tx:
                self._kept = tx.tallies(Scope(_ALWAYS, self._head.clock.now()), _WANTED)
            self._counted_at = now
        return self._kept


def _families(tallies: Sequence[Tally]) -> Iterator[Metric]:
    changes = _counts(tallies, Measured.CHANGE)
    live = CounterMetricFamily("andon_releases_live", "Releases that went live.", labels=["service"])
    failed = GaugeMetricFamily(
        "andon_changes_failed", "Of the releases that went live, those that failed afterwards.", labels=["service"]
    )
    for (service, key), count in sorted(changes.items()):
        if key in ("live", "failed"):
            (live if key == "live" else failed).add_metric([service], count)
    yield from (live, failed)
    yield _labelled(
        CounterMetricFamily("andon_rollbacks", "Rollbacks that restored something.", labels=["service", "cause"]),
        _counts(tallies, Measured.ROLLBACK),
    )
    yield _labelled(
        CounterMetricFamily("andon_drills", "Drills that are over.", labels=["service", "result"]),
        _counts(tallies, Measured.DRILL),
    )
    counted = _counts(tallies, Measured.ACTION_ITEM)
    yield _labelled(
        GaugeMetricFamily("andon_action_items", "Action items; the overdue are open too.", labels=["service", "state"]),
        {one: count for one, count in counted.items() if one[1] in ("open", "overdue")},
    )


def _counts(tallies: Sequence[Tally], of: Measured) -> Counts:
    """By service and key; of a key with a name after a colon only what stands before it, which is one of few."""
    found: Counter[tuple[str, str]] = Counter()
    for one in tallies:
        if one.of is of:
            found[one.service, one.key.partition(":")[0]] += one.count
    return found


def _labelled(family: CounterMetricFamily | GaugeMetricFamily, counts: Counts) -> Metric:
    for (service, key), count in sorted(counts.items()):
        family.add_metric([service, key], count)
    return family
