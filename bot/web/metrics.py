"""`/metrics` for Prometheus: what this process measured itself, and runs and notices as they stand in SQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.domain.errors import AndonError
from bot.domain.runs import RunStatus
from bot.ports import Figures, Spread
from bot.web.head import Head
from bot.web.process_metrics import ProcessFigures

ACCEPT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
RUN_BOUNDS = (0.05, 0.25, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


class WebMetrics:
    """Counters and histograms of this process, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, head: Head) -> None:
        self._registry = CollectorRegistry()
        PlatformCollector(registry=self._registry)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._accepted = Counter(
            "andon_deliveries",
            "Deliveries answered after their commit.",
            ["source", "disposition"],
            registry=self._registry,
        )
        self._refused = Counter(
            "andon_deliveries_refused", "Deliveries that were not taken.", ["reason"], registry=self._registry
        )
        self._accept = Histogram(
            "andon_accept_seconds",
            "First byte of a delivery to its commit.",
            buckets=ACCEPT_BOUNDS,
            registry=self._registry,
        )
        self._batch = Histogram(
            "andon_accept_batch_deliveries",
            "Deliveries that shared one commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=self._registry,
        )
        self._orders = Counter(
            "andon_orders", "Orders that people gave here.", ["word", "answer"], registry=self._registry
        )
        self._decide = Histogram(
            "andon_decide_seconds",
            "One transaction of the front door: understand, decide, commit.",
            ["door"],
            buckets=ACCEPT_BOUNDS,
            registry=self._registry,
        )
        self._registry.register(StoreFigures(head))
        self._registry.register(ProcessFigures(head))

    def accepted(self, source: str, disposition: str, seconds: float) -> None:
        """A delivery was committed and is answered now."""
        self._accepted.labels(source, disposition).inc()
        self._accept.observe(seconds)

    def refused(self, reason: str) -> None:
        """A delivery was answered without being kept."""
        self._refused.labels(reason).inc()

    def batched(self, deliveries: int) -> None:
        """So many deliveries go into one commit."""
        self._batch.observe(deliveries)

    def decided(self, door: str, seconds: float) -> None:
        """A batch of deliveries (`webhook`) or an order (`order`) was decided and committed."""
        self._decide.labels(door).observe(seconds)

    def ordered(self, word: str, refused: bool) -> None:
        """An order was answered."""
        self._orders.labels(word, "refused" if refused else "done").inc()

    def page(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)


class StoreFigures(Collector):
    """Derives the figures of all processes from SQL at each scrape; `andon_store_up` is 0 where that fails."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._one_at_a_time = threading.Lock()

    def describe(self) -> list[Metric]:
        """Nothing: the registry then asks no database when it is built."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One consistent view of the store."""
        figures: Figures | None = None
        with self._one_at_a_time:
            try:
                with self._head.store.read() as tx:
                    figures = tx.figures(RUN_BOUNDS)
            except AndonError:
                figures = None
        yield GaugeMetricFamily("andon_store_up", "Whether the database answers.", value=float(figures is not None))
        yield GaugeMetricFamily("andon_queue_up", "Whether Redis answers.", value=float(self._head.queue.ping()))
        if figures is not None:
            yield from _families(figures)


def _families(figures: Figures) -> Iterator[Metric]:
    runs = GaugeMetricFamily("andon_runs", "Runs by their present status.", labels=["service", "status"])
    ended = CounterMetricFamily("andon_runs_ended", "Runs that ended.", labels=["service", "status"])
    for (service, status), count in sorted(figures.runs.items()):
        runs.add_metric([service, status], count)
        if RunStatus(status).is_ended:
            ended.add_metric([service, status], count)
    notices = GaugeMetricFamily("andon_notices", "Notices by their present status.", labels=["audience", "status"])
    for (audience, status), count in sorted(figures.notices.items()):
        notices.add_metric([audience, status], count)
    incidents = GaugeMetricFamily("andon_incidents", "Incidents by their present status.", labels=["service", "status"])
    for (service, status), count in sorted(figures.incidents.items()):
        incidents.add_metric([service, status], count)
    yield from (runs, ended, notices, incidents)
    yield CounterMetricFamily("andon_deadline_breaches", "Runs that missed their deadline.", value=figures.breaches)
    yield _histogram("andon_first_action_seconds", "Acceptance of the cause to the first action.", figures.first_action)
    yield _histogram("andon_run_seconds", "Acceptance of the cause to the end of the run.", figures.run)


def _histogram(name: str, text: str, spread: Spread) -> HistogramMetricFamily:
    bounds = [repr(float(bound)) for bound in spread.bounds]
    buckets = [(bound, float(count)) for bound, count in zip(bounds, spread.counts, strict=True)]
    return HistogramMetricFamily(
        name, text, buckets=[*buckets, ("+Inf", float(spread.count))], sum_value=spread.seconds
    )
