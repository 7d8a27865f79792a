"""The memory of commands of one shard: the same command id gives the first answer again, for 24 hours and across failover.

Three layers, so that the hot path needs neither Postgres nor much memory:

    recent       answers of the latest turns, and of all turns that are not yet in the store
    seen         64-bit fingerprints of everything else of the last hours: "never seen" is certain and needs no I/O
    the history  in Postgres: asked for a fingerprint that was seen but is not recent

Fingerprints come back after a failover from the journal, which keeps them in hour buckets beside the tail.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from heapq import merge

import msgspec

HOUR_MS = 3_600_000
NEWEST_MAX = 8192


class Remembered(msgspec.Struct, gc=False):
    """What is known of a command. `position`: of its turn in the journal. `durable`: may be told."""

    entity_id: str
    command_id: str
    position: int
    digest: int
    status: int
    reply: bytes
    provisional: bool


class Seen:
    """A set of fingerprints by hour. Only the newest few thousand are a Python set (some 140 bytes each); the others are sorted
    arrays of 8 bytes each: runs within the hour, one array for each hour that is over."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._hour = 0
        self._newest: set[int] = set()
        self._runs: dict[int, list[array[int]]] = {}

    def add(self, fingerprint: int, now_ms: int) -> None:
        """Remembers it from `now_ms` on for `hours`."""
        hour = now_ms // HOUR_MS
        if hour != self._hour:
            self._turn(hour)
        self._newest.add(fingerprint)
        if len(self._newest) >= NEWEST_MAX:
            self._seal()

    def load(self, fingerprints: Iterable[int], now_ms: int) -> None:
        """Takes over what the journal remembers, as if of this hour: it is kept a little longer than needed."""
        run = array("Q", sorted(set(fingerprints)))
        if run:
            self._runs.setdefault(now_ms // HOUR_MS, []).append(run)

    def _seal(self) -> None:
        self._runs.setdefault(self._hour, []).append(array("Q", sorted(self._newest)))
        self._newest = set()

    def _turn(self, hour: int) -> None:
        """Another hour begins: the one before becomes one array, those past the window go."""
        if self._newest:
            self._seal()
        for old, runs in list(self._runs.items()):
            if old < hour - self._hours:
                del self._runs[old]
            elif len(runs) > 1:
                self._runs[old] = [array("Q", merge(*runs))]
        self._hour = hour

    def __contains__(self, fingerprint: int) -> bool:
        if fingerprint in self._newest:
            return True
        for runs in self._runs.values():
            for run in runs:
                at = bisect_left(run, fingerprint)
                if at < len(run) and run[at] == fingerprint:
                    return True
        return False


class CommandMemory:
    """`recent` and `seen` of a shard."""

    def __init__(self, recent_max: int, hours: int) -> None:
        self._recent_max = recent_max
        self._recent: dict[int, Remembered] = {}
        self._provisional: dict[tuple[str, str], int] = {}
        # Final answers whose turns are not in the store yet: (position, reply) by (entity id, command id).
        self._finals: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.seen = Seen(hours)

    def recall(self, fingerprint: int) -> Remembered | None:
        """The command if it is recent."""
        return self._recent.get(fingerprint)

    def put(self, fingerprint: int, command: Remembered, now_ms: int) -> None:
        """Remembers a command that was decided (it becomes known to callers only when its turn is durable)."""
        self._recent[fingerprint] = command
        self.seen.add(fingerprint, now_ms)
        final = self._finals.get((command.entity_id, command.command_id)) if command.provisional else None
        if final is not None:
            # The history, where the command was looked up, does not know of its final answer yet.
            command.reply, command.provisional = final[1], False
        if command.provisional:
            self._provisional[command.entity_id, command.command_id] = fingerprint

    def finish(self, entity_id: str, command_id: str, reply: bytes, position: int) -> None:
        """The final answer of a provisional command, given by the turn at `position`."""
        self._finals[entity_id, command_id] = (position, reply)
        fingerprint = self._provisional.pop((entity_id, command_id), None)
        command = self._recent.get(fingerprint) if fingerprint is not None else None
        if command is not None:
            command.reply, command.provisional = reply, False

    def forget(self, drained: int) -> None:
        """Drops the oldest answers over the limit whose turns are in the store (position ≤ `drained`)."""
        while self._finals:
            key = next(iter(self._finals))
            if self._finals[key][0] > drained:
                break
            del self._finals[key]
        excess = len(self._recent) - self._recent_max
        if excess <= 0:
            return
        old: list[int] = []
        for fingerprint, command in self._recent.items():
            if len(old) >= excess or command.position > drained:
                break
            old.append(fingerprint)
        for fingerprint in old:
            command = self._recent.pop(fingerprint)
            if command.provisional:
                self._provisional.pop((command.entity_id, command.command_id), None)
