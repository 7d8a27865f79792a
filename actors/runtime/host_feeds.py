"""What hosts tell a gateway by its long-polls: final answers, rows, live events and how they are. One poll is open at
each host of the map; `feed.py` is the other end.

    map ──follow──► a poll per host ──┬─ answers ──► who waits for them
                         ▲            ├─ rows, live, reset ──► listeners
                         └── cursor ──┴─ stats ──► is all told? how fresh is the store?

A poll that fails, or whose news a listener could not take, begins anew: what was missed is unknown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from actors.domain.kind import Row
from actors.domain.rows import LocationRow, RevocationRow, SkuRow, StockRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.runtime import wire
from actors.runtime.errors import HostUnreachable
from actors.runtime.limits import Limits
from actors.runtime.ports import Clock, ShardMap, Transport
from actors.runtime.sharding import mask_of
from actors.runtime.wire import Downlink, FedRow, HostStats, LiveEvent, Reply

log = logging.getLogger("ocefs.gateway")
_DOWNLINK = msgspec.msgpack.Decoder(Downlink).decode
# What hosts feed of their rows, to who answers many callers from memory.
_ROWS: dict[str, msgspec.msgpack.Decoder[Row]] = {
    row.table: msgspec.msgpack.Decoder(row)
    for row in (StockRow, LocationRow, SkuRow, RevocationRow, LocationProfileRow, SourcingPolicyRow)
}


class FeedListener(Protocol):
    """Who wants to know what the hosts publish."""

    def reset(self, host: str) -> None:
        """Of what happened at the host not everything was told live, or it is gone with what it had not told. Its rows
        follow, if it has any. The hosts of the first map that is read are no news to anybody, so to hear
        them first misses nothing."""

    def rows(self, rows: list[Row]) -> None:
        """Changed rows, of the tables of `_ROWS`; upserts by key."""

    def live(self, event: LiveEvent) -> None:
        """A change of an entity; only while screens are wanted."""


class HostFeeds:
    """See the module's docstring. `name` is the gateway's, `answered` is called with the ticket and the
    reply of each final answer."""

    def __init__(
        self, name: str, transport: Transport, clock: Clock, limits: Limits, answered: Callable[[int, Reply], None]
    ) -> None:
        self._name = name
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._answered = answered
        # By host, "" for nobody's: `sharding.mask_of` its shards by the map.
        self._owned: dict[str, bytes] = {}
        self._listeners: list[FeedListener] = []
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._live = False
        self._stats: dict[str, HostStats] = {}
        # Hosts of the map that have answered, and of those the ones that have told all that they have.
        self._met: set[str] = set()
        self._heard: set[str] = set()
        # Those that came into the map after the first one: what they did before they were heard, nobody was told live.
        self._late: set[str] = set()
        self._mapped = False
        # Hosts that have answered a poll that wanted live events, and were asked for nothing else since.
        self._telling: set[str] = set()
        # By shard: the highest epoch of which rows were heard.
        self._epochs: dict[int, int] = {}

    def close(self) -> None:
        """Ends all polls."""
        for task in self._listening.values():
            task.cancel()

    def subscribe(self, listener: FeedListener) -> None:
        """The listener is told everything from now on."""
        self._listeners.append(listener)

    def want_live(self, wanted: bool) -> None:
        """Are there screens? Hosts hear of it with the next poll: see `is_told_live`."""
        self._live = wanted

    def is_told_live(self) -> bool:
        """Is what happens now at any host told live, or else that something is missing? Of shards without an
        owner the next one says so."""
        owners = self._owned.keys() - {""}
        return self._live and bool(owners) and owners <= self._telling

    def stats(self) -> list[HostStats]:
        """The latest of each host in the map, by name."""
        return [self._stats[name] for name in sorted(self._owned) if name in self._stats]

    def fresh_ms(self) -> int | None:
        """What was acknowledged before that (UTC ms) is in the store; None while that is not known of every shard. For
        two seconds after shards went to another host it may say too much: so long the map and the
        hosts' word are on their way."""
        told = [(self._stats.get(name), mask) for name, mask in self._owned.items()]
        # A host that tells of other shards than the map does says nothing of what those acknowledged.
        fresh = [stats.fresh_ms for stats, mask in told if stats is not None and stats.owned == mask]
        return min(fresh) if fresh and len(fresh) == len(told) else None

    def heard_all(self) -> bool:
        """Has every shard an owner, and has each owner told what it has? Before that nobody here knows what there is.
        Residents of a shard that its owner is just taking over may still follow."""
        return bool(self._owned) and self._owned.keys() <= self._heard

    def follow(self, known: ShardMap) -> None:
        """Listens to the hosts of this map and to no others; those that left are forgotten,
        and listeners hear of it."""
        self._owned = _owned(known)
        hosts = self._owned.keys() - {""}
        for host in sorted(hosts - self._listening.keys()):
            self._listening[host] = asyncio.get_running_loop().create_task(self._listen(host))
            if self._mapped:
                self._late.add(host)
        self._mapped = self._mapped or bool(hosts)
        for host in sorted(self._listening.keys() - hosts):
            self._listening.pop(host).cancel()
            self._stats.pop(host, None)
            self._late.discard(host)
            self._telling.discard(host)
            self._heard.discard(host)
            if host in self._met:
                self._met.discard(host)
                for listener in self._listeners:
                    listener.reset(host)

    async def _listen(self, host: str) -> None:
        cursor = wire.UNHEARD
        while True:
            try:
                if not (live := self._live):
                    self._telling.discard(host)
                async with asyncio.timeout(2 * self._limits.listen_max_s):
                    link = _DOWNLINK(await self._transport.listen(host, self._name, cursor, live))
                self._received(host, link)
                cursor = link.cursor
                if cursor != wire.UNHEARD:
                    self._met.add(host)
                    if live:
                        self._telling.add(host)
                    if not link.more:
                        self._heard.add(host)
                continue
            except (HostUnreachable, TimeoutError):
                pass
            except Exception:
                log.exception("what a host told could not be taken", extra={"host": host})
            # What was missed is unknown: from the beginning.
            cursor = wire.UNHEARD
            self._telling.discard(host)
            await self._clock.sleep(self._limits.retry_pause_s * 4)

    def _received(self, host: str, link: Downlink) -> None:
        if link.stats is not None:
            self._stats[host] = link.stats
        for ticket, reply in link.answers:
            self._answered(ticket, reply)
        rows = [_ROWS[fed.table].decode(fed.row) for fed in link.rows if self._is_newest(fed)]
        missed = link.reset and (host in self._met or host in self._late)
        if link.reset:
            self._late.discard(host)
        for listener in self._listeners:
            if missed:
                listener.reset(host)
            if rows:
                listener.rows(rows)
            for event in link.live:
                listener.live(event)

    def _is_newest(self, fed: FedRow) -> bool:
        """What a shard's last owner says may come after what its present one does, who has
        told of all of it, or will."""
        newest = self._epochs.get(fed.shard, -1)
        if fed.epoch > newest:
            self._epochs[fed.shard] = fed.epoch
        return fed.epoch >= newest


def _owned(known: ShardMap) -> dict[str, bytes]:
    owned: dict[str, list[int]] = {}
    for shard, name in enumerate(known.owners):
        owned.setdefault(name, []).append(shard)
    return {name: mask_of(shards) for name, shards in owned.items()}
