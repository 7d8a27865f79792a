"""The steady run: a constant rate of updates, singles and bodies mixed, with write-behind lag
and memory on the side."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence

from perf import open_loop
from perf.credentials import NOBODY, Credentials
from perf.http_pool import HttpPool, post, request
from perf.https import port_of
from perf.latency import percentile
from perf.machine import listening_pids, resident_mb
from perf.rows import SteadyExtras
from perf.run_names import new_run

BODY_ITEMS = 20
SINGLES_PER_BODY = 20
"""So half of the updates travel alone, and half in bodies."""
POLL_S = 1.0
SETTLING_SHARE = 0.2
"""The first fifth of the run warms up memory; growth counts from there."""

UPDATES = ("start_picking", "pause_picking")


def shots(host: str, ids: Sequence[str]) -> Iterator[open_loop.Shot]:
    """Endless requests: singles over the first half of the orders, bodies over the second, in turns.

    Round robin with a fixed order, so that the next update of an order comes only after all others of its half.
    """
    run = new_run()
    half = len(ids) // 2
    alone, together = ids[:half], ids[half:]
    singles = ((order_id, update) for update in itertools.cycle(UPDATES) for order_id in alone)
    bundled = ((order_id, update) for update in itertools.cycle(UPDATES) for order_id in together)
    for n in itertools.count():
        if n % (SINGLES_PER_BODY + 1):
            order_id, update = next(singles)
            raw = post(host, f"/v1/orders/{order_id}/updates", f"s-{run}-{n}", f'{{"update":"{update}"}}'.encode())
            yield open_loop.Shot(raw, 1)
        else:
            items = [{"order_id": o, "update": u} for o, u in itertools.islice(bundled, BODY_ITEMS)]
            raw = post(host, "/v1/order-updates", f"s-{run}-{n}", json.dumps({"updates": items}).encode())
            yield open_loop.Shot(raw, BODY_ITEMS)


class Watch:
    """Asks `/readyz` every second for the hosts' write-behind lag and memory, and sees the replicas' memory itself.

    `replicas` are the processes behind the cell's door, when it stands on this machine.
    """

    def __init__(self, replicas: Sequence[int] = ()) -> None:
        self._replicas = replicas
        self.lags_ms: list[float] = []
        self.memory_mb: list[float] = []

    async def run(self, pool: HttpPool) -> None:
        """Until cancelled."""
        while True:
            reply = await pool.ask(request("GET", pool.host, "/readyz"))
            if reply.status in (200, 503):
                self.take(reply.body)
            await asyncio.sleep(POLL_S)

    def take(self, body: bytes) -> None:
        """Keeps what one answer says; fields that it has not are left out."""
        try:
            state = json.loads(body)
        except ValueError:
            return
        hosts = state.get("hosts") if isinstance(state, dict) else None
        if not isinstance(hosts, list):
            return
        lags = [float(host["lag_ms"]) for host in hosts if isinstance(host.get("lag_ms"), int | float)]
        if lags:
            self.lags_ms.append(max(lags))
        sizes = [size for host in hosts if (size := _size_mb(host)) is not None]
        if sizes:
            self.memory_mb.append(sum(sizes) + sum(resident_mb(pid) or 0.0 for pid in self._replicas))

    def extras(self, error_kinds: dict[str, int]) -> SteadyExtras:
        """The watch's figures; memory at start is after the settling share of the run."""
        lags = sorted(self.lags_ms)
        start = end = growth = None
        if len(self.memory_mb) > 1:
            start, end = self.memory_mb[int(len(self.memory_mb) * SETTLING_SHARE)], self.memory_mb[-1]
            growth = (end / start - 1) * 100
        return SteadyExtras(
            lag_p99_ms=percentile(lags, 99) if lags else None,
            lag_max_ms=lags[-1] if lags else None,
            memory_start_mb=start,
            memory_end_mb=end,
            memory_growth_percent=growth,
            error_kinds=error_kinds,
        )


def _size_mb(host: dict[str, object]) -> float | None:
    said, pid = host.get("rss_mb"), host.get("pid")
    if isinstance(said, int | float):
        return float(said)
    return resident_mb(pid) if isinstance(pid, int) else None


async def run(
    base: str,
    ids: Sequence[str],
    *,
    updates_per_s: float,
    seconds: float,
    connections: int,
    credentials: Credentials = NOBODY,
) -> tuple[open_loop.OpenLoopFigures, SteadyExtras]:
    """The whole steady run against one address; the orders must be `allocated`."""
    watch = Watch(listening_pids(port_of(base)))
    async with HttpPool(base, connections, credentials) as pool, HttpPool(base, 1) as aside:
        watching = asyncio.create_task(watch.run(aside))
        try:
            figures = await open_loop.run(pool, shots(pool.host, ids), updates_per_s=updates_per_s, seconds=seconds)
        finally:
            watching.cancel()
    return figures, watch.extras(figures.error_kinds)
