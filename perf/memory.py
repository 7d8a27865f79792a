"""Memory of what a host keeps: `python -m perf.memory [--orders 100000]`.

Orders are built by the real decisions: placed with three lines, reserved at one location, then idle and written behind.
A fresh process for each measurement, so that what one leaves behind is not taken for the other's. Two figures for each:
what the process grew by (RSS), and what Python says that it holds (tracemalloc). The target is 4 KB for an idle order;
every test run looks at the second figure (`tests/unit/perf/test_memory.py`).
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import queue
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.domain.allocation import Place
from actors.domain.ids import new_order_id
from actors.domain.kinds import KINDS
from actors.domain.order_commands import PlaceOrder, ReservationAnswered
from actors.domain.order_state import Line, ShipTo
from actors.runtime.codec import codecs, to_msgpack
from actors.runtime.mailbox import Batch, Called, Group
from actors.runtime.memory import CommandMemory, Remembered, Seen
from actors.runtime.passivation import weight
from actors.runtime.shard import Shard
from actors.runtime.sharding import digest_of, shard_of
from actors.runtime.turns import TurnTaker
from actors.runtime.wire import Envelope

TARGET_BYTES = 4096
SHARDS = 64
NOW_MS = 1_763_800_000_000


class _Nobody(Batch):
    """Replies go nowhere."""

    def __init__(self) -> None:
        pass


def _item(order_id: str, command: Any, command_id: str, *, creates: bool = False) -> Called:
    body = to_msgpack(command)
    envelope = Envelope(0, "order", order_id, command_id, digest_of(body), body, creates)
    return Called(envelope, "", _Nobody(), 0)


def _place(number: int) -> PlaceOrder:
    lines = [Line(f"SKU-{(number * 7 + n * 13) % 5000:05d}", 1 + n, 1299 + n) for n in range(3)]
    available = {line.sku: 1000 for line in lines}
    return PlaceOrder(
        f"web-{number}", "online", f"customer-{number}", "US", ShipTo("US", "98101", "Seattle", 47.6, -122.3), "USD", lines,
        [Place(f"us-wh-{number % 20:02d}", available)],
    )  # fmt: skip


def idle_orders(count: int) -> Any:
    """The shards of a host with so many orders, all clean; nothing remembered of their commands."""
    taker = TurnTaker(codecs(KINDS))
    shards = [Shard(number, 1, 0, CommandMemory(0, Seen(24))) for number in range(SHARDS)]
    for number in range(count):
        command_id = f"key-{number}"
        order_id = new_order_id("us", NOW_MS, command_id)
        shard, group = shards[shard_of("order", order_id, SHARDS)], Group()
        taker.take(shard, _item(order_id, _place(number), command_id, creates=True), group, NOW_MS, 0.0)
        [asked] = shard.entities["order", order_id].state.fulfilments
        answer = ReservationAnswered(asked.number, asked.location_id, list(asked.lines))
        taker.take(shard, _item(order_id, answer, f"{order_id}/2.0:reply"), group, NOW_MS, 0.0)
        shard.entities["order", order_id].dirty = 0
        shard.memory.forget(shard.position)
        shard.memory.seen = Seen(24)
    assert shards[0].memory.recall(0) is None
    return shards


def recent_commands(count: int) -> Any:
    """Answers of the latest commands, as kept for repetitions."""
    memory = CommandMemory(count, Seen(24))
    for number in range(count):
        order_id = new_order_id("us", NOW_MS, f"key-{number}")
        reply = b'{"order_id":"%s","version":%d,"status":"picking"}' % (order_id.encode(), number)
        command = Remembered(order_id, f"key-{number}", number, digest_of(reply), 0, reply, False)
        memory.put(digest_of(order_id.encode()), command, NOW_MS)
    memory.seen = Seen(24)
    return memory


def open_fingerprints(count: int) -> Any:
    """Commands of the present hour: known to have been, not what they were answered."""
    seen = Seen(24)
    for number in range(count):
        seen.add(digest_of(b"%d" % number), NOW_MS)
    return seen


def sealed_fingerprints(count: int) -> Any:
    """The same of earlier hours."""
    seen = Seen(24)
    seen.load([digest_of(b"%d" % number) for number in range(count)], NOW_MS)
    return seen


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _measured(build: Callable[[int], Any], count: int, traced: bool, out: Any) -> None:
    build(100)  # encoders, caches and types are there before
    gc.collect()
    if traced:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0] if traced else _resident_bytes()
    kept = build(count)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0] if traced else _resident_bytes()
    estimate = 0
    if isinstance(kept, list):
        weights = [weight(entity) for shard in kept for entity in shard.entities.values()]
        estimate = sum(weights) // len(weights)
    out.put(((after - before) / count, estimate))


def measure(build: Callable[[int], Any], count: int, *, traced: bool) -> tuple[float, int]:
    """Bytes of each of `count` things, and the host's own estimate of it (0 when it has none),
    in a process of its own."""
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    process = context.Process(target=_measured, args=(build, count, traced, out))
    process.start()
    while True:
        try:
            figures: tuple[float, int] = out.get(timeout=1)
        except queue.Empty:
            if process.exitcode is not None:
                raise SystemExit(f"the measurement ended with exit code {process.exitcode}") from None
        else:
            process.join()
            return figures


def main() -> None:
    """Prints a line a thing; exit code 1 when an idle order takes more than the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    count = parser.parse_args().orders
    resident = 0.0
    print(f"{'bytes each':44}{'RSS':>8}{'Python':>8}{'estimate':>10}")
    for title, build in (
        ("idle order with 3 lines", idle_orders),
        ("recent command (its answer)", recent_commands),
        ("command of this hour (fingerprint)", open_fingerprints),
        ("command of earlier hours (fingerprint)", sealed_fingerprints),
    ):
        grown, estimate = measure(build, count, traced=False)
        held, _ = measure(build, count, traced=True)
        print(f"{title:44}{grown:8.0f}{held:8.0f}{estimate or '':>10}")
        resident = resident or grown
    print(f"target: {TARGET_BYTES} for an idle order; {'met' if resident <= TARGET_BYTES else 'MISSED'}")
    raise SystemExit(resident > TARGET_BYTES)


if __name__ == "__main__":
    main()
