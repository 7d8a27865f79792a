"""The memory of commands of one shard: the same command id gives the first answer again, for 24
hours and across failover.

Three layers, so that the hot path needs neither Postgres nor much memory:

    recent       answers of the latest turns, and of all turns that are not yet in the store
    seen         64-bit fingerprints of everything else of the last hours: "never seen" is certain and needs no I/O
    the history  in Postgres: asked for a fingerprint that was seen but is not recent

Fingerprints come back after a failover from the journal, which keeps them in hour buckets beside the tail. After a busy
day they are many millions, so nobody waits for them: until they are here, anything may have been
seen, and the history is asked.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from actors.domain.times import HOUR_MS

NEWEST_MAX = 8192  # a power of two
# A layer of fingerprints goes at once, when its newest is old enough: so it may not span long.
LAYER_HOURS = 6
_SECOND_PROBE = 31

Fingerprints = npt.NDArray[np.uint64]


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
    """A set of fingerprints of the last hours. Only the newest few thousand are a Python set (some 140 bytes each); the
    others are sorted arrays of 8 bytes each, in layers with a filter of 2 to 8 bytes each before them, so that "never
    seen" costs the same however many there are.

    whole: it knows all that the journal remembers. As long as it does not, it holds everything.
    """

    def __init__(self, hours: int, *, whole: bool = True) -> None:
        self.whole = whole
        self._hours = hours
        self._newest: set[int] = set()
        self._newest_since = 0
        self.layers: list[Layer] = []

    def add(self, fingerprint: int, now_ms: int) -> None:
        """Remembers it from `now_ms` on for `hours`, or a few more."""
        hour = now_ms // HOUR_MS
        if len(self._newest) >= NEWEST_MAX or hour - self._newest_since >= LAYER_HOURS:
            self._seal(np.sort(np.fromiter(self._newest, np.uint64, len(self._newest))), hour)
            self._newest, self._newest_since = set(), hour
        self._newest.add(fingerprint)

    def load(self, fingerprints: Sequence[int], now_ms: int) -> None:
        """Takes over what the journal remembers, at most NEWEST_MAX at once, as if of this hour: it is kept a little
        longer than needed."""
        self._seal(np.unique(np.asarray(fingerprints, np.uint64)), now_ms // HOUR_MS)

    def join(self, other: Seen) -> None:
        """What `other` took over is known here too, from now on."""
        self.layers = other.layers + self.layers

    def _seal(self, run: Fingerprints, hour: int) -> None:
        layers = self.layers = [layer for layer in self.layers if layer.last_hour >= hour - self._hours]
        if len(run):
            if not layers or layers[-1].full or hour - layers[-1].first_hour >= LAYER_HOURS:
                # As large as all that came lately: so there are few layers, whatever the rate.
                lately = sum(layer.size for layer in layers if layer.last_hour > hour - LAYER_HOURS)
                layers.append(Layer(max(NEWEST_MAX, 1 << lately.bit_length()), hour))
            layers[-1].add(run, hour)

    def __contains__(self, fingerprint: int) -> bool:
        if fingerprint in self._newest:
            return True
        for layer in self.layers:
            if fingerprint in layer:
                return True
        return not self.whole


class Layer:
    """Sorted runs behind a Bloom filter: two probes into 16 bits for each of `capacity` fingerprints, so that when it
    is full one negative answer in seventy needs a look into the runs. Fingerprints are hashes already: their
    own bits are the probes."""

    def __init__(self, capacity: int, hour: int) -> None:
        self.first_hour = self.last_hour = hour
        self.size = 0
        self._capacity = capacity
        self._mask = capacity * 16 - 1
        # Looked up as a bytearray, which is three times as quick as an array of numpy for one bit, and filled
        # as the other, for thousands.
        self._bits = bytearray(capacity * 2)
        self._filled = np.frombuffer(self._bits, np.uint8)
        self._runs: list[array[int]] = []

    @property
    def full(self) -> bool:
        """Nothing more goes in."""
        return self.size >= self._capacity

    def add(self, run: Fingerprints, hour: int) -> None:
        """Takes a sorted run of at most NEWEST_MAX."""
        for shift in (0, _SECOND_PROBE):
            probes = run >> np.uint64(shift) & np.uint64(self._mask)
            bits = np.left_shift(1, probes & np.uint64(7), dtype=np.uint64).astype(np.uint8)
            np.bitwise_or.at(self._filled, (probes >> np.uint64(3)).astype(np.intp), bits)
        self._runs.append(array("Q", run.tobytes()))
        self.size += len(run)
        self.last_hour = hour

    def may_hold(self, fingerprint: int) -> bool:
        """What the filter says: False is certain."""
        bits, mask = self._bits, self._mask
        probe = fingerprint & mask
        if not bits[probe >> 3] >> (probe & 7) & 1:
            return False
        probe = fingerprint >> _SECOND_PROBE & mask
        return bool(bits[probe >> 3] >> (probe & 7) & 1)

    def __contains__(self, fingerprint: int) -> bool:
        if not self.may_hold(fingerprint):
            return False
        for run in self._runs:
            at = bisect_left(run, fingerprint)
            if at < len(run) and run[at] == fingerprint:
                return True
        return False


class CommandMemory:
    """`recent` and `seen` of a shard."""

    def __init__(self, recent_max: int, seen: Seen) -> None:
        self._recent_max = recent_max
        self._recent: dict[int, Remembered] = {}
        self._provisional: dict[tuple[str, str], int] = {}
        # Final answers whose turns are not in the store yet: (position, reply) by (entity id, command id).
        self._finals: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.seen = seen

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
