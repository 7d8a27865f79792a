"""What a host tells the gateways without being asked: final answers, changed rows of the indexes, live events.

Each gateway keeps one long-poll open (`listen`). Rows are upserts by key, so between two polls only the last of each key is kept.
A gateway whose cursor is not the last one sent (it or the host is new, or an answer got lost) begins again with a snapshot.
Live events can't be told again: where some are missing the gateway hears that (`reset`), and whoever looks reads anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from actors.domain.kind import Row
from actors.runtime.codec import to_msgpack
from actors.runtime.limits import Limits
from actors.runtime.wire import Downlink, HostStats, LiveEvent, Reply

FEED_TABLES = frozenset({"locations", "stock", "skus", "revocations", "location_profiles", "sourcing_policies"})


def row_key(row: Any) -> tuple[Any, ...]:
    """(table, primary key…) of a row."""
    return (row.table, *(getattr(row, column) for column in row.key))


class Listener:
    """What is on its way to one gateway."""

    def __init__(self, heard_at: float) -> None:
        self.cursor = 0
        self.live_wanted = False
        self.heard_at = heard_at
        self.reset = True
        self.complete = False  # the snapshot is in `rows`
        self.answers: list[tuple[int, Reply]] = []
        self.rows: dict[tuple[Any, ...], Row] = {}
        self.live: deque[LiveEvent]
        self.wake = asyncio.Event()


class Feed:
    """The listeners of a host."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._listeners: dict[str, Listener] = {}

    def listener(self, gateway_id: str, cursor: int, live: bool, now: float) -> Listener:
        """The gateway's listener; a new one, to be filled with a snapshot, when the cursor is not the last one sent."""
        known = self._listeners.get(gateway_id)
        if known is None or cursor != known.cursor or len(known.rows) > self._limits.feed_rows_max:
            fresh = Listener(now)
            fresh.live = deque(maxlen=self._limits.feed_live_max)
            if known is not None:
                fresh.answers, fresh.cursor = known.answers, known.cursor
            known = self._listeners[gateway_id] = fresh
        known.live_wanted, known.heard_at = live, now
        return known

    def fill(self, listener: Listener, rows: Iterable[Row]) -> None:
        """The snapshot of a new listener. What was published since the listener is there is as new, or newer: all that the snapshot has seen is durable by
        now, and so was published, and what was decided after it in the same group as well."""
        for row in rows:
            listener.rows.setdefault(row_key(row), row)
        listener.complete = True
        listener.wake.set()

    def answer(self, gateway_id: str, ticket: int, reply: Reply) -> None:
        """A final answer for a caller behind `gateway_id`."""
        listener = self._listeners.get(gateway_id)
        if listener is not None:
            listener.answers.append((ticket, reply))
            listener.wake.set()

    def publish(self, rows: Iterable[Row]) -> None:
        """Rows that are durable now."""
        fed = [(row_key(row), row) for row in rows if row.table in FEED_TABLES]  # type: ignore[attr-defined]
        if fed:
            for listener in self._listeners.values():
                listener.rows.update(fed)
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
        """Everything that waits for the gateway."""
        listener.cursor += 1
        link = Downlink(
            listener.cursor,
            listener.reset,
            listener.answers,
            [(row.table, to_msgpack(row)) for row in listener.rows.values()],  # type: ignore[attr-defined]
            list(listener.live),
            stats,
        )
        listener.reset, listener.answers, listener.rows = False, [], {}
        listener.live.clear()
        listener.wake.clear()
        return link

    def prune(self, now: float) -> None:
        """Forgets gateways that have not called for a while."""
        patience = 6 * self._limits.listen_max_s
        gone = [name for name, listener in self._listeners.items() if now - listener.heard_at > patience]
        for name in gone:
            del self._listeners[name]
