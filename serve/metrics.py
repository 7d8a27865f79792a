"""The API's figures for Prometheus. What the hosts do is exported by Ray.

Counting must cost next to nothing on the hot routes, so counts are kept in plain lists and become Prometheus' families
only when someone asks. Several replicas answer on one port: whoever is asked answers for all of them
(`noticeboard.py`), told apart by the label `replica` (a process id). No label carries an id of an
order, customer, device or SKU.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BUCKETS = len(BUCKETS_S) + 1
# What is no route of ours: neither its path nor its method, which are the caller's to choose, becomes a label.
UNMATCHED = "unmatched"
OTHER = "other"


class RouteCounts(msgspec.Struct, array_like=True):
    """One route's requests: counts by `BUCKETS_S` (and one past them), seconds in all, counts by status."""

    method: str
    route: str
    buckets: Annotated[list[int], msgspec.Meta(min_length=_BUCKETS, max_length=_BUCKETS)]
    seconds: float = 0.0
    statuses: dict[int, int] = {}


class ReplicaCounts(msgspec.Struct, array_like=True):
    """What one replica has counted since it began. `refusals`: problems told, by code."""

    replica: str
    in_flight: int
    live_clients: int
    faults: int
    routes: list[RouteCounts]
    refusals: dict[str, int]


def nobody() -> Sequence[ReplicaCounts]:
    """There are no other replicas."""
    return ()


class Metrics(Collector):
    """Requests by route, method and status, their seconds, those in flight, live streams. `live_clients`: counts
    the streams that are open, `others`: gives the figures of the cell's other replicas. `routes_max`: how many are told
    apart, set by whoever has the table of routes; the limit is for what must not happen."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._replica = str(os.getpid())
        self._routes: dict[tuple[str, str], RouteCounts] = {}
        self.in_flight = 0
        self.live_clients: Callable[[], int] = int
        self.faults = 0
        self.routes_max = 100
        self._refusals: dict[str, int] = {}
        self.others: Callable[[], Sequence[ReplicaCounts]] = nobody
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request is done."""
        found = self._routes.get((method, route))
        if found is None:
            if len(self._routes) >= self.routes_max:
                method, route = OTHER, OTHER
            fresh = RouteCounts(method, route, [0] * _BUCKETS)
            found = self._routes.setdefault((method, route), fresh)
        found.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        found.seconds += seconds
        found.statuses[status] = found.statuses.get(status, 0) + 1

    def refused(self, code: str) -> None:
        """A caller, or one item of a body of many, was told a problem. Codes come from our own table."""
        self._refusals[code] = self._refusals.get(code, 0) + 1

    def figures(self) -> ReplicaCounts:
        """This replica's, as they are now."""
        routes = list(self._routes.values())
        return ReplicaCounts(self._replica, self.in_flight, self.live_clients(), self.faults, routes, self._refusals)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' families of the present figures."""
        own = ["region", "replica"]
        requests = CounterMetricFamily(
            "ocefs_http_requests", "Requests answered", labels=[*own, "method", "route", "status"]
        )
        seconds = HistogramMetricFamily(
            "ocefs_http_request_seconds", "Time to answer", labels=[*own, "method", "route"]
        )
        in_flight = GaugeMetricFamily("ocefs_http_in_flight", "Requests being served", labels=own)
        live_clients = GaugeMetricFamily("ocefs_live_clients", "Live streams that are open", labels=own)
        faults = CounterMetricFamily("ocefs_http_faults", "Crashes of handlers", labels=own)
        refusals = CounterMetricFamily("ocefs_http_refusals", "Problems told, by code", labels=[*own, "code"])
        for figures in (self.figures(), *self.others()):
            labels = [self._region, figures.replica]
            for one in figures.routes:
                for status, count in one.statuses.items():
                    requests.add_metric([*labels, one.method, one.route, str(status)], count)
                seconds.add_metric([*labels, one.method, one.route], _cumulative(one.buckets), one.seconds)
            in_flight.add_metric(labels, figures.in_flight)
            live_clients.add_metric(labels, figures.live_clients)
            faults.add_metric(labels, figures.faults)
            for code, count in figures.refusals.items():
                refusals.add_metric([*labels, code], count)
        yield from (requests, seconds, in_flight, live_clients, faults, refusals)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self._registry)


def _cumulative(buckets: Sequence[int]) -> list[tuple[str, float]]:
    total, out = 0, []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), buckets, strict=True):
        total += count
        out.append((bound, float(total)))
    return out
