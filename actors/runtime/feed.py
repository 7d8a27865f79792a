"""What a host tells the gateways without being asked: final answers, changed rows of the indexes, live events.

Each gateway keeps one long-poll open (`listen`). Rows are upserts by key, so between two polls only the last of each
key is kept. A gateway whose cursor is not the last one sent (it or the host is new, or an answer got lost) begins again
with a snapshot, in pieces: a host with hundreds of thousands of rows would stand still while it told them all, and be
taken for dead. Live events can't be told again: where some are missing the gateway hears that (`reset`),
and whoever looks reads anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any

from actors.domain.kind import Row
from actors.runtime.codec import to_msgpack
from actors.runtime.limits import Limits
from actors.runtime.shard import Key, Shard
from actors.runtime.snapshot import Snapshot
from actors.runtime.wire import Downlink, FedRow, HostStats, LiveEvent, Reply

FEED_TABLES = frozenset({"locations", "stock", "skus", "revocations", "location_profiles", "sourcing_policies"})


def row_key(row: Any) -> tuple[Any, ...]:
    """(table, primary key…) of a row."""
    return (row.table, *(getattr(row, column) for column in row.key))


class Listener:
    """What is on its way to one gateway. `rows`: by key, with the shard. `snapshot`: None before it has begun;
    `reading`: a piece of it that is on its way to be proved."""

    def __init__(self, heard_at: float) -> None:
        self.cursor = 0
        self.live_wanted = False
        self.heard_at = heard_at
        self.reset = True
        self.snapshot: Snapshot | None = None
        self.reading: asyncio.Future[Any] | None = None
        self.answers: list[tuple[int, Reply]] = []
        self.rows: dict[tuple[Any, ...], tuple[Shard, Row]] = {}
        self.live: deque[LiveEvent]
        self.wake = asyncio.Event()

    @property
    def complete(self) -> bool:
        """All that the host has is in `rows`, or was."""
        return self.snapshot is not None and self.snapshot.told and self.reading is None


class Feed:
    """The listeners of a host."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._listeners: dict[str, Listener] = {}

    def listener(self, gateway_id: str, cursor: int, live: bool, now: float) -> Listener:
        """The gateway's listener; a new one, to be filled from a snapshot, when the cursor is not the last one sent."""
        known = self._listeners.get(gateway_id)
        if known is None or cursor != known.cursor or len(known.rows) > self._limits.feed_rows_max:
            fresh = Listener(now)
            fresh.live = deque(maxlen=self._limits.feed_live_max)
            if known is not None:
                fresh.answers, fresh.cursor = known.answers, known.cursor
            known = self._listeners[gateway_id] = fresh
        if live and not known.live_wanted:
            known.wake.set()  # whoever opens the first screen waits for the answer
        known.live_wanted, known.heard_at = live, now
        return known

    def fill(self, listener: Listener, rows: Iterable[tuple[Shard, Row]]) -> None:
        """A piece of the listener's snapshot. What the same shard published and is not told yet is as new, or newer:
        all that the piece has seen is durable by now, and so was published, and what was decided after it in the same
        group as well. What it published before it was built again is older. A shard whose append failed meanwhile was
        read as it never became; its residents are told of anew."""
        for shard, row in rows:
            key = row_key(row)
            known = listener.rows.get(key)
            if not shard.lost and (known is None or (known[0] is not shard and known[0].epoch <= shard.epoch)):
                listener.rows[key] = (shard, row)
        listener.wake.set()

    def is_full(self, listener: Listener) -> bool:
        """Is there more to tell than goes with one downlink?"""
        return not listener.complete or len(listener.rows) > self._limits.feed_piece_max

    def answer(self, gateway_id: str, ticket: int, reply: Reply) -> None:
        """A final answer for a caller behind `gateway_id`."""
        listener = self._listeners.get(gateway_id)
        if listener is not None:
            listener.answers.append((ticket, reply))
            listener.wake.set()

    def publish(self, shard: Shard, rows: Iterable[Row]) -> None:
        """Rows of entities of the shard that are durable now."""
        fed = [(row_key(row), (shard, row)) for row in rows if row.table in FEED_TABLES]  # type: ignore[attr-defined]
        if fed:
            for listener in self._listeners.values():
                listener.rows.update(fed)
                listener.wake.set()

    def add(self, shard: Shard, key: Key) -> None:
        """A resident has come into memory: all of him is to be told."""
        for listener in self._listeners.values():
            if listener.snapshot is not None:
                listener.snapshot.add(shard.number, key)
                listener.wake.set()

    @property
    def live_wanted(self) -> bool:
        """Does any gateway have screens?"""
        return any(listener.live_wanted for listener in self._listeners.values())

    def publish_live(self, event: LiveEvent) -> None:
        """An event that is durable now."""
        for listener in self._listeners.values():
            if listener.live_wanted:
                listener.reset |= len(listener.live) == listener.live.maxlen  # the oldest goes
                listener.live.append(event)
                listener.wake.set()

    def missed(self) -> None:
        """Something happened that could not be told live."""
        for listener in self._listeners.values():
            if listener.live_wanted:
                listener.reset = True
                listener.wake.set()

    def take(self, listener: Listener, stats: HostStats) -> Downlink:
        """What waits for the gateway; of very many rows those that have waited longest."""
        listener.cursor += 1
        keys = list(islice(listener.rows, self._limits.feed_piece_max))
        rows = [listener.rows.pop(key) for key in keys]
        more = bool(listener.rows) or not listener.complete
        link = Downlink(
            listener.cursor,
            listener.reset,
            listener.answers,
            [FedRow(shard.number, shard.epoch, row.table, to_msgpack(row)) for shard, row in rows],  # type: ignore[attr-defined]
            list(listener.live),
            stats,
            more,
        )
        listener.reset, listener.answers = False, []
        listener.live.clear()
        if not more:
            listener.wake.clear()
        return link

    def prune(self, now: float) -> None:
        """Forgets gateways that have not called for a while."""
        patience = 6 * self._limits.listen_max_s
        gone = [name for name, listener in self._listeners.items() if now - listener.heard_at > patience]
        for name in gone:
            del self._listeners[name]
