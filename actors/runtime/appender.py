"""What a host asks its journal: to write what a group decided, and whose shards they are of which
something was answered from memory.

Nobody knows what is durable of an append that got no answer, so its shards are lost then: their memory would answer
repetitions with what may never be.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from actors.runtime.errors import JournalFull, JournalUnavailable
from actors.runtime.mailbox import Group, Part
from actors.runtime.ports import Append, Clock, Journal
from actors.runtime.shard import Shard
from actors.runtime.store_health import StoreHealth

log = logging.getLogger("ocefs.host")
# For how long commands are sent away when the journal has no room, callers' and the host's
# own, before it is tried again.
FULL_S = 1.0


class Appender:
    """One group at a time. lose: takes the shards' memory away, and has them built again from what is durable.

    health: how the journal is. appends: the latest, for meters: (ms, envelopes). full_until: until
    when it is taken to have no room (monotonic).
    """

    def __init__(self, name: str, journal: Journal, clock: Clock, lose: Callable[[Iterable[Shard]], None]) -> None:
        self.health = StoreHealth("the journal", name, clock)
        self.appends: deque[tuple[float, int]] = deque(maxlen=2000)
        self._name = name
        self._journal = journal
        self._clock = clock
        self._lose = lose
        self.full_until = 0.0

    def is_full(self) -> bool:
        """Had the journal no room, a moment ago?"""
        return self._clock.monotonic() < self.full_until

    async def fullness(self) -> float:
        """See `Journal.fullness`; 0 also while it does not answer."""
        try:
            return await self._journal.fullness()
        except JournalUnavailable:
            return 0.0

    async def append(self, group: Group) -> None:
        """Returns when all of the group is durable, or its shard lost, or unproven."""
        parts = [part for part in group.parts.values() if not part.shard.lost]
        appended = {part.shard for part in parts}
        asked = [shard for shard in group.recalled if not shard.lost and shard not in appended]
        if parts and asked:
            await asyncio.gather(self._write(parts, group.size), self._prove(asked, group))
        elif parts:
            await self._write(parts, group.size)
        elif asked:
            await self._prove(asked, group)

    async def superseded(self, shards: Sequence[Shard]) -> Sequence[Shard] | None:
        """Those that were opened anew; None when the journal does not say so. What is answered from memory must not be
        older than what another host has acknowledged: one that took the shards while this one was paused, or could not
        be reached. To be asked after the answers were made, so that no pause in between can make them stale."""
        try:
            gone = await self._journal.superseded({shard.number: shard.epoch for shard in shards})
            self.health.well()
        except JournalUnavailable as away:
            self.health.away(str(away))
            return None
        except Exception as fault:
            log.exception("asking whose shards they are failed")
            self.health.fault(fault)
            return None
        if gone:
            log.warning("host %s answers nothing of shards %s: they were opened anew", self._name, gone)
        return [shard for shard in shards if shard.number in gone]

    async def _write(self, parts: Sequence[Part], envelopes: int) -> None:
        appends = [Append(p.shard.number, p.shard.epoch, p.position, p.turns) for p in parts]
        began = self._clock.monotonic()
        try:
            refused = await self._journal.append(appends)
            self.health.well()
            self.appends.append(((self._clock.monotonic() - began) * 1000, envelopes))
        except JournalUnavailable as away:
            self.health.away(str(away))
            if isinstance(away, JournalFull):
                # Each try costs the shards their memory; only a drain makes room, or an hour of commands that
                # needs no more remembering.
                self.full_until = self._clock.monotonic() + FULL_S
            refused = [part.shard.number for part in parts]
        except Exception as fault:
            # Not foreseen, so nobody knows what was written: as much in doubt as an append that got no answer. Left
            # alone, the memory would answer repetitions with what may never be durable.
            log.exception("an append failed")
            self.health.fault(fault)
            refused = [part.shard.number for part in parts]
        if refused:
            self._lose([part.shard for part in parts if part.shard.number in refused])

    async def _prove(self, shards: Sequence[Shard], group: Group) -> None:
        gone = await self.superseded(shards)
        if gone is None:
            group.unproven.update(shards)
        else:
            self._lose(gone)
