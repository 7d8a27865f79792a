"""The simulated supervisor: asks the hosts how they are, and gives the shards of silent ones to others. It drives the
same calls as the real one (`take_over`, `hand_over`), over a network that may lose them, and it may be wrong: a
paused host is not dead."""

from __future__ import annotations

import asyncio
from typing import Any

from actors.runtime.errors import HostUnreachable, Outdated, Unavailable
from actors.runtime.ownership import Ownership
from actors.runtime.ports import ShardMap

ROUND_S = 0.2
SILENT_MAX = 3  # rounds without an answer
MISSING_MAX = 5  # rounds in which a host does not serve what the map says


class Supervisor:
    """Keeps the map."""

    def __init__(self, world: Any, shards: int) -> None:
        self.world = world
        self.known = Ownership(shards)
        self.epoch = 0
        self.silent: dict[str, int] = {}
        self.missing: dict[int, int] = {}
        self.moving = False

    def map(self) -> ShardMap:
        """The present map."""
        return self.known.map()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.gather(*(self._look(slot) for slot in self.world.hosts.values()))
            if not self.moving:
                await self._assign()
            await asyncio.sleep(ROUND_S)

    def alive(self) -> list[str]:
        """Hosts that answered lately."""
        return [name for name in self.world.hosts if self.silent.get(name, 99) < SILENT_MAX]

    async def _look(self, slot: Any) -> None:
        try:
            serves = await slot.ask("look at", lambda host: host.owned(), 0.3)
        except HostUnreachable:
            serves = None
        if serves is None:
            dead = slot.state == "dead"  # Ray tells at once when a process is gone
            self.silent[slot.name] = SILENT_MAX if dead else self.silent.get(slot.name, SILENT_MAX) + 1
            return
        self.silent[slot.name] = 0
        self.known.claimed(slot.name, serves)
        missing = self.known.missing(slot.name, serves)
        for shard in self.known.of(slot.name):
            self.missing[shard] = self.missing.get(shard, 0) + 1 if shard in missing else 0

    async def _assign(self) -> None:
        alive = self.alive()
        if not alive:
            return
        owners = self.known.owners
        homeless = [s for s, owner in enumerate(owners) if owner not in alive or self.missing.get(s, 0) > MISSING_MAX]
        if not homeless:
            return
        load = {name: owners.count(name) for name in alive}
        wanted: dict[str, list[int]] = {}
        for shard in homeless:
            name = min(alive, key=lambda n: (load[n], n))
            load[name] += 1
            wanted.setdefault(name, []).append(shard)
        await asyncio.gather(*(self._give(name, shards) for name, shards in wanted.items()))

    async def _give(self, name: str, shards: list[int]) -> None:
        self.epoch = epoch = self.epoch + 1
        self.world.note("supervisor", f"gives {shards} to {name} under {epoch}")
        try:
            taken = await self.world.hosts[name].ask("give shards to", lambda host: host.take_over(shards, epoch), 3.0)
        except (HostUnreachable, Unavailable, Outdated) as failed:
            self.world.note("supervisor", f"{name} did not take {shards}: {failed}")
            return
        self.known.given(name, taken or [], epoch)
        self.missing.update(dict.fromkeys(taken or [], 0))

    async def move(self, source: str, target: str, shards: list[int]) -> None:
        """Moves shards between living hosts (scaling)."""
        self.moving = True
        try:
            self.world.note("supervisor", f"moves {shards} from {source} to {target}")
            given = await self.world.hosts[source].ask("take shards from", lambda host: host.hand_over(shards), 3.0)
            self.known.freed(given or [])
            await self._give(target, list(given or []))
        except (HostUnreachable, Unavailable) as failed:
            self.world.note("supervisor", f"moving {shards} failed: {failed}")
        finally:
            self.moving = False
