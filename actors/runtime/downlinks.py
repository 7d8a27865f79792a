"""The long-polls of the gateways at a host: what of its feed (`feed.py`) goes with one, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from actors.domain.kind import Row
from actors.runtime.codec import Codec, to_msgpack
from actors.runtime.feed import Feed, Listener
from actors.runtime.limits import Limits
from actors.runtime.mailbox import Group
from actors.runtime.ports import Clock
from actors.runtime.shard import Shard
from actors.runtime.snapshot import Snapshot
from actors.runtime.wire import UNHEARD, Downlink, HostStats

# So long a gateway waits that can be told nothing for now.
UNHEARD_S = 0.25
_Read = tuple[list[tuple[Shard, Row]], Group]


class Downlinks:
    """at_next_group: the barrier by which what is read from memory is proved. stats: how the host is now."""

    def __init__(
        self, codecs: Mapping[str, Codec], shards: Mapping[int, Shard], feed: Feed, clock: Clock, limits: Limits,
        at_next_group: Callable[[Callable[[Group], Any]], asyncio.Future[Any]], stats: Callable[[], HostStats],
    ) -> None:  # fmt: skip
        self._codecs, self._shards, self._feed = codecs, shards, feed
        self._clock, self._limits = clock, limits
        self._at_next_group, self._stats = at_next_group, stats

    async def next(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        """`Downlink` in MessagePack: waits until there is something for the gateway, a second at
        most for fresh figures."""
        now = self._clock.monotonic()
        listener = self._feed.listener(gateway_id, cursor, live, now)
        if not listener.complete and not await self._filled(listener):
            # Nobody says whose these shards are: it may be another host that tells of them, and knows what is newer.
            await self._clock.sleep(UNHEARD_S)
            if listener.reset:
                return to_msgpack(Downlink(UNHEARD, False, [], [], [], self._stats()))
        if not self._feed.is_full(listener):
            try:
                async with asyncio.timeout(min(1.0, self._limits.listen_max_s)):
                    await listener.wake.wait()
                    await self._clock.sleep(self._limits.feed_spacing_s)  # what follows soon goes with it
            except TimeoutError:
                pass
        link: Downlink = self._feed.take(listener, self._stats())
        return to_msgpack(link)

    async def _filled(self, listener: Listener) -> bool:
        """Has the next piece of the listener's snapshot been proved? It goes through the inbox, so that it rests on
        what is durable and what follows comes after it. While the journal hangs the gateway is not let wait for it: it
        would take the host for dead."""
        if listener.reading is None:
            listener.reading = self._at_next_group(partial(self._piece, listener))
        await asyncio.wait((listener.reading,), timeout=min(1.0, self._limits.listen_max_s))
        if not listener.reading.done():
            return True
        rows, group = listener.reading.result()
        listener.reading = None
        if group.unproven:
            assert listener.snapshot is not None
            listener.snapshot.take_back()
            return False
        self._feed.fill(listener, rows)
        return True

    def _piece(self, listener: Listener, group: Group) -> _Read:
        """Some residents as they are in memory, which has to be proved as every answer from there."""
        if listener.snapshot is None:
            listener.snapshot = Snapshot(self._codecs, self._shards)
            group.recalled.update(dict.fromkeys(self._shards.values()))
        rows = listener.snapshot.piece(self._shards, self._limits.feed_piece_max)
        group.recalled.update(dict.fromkeys(shard for shard, _ in rows))
        return rows, group
