"""Wakes the entities of a host whose time has come, and hears how that went. Their times are in `timers.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from actors.runtime import wire
from actors.runtime.codec import Codec, to_msgpack
from actors.runtime.limits import Limits
from actors.runtime.mailbox import Item
from actors.runtime.ports import Clock
from actors.runtime.shard import Key, Shard
from actors.runtime.sharding import shard_of
from actors.runtime.timers import Timers
from actors.runtime.wire import Envelope, Reply


class Waking:
    """tell: puts an envelope into the host's inbox, with what is to be done with its reply."""

    def __init__(
        self, codecs: Mapping[str, Codec], shards: Mapping[int, Shard], timers: Timers, clock: Clock, limits: Limits,
        tell: Callable[[Envelope, Callable[[Reply], None]], None],
    ) -> None:  # fmt: skip
        self._codecs, self._shards, self._timers = codecs, shards, timers
        self._clock, self._limits, self._tell = clock, limits, tell

    def fire(self) -> None:
        """Tells those whose time has come."""
        for due_ms, _, key in self._timers.due(self._clock.now_ms(), self._limits.batch_max):
            wake = self._codecs[key[0]].kind.wake
            assert wake is not None
            envelope = Envelope(0, *key, f"wake-{due_ms}", 0, to_msgpack(wake()), mode=wire.WAKE)
            self._tell(envelope, partial(self._woken, key=key))

    def _woken(self, reply: Reply, key: Key) -> None:
        now_ms = self._clock.now_ms()
        if reply.status == wire.FAULT:
            self._timers.fault(key, now_ms)
        elif reply.status in (wire.UNAVAILABLE, wire.BUSY, wire.NOT_OWNER):
            self._timers.late(key, now_ms)
        else:
            self._timers.well(key)
            return
        # Not ours, and yet among our shards: it is being handed over, which may come to nothing.
        shard = shard_of(*key, self._limits.shards)
        if shard in self._shards:
            self._timers.stored(shard, key, now_ms + 1000)

    def is_due(self, shard: Shard, key: Key, now_ms: int, item: Item) -> bool:
        """Is this wake-up for the entity, or had it only another time before? What it wants by now is set."""
        entity = shard.entities.get(key)
        if entity is None:
            return item.absent is not shard  # it has to be loaded to know
        due = self._codecs[key[0]].kind.due(entity.state)
        if due is not None and due > now_ms:
            # The store may have told an older time, after the right one was known: that one counts again.
            self._timers.set(shard.number, key, due)
        return due is not None and due <= now_ms
