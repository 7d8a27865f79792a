"""What goes wrong, drawn from the seed: first the weather of the whole run (which faults there are, how
often), then blow by blow."""

from __future__ import annotations

import asyncio
import random
from typing import Any

# Each world plays some of them.
BLOWS = (
    "crash", "pause", "gateway", "journal away", "store away", "move", "unseen", "all crash", "blind gateway", "blind host",
)  # fmt: skip


class Faults:
    """Plays faults for `seconds`, then heals everything."""

    def __init__(self, world: Any, rng: random.Random, seconds: float) -> None:
        self.world, self.rng, self.seconds = world, rng, seconds
        chosen = world.blows or rng.sample(BLOWS, rng.randint(1, 4))
        self.blows = [blow for blow in BLOWS if blow in chosen]
        self.every_s = rng.choice((0.4, 0.8, 1.5))

    def weather(self) -> None:
        """Sets the odds of the lines."""
        rng, world = self.rng, self.world
        net, journal, store = world.net.odds, world.journal_line.odds, world.store_line.odds
        net.slow = rng.choice((0.0, 0.02, 0.1))
        net.lose_request = rng.choice((0.0, 0.0, 0.01, 0.05))
        net.lose_reply = rng.choice((0.0, 0.0, 0.01, 0.05))
        net.repeat = rng.choice((0.0, 0.02, 0.1))
        journal.slow = rng.choice((0.0, 0.05))
        journal.lose_request = rng.choice((0.0, 0.0, 0.02))
        journal.lose_reply = rng.choice((0.0, 0.0, 0.03))
        journal.late = rng.choice((0.0, 0.0, 0.02))
        store.slow = rng.choice((0.0, 0.05))
        store.lose_request = rng.choice((0.0, 0.0, 0.05))
        store.lose_reply = rng.choice((0.0, 0.0, 0.1))
        world.note(
            "faults",
            f"{', '.join(self.blows)} about every {self.every_s} s; network {net}; journal {journal}; store {store}",
        )

    async def run(self) -> None:
        """One blow after another."""
        end = self.world.loop.time() + self.seconds
        self.weather()
        going: list[asyncio.Task] = []
        while self.world.loop.time() < end:
            await asyncio.sleep(self.rng.expovariate(1 / self.every_s))
            going.append(asyncio.ensure_future(self._blow(self.rng.choice(self.blows))))
        for blow in going:
            await blow
        self.heal()

    def heal(self) -> None:
        """No faults any more: what is paused wakes up, what is dead starts again."""
        world = self.world
        for line in (world.net, world.journal_line, world.store_line):
            line.odds.calm()
        for door in world.doors:
            door.blind = False
        for slot in world.hosts.values():
            slot.unseen = slot.blind = False
            if slot.state == "paused":
                slot.wake()
            elif slot.state == "dead":
                slot.boot()
        world.faulty = False
        world.note("faults", "are over")

    async def _blow(self, blow: str) -> None:
        world, rng = self.world, self.rng
        running = [slot for slot in world.hosts.values() if slot.state == "running"]
        world.trace.tally(blow)
        if blow == "crash" and running:
            await self._crash(rng.choice(running))
        elif blow == "all crash":
            await asyncio.gather(*(self._crash(slot) for slot in running))
        elif blow == "pause" and running:
            slot = rng.choice(running)
            paused = slot.process
            slot.pause()
            await asyncio.sleep(rng.choice((0.2, 1.0, 1.8, 2.5)) * rng.uniform(0.5, 1.5))
            if slot.process is paused and slot.state == "paused":
                slot.wake()
        elif blow == "unseen":
            await self._unseen(rng.choice(list(world.hosts.values())))
        elif blow == "blind gateway":
            await self._blind(rng.choice(world.doors))
        elif blow == "blind host":
            await self._blind(rng.choice(list(world.hosts.values())))
        elif blow == "gateway":
            rng.choice(world.doors).crash()
        elif blow in ("journal away", "store away"):
            line = world.journal_line if blow == "journal away" else world.store_line
            line.odds.away = True
            world.note("faults", f"{line.name} goes away")
            await asyncio.sleep(rng.uniform(0.1, 1.0 if line is world.journal_line else 4.0))
            line.odds.away = False
            world.note("faults", f"{line.name} is back")
        elif blow == "move" and len(running) > 1:
            source, target = rng.sample(running, 2)
            owned = [s for s, owner in enumerate(world.supervisor.known.owners) if owner == source.name]
            if owned and not world.supervisor.moving:
                await world.supervisor.move(source.name, target.name, rng.sample(owned, rng.randint(1, len(owned))))

    async def _unseen(self, slot: Any) -> None:
        # Gateways reach it, and it does not know that it was given up.
        slot.unseen = True
        await self._for_a_while("the supervisor does not reach", "the supervisor reaches", slot.name)
        slot.unseen = False

    async def _blind(self, slot: Any) -> None:
        # It goes by the map that it has: to hosts that may not own the shards any more.
        slot.blind = True
        await self._for_a_while("the map can't be read by", "the map can be read by", slot.process.name)
        slot.blind = False

    async def _for_a_while(self, begins: str, ends: str, who: str) -> None:
        self.world.note("faults", f"{begins} {who}")
        await asyncio.sleep(self.rng.uniform(0.5, 3.0))
        self.world.note("faults", f"{ends} {who}")

    async def _crash(self, slot: Any) -> None:
        slot.crash()
        dead = slot.process
        await asyncio.sleep(self.rng.uniform(0.05, 1.5))
        if slot.process is dead:
            slot.boot()
