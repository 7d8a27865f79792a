"""This replica's own figures for Prometheus. What the hosts do is exported by Ray.

Counting must cost next to nothing on the hot routes, so counts are kept in plain lists and become Prometheus' families only when
someone asks. Several replicas answer on one port: each answers for itself, told apart by the label `replica` (its process id).
No label carries an id of an order, customer, device or SKU.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Routes come from our own table, so there are few; the limit is for what must not happen.
ROUTES_MAX = 200
OTHER = "other"


class _Route:
    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.seconds = 0.0
        self.statuses: dict[int, int] = {}


class Metrics(Collector):
    """Requests by route, method and status, their seconds, those in flight, live streams."""

    def __init__(self, region: str) -> None:
        self._labels = [region, str(os.getpid())]
        self._routes: dict[tuple[str, str], _Route] = {}
        self.in_flight = 0
        self.live_clients = 0
        self.faults = 0
        self._refusals: dict[str, int] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request is done."""
        found = self._routes.get((method, route))
        if found is None:
            if len(self._routes) >= ROUTES_MAX:
                method, route = OTHER, OTHER
            found = self._routes.setdefault((method, route), _Route())
        found.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        found.seconds += seconds
        found.statuses[status] = found.statuses.get(status, 0) + 1

    def refused(self, code: str) -> None:
        """A caller, or one item of a body of many, was told a problem. Codes come from our own table."""
        self._refusals[code] = self._refusals.get(code, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Prometheus' families of the present figures."""
        own = ["region", "replica"]
        requests = CounterMetricFamily(
            "ocefs_http_requests", "Requests answered", labels=[*own, "method", "route", "status"]
        )
        seconds = HistogramMetricFamily(
            "ocefs_http_request_seconds", "Time to answer", labels=[*own, "method", "route"]
        )
        for (method, route), figures in self._routes.items():
            for status, count in figures.statuses.items():
                requests.add_metric([*self._labels, method, route, str(status)], count)
            total, buckets = 0, []
            for bound, count in zip((*BUCKETS_S, float("inf")), figures.buckets, strict=True):
                total += count
                buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
            seconds.add_metric([*self._labels, method, route], buckets, figures.seconds)
        yield requests
        yield seconds
        for name, text, value in (
            ("ocefs_http_in_flight", "Requests being served", self.in_flight),
            ("ocefs_live_clients", "Live streams that are open", self.live_clients),
        ):
            gauge = GaugeMetricFamily(name, text, labels=own)
            gauge.add_metric(self._labels, value)
            yield gauge
        faults = CounterMetricFamily("ocefs_http_faults", "Crashes of handlers", labels=own)
        faults.add_metric(self._labels, self.faults)
        yield faults
        refusals = CounterMetricFamily("ocefs_http_refusals", "Problems told, by code", labels=[*own, "code"])
        for code, count in self._refusals.items():
            refusals.add_metric([*self._labels, code], count)
        yield refusals

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self._registry)
