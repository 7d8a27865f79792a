"""Durable timers: an entity's due-time is part of its state and its row; the heap here only fires it.

A timer that fires is a command to the entity (`Kind.wake`). Firing late, twice, or after the due-time has changed does
no harm: the host drops a wake-up whose entity is not due.
"""

from __future__ import annotations

import heapq

from actors.runtime.pauses import Pauses
from actors.runtime.shard import Key


class Timers:
    """Due-times of the entities of a host: (due UTC ms, shard, (kind, id)), earliest first. At most one entry for each
    due-time of an entity; outdated ones are dropped when they come up."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Key]] = []
        self._known: dict[Key, int] = {}
        self._pauses = Pauses()
        self._late = Pauses()

    def set(self, shard: int, key: Key, due_ms: int | None) -> None:
        """The entity wants to be woken at `due_ms`, or not at all."""
        if due_ms is None:
            self._known.pop(key, None)
            return
        due_ms = max(due_ms, self._pauses.until(key), self._late.until(key))
        if self._known.get(key) != due_ms:
            self._known[key] = due_ms
            heapq.heappush(self._heap, (due_ms, shard, key))

    def stored(self, shard: int, key: Key, due_ms: int) -> None:
        """The store says so. It may not have heard yet of what is known here, so it puts nothing off; whoever is woken
        too early is woken again in time."""
        known = self._known.get(key)
        if known is None or due_ms < known:
            self.set(shard, key, due_ms)

    def fault(self, key: Key, now_ms: int) -> None:
        """To wake the entity met a fault, for which its shard may have to be built again. So it is not woken for a
        while, longer each time, whatever it wants and through all rebuilding; the others of the shard must
        be able to live with it."""
        self._pauses.fault(key, now_ms)

    def late(self, key: Key, now_ms: int) -> None:
        """The entity could not be woken, for a reason that passes. It may have been its own turn that could not be
        appended: so it waits a second, through all rebuilding, or its shard would be lost again as soon as it is back.
        No longer, however often: it is not at fault."""
        self._late.well(key)
        self._late.fault(key, now_ms)

    def well(self, key: Key) -> None:
        """To wake the entity met no fault."""
        self._pauses.well(key)
        self._late.well(key)

    def due(self, now_ms: int, most: int) -> list[tuple[int, int, Key]]:
        """Takes out at most `most` entries whose time has come."""
        out: list[tuple[int, int, Key]] = []
        while self._heap and self._heap[0][0] <= now_ms and len(out) < most:
            entry = heapq.heappop(self._heap)
            due_ms, _, key = entry
            if self._known.get(key) == due_ms:
                del self._known[key]
                out.append(entry)
        return out

    def drop(self, shard: int) -> None:
        """Forgets a shard that is not ours any more."""
        for _, owner, key in self._heap:
            if owner == shard:
                self._known.pop(key, None)
        self._heap = [entry for entry in self._heap if entry[1] != shard]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._known)
