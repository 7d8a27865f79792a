"""One chaos run: fill the cell, let clients work while parts of it are killed and paused, let it settle, compare."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from actors.runtime.sharding import shard_of
from perf.chaos import faults, found, world
from perf.chaos.clients import GIVE_UP_S, Clerk, Client, Probe, Shopper
from perf.chaos.door import Door
from perf.chaos.faults import Fault, Havoc
from perf.chaos.own_cell import OwnCell
from perf.chaos.told import Notebook
from perf.chaos.verdict import Verdict, judge

SHOPPERS = 24
PROBE_SHARE = 0.4
RECEIPTS_PER_S = 2.0
# Every so many shoppers come by Serve's own ingress, the others by the cell's own door.
INGRESS_EVERY = 6
FAULTS_MAX = 1000
CALM_BEFORE_S = 4.0
CALM_AFTER_S = 5.0


class Settings(msgspec.Struct, frozen=True):
    """Of a run. `per_s`: updates a second of all clients together, when nothing is wrong.

    `tag`: head of all names and keys; another one for each run on the same cell.
    """

    seconds: float = 120.0
    seed: int = 1
    kinds: tuple[str, ...] = faults.KINDS
    per_s: float = 400.0
    kill_all: bool = False
    shoppers: int = SHOPPERS
    tag: str = ""


class Done(msgspec.Struct):
    """What was done to the cell under load. `killed`: processes that were killed together; `ended_at`: when the clients
    stopped (monotonic seconds)."""

    faults: list[Fault]
    skipped: list[str]
    killed: int
    seconds: float
    ended_at: float


class Outcome(msgspec.Struct):
    """What came of it. `unsettled`: what was still under way at the end; empty if nothing. `ended_at`: when the clients
    stopped (monotonic seconds); `skipped`: kinds of faults that could not be struck."""

    settings: Settings
    notebook: Notebook
    verdict: Verdict
    faults: list[Fault]
    shard_of: dict[str, int]
    seconds: float
    unsettled: str = ""
    killed_together: int = 0
    ended_at: float = 0.0
    skipped: list[str] = []

    @property
    def missed(self) -> list[str]:
        """What the run was to try and did not, so that it proves nothing of it."""
        missed = [f"{kind} could not be struck {times} times" for kind, times in sorted(Counter(self.skipped).items())]
        if self.settings.kill_all and not self.killed_together:
            missed.append("no process was killed")
        if not self.settings.kill_all and not self.faults:
            missed.append("no fault was struck")
        if not self.notebook.short:
            missed.append("no order was short of anything")
        return missed

    @property
    def good(self) -> bool:
        """Whether the run is passed: all was tried that was to be, and every promise was kept."""
        survived = not any(fault.problem for fault in self.faults)
        return self.verdict.good and not self.unsettled and survived and not self.missed


def make_clients(cell: OwnCell, notebook: Notebook, settings: Settings) -> list[Client]:
    """All clients; the clerks first."""
    shards, seed, tag, who = cell.config.runtime.shards, settings.seed, settings.tag, cell.credentials
    probes_per_s = settings.per_s * PROBE_SHARE / shards
    shoppers_per_s = settings.per_s * (1 - PROBE_SHARE) / settings.shoppers
    clerks_per_s = RECEIPTS_PER_S / len(world.PLACES)
    clients: list[Client] = [Clerk(place, tag, cell.base, notebook, seed, clerks_per_s, who) for place in world.PLACES]
    clients += [Probe(shard, shards, tag, cell.base, notebook, seed, probes_per_s, who) for shard in range(shards)]
    for number in range(settings.shoppers):
        base = cell.base if number % INGRESS_EVERY else cell.ingress
        clients.append(Shopper(f"{tag}shopper-{number}", base, notebook, seed, shoppers_per_s, who))
    return clients


async def fill(cell: OwnCell, clients: Sequence[Client]) -> None:
    """The catalogue and the first goods, then wait until availability knows of them."""
    clerks = [client for client in clients if isinstance(client, Clerk)]
    reply, *_ = await clerks[0].call("POST", "/v1/skus", world.skus(), "catalogue")
    if reply.status != 200:
        raise RuntimeError(f"the catalogue was not taken: {reply.status} {reply.body!r:.300}")
    await asyncio.gather(*(clerk.open() for clerk in clerks))
    for base in (cell.base, cell.ingress):
        deadline = time.monotonic() + 20.0
        while not await _is_available(clerks[0], base):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{base} does not tell of the stock that was received")
            await asyncio.sleep(0.2)


async def _is_available(clerk: Client, base: str) -> bool:
    door = Door(base)
    reply = await door.ask("GET", f"/v1/availability?sku={world.PROBE}")
    door.close()
    told = reply.json()
    return reply.status == 200 and told["skus"][0]["available"] >= world.PLENTY_UNITS * len(world.PLACES)


async def load(cell: OwnCell, notebook: Notebook, settings: Settings, say: Callable[[str], None]) -> Done:
    """The run itself."""
    clients = make_clients(cell, notebook, settings)
    await fill(cell, clients)
    say(f"{len(clients)} clients at {settings.per_s:.0f} updates/s")
    began = time.monotonic()
    work = [asyncio.create_task(client.run(), name=client.name) for client in clients]
    killed, havoc = 0, Havoc(cell, [], settings.seed, say)
    if settings.kill_all:
        killed = await _kill_all(cell, say)
    else:
        steps = faults.plan(settings.seed, settings.kinds, FAULTS_MAX)
        havoc = Havoc(cell, steps, settings.seed, say)
        await havoc.run(began + settings.seconds)
    await asyncio.sleep(CALM_AFTER_S)
    ended_at = time.monotonic()
    await end(clients, work, notebook)
    return Done(havoc.faults, havoc.skipped, killed, time.monotonic() - began, ended_at)


async def end(clients: Sequence[Client], work: Sequence[asyncio.Task[None]], notebook: Notebook) -> None:
    """Lets the clients finish what they are at; a call that hangs, or a client that crashed, is wrong."""
    for client in clients:
        client.ending = True
    _, late = await asyncio.wait(work, timeout=GIVE_UP_S + 30)
    for task in late:
        task.cancel()
        notebook.wrong.append(f"{task.get_name()} does not end: a call hangs")
    for task in work:
        if task.done() and not task.cancelled() and (fault := task.exception()) is not None:
            notebook.wrong.append(f"{task.get_name()}: {type(fault).__name__}: {fault}")


async def _kill_all(cell: OwnCell, say: Callable[[str], None]) -> int:
    """All of the cell at once, its keeper too, then the next start, while the clients go on trying."""
    await asyncio.sleep(CALM_BEFORE_S + random.Random().random())
    killed = await asyncio.to_thread(cell.kill_all)
    say(f"killed all {killed} processes of the cell at once")
    await asyncio.to_thread(cell.start)
    say(f"up again after {cell.started_s:.1f} s")
    return killed


def run(cell: OwnCell, settings: Settings, say: Callable[[str], None]) -> Outcome:
    """Load with faults, settle, compare."""
    notebook = Notebook()
    done = asyncio.run(load(cell, notebook, settings, say))
    say("waiting until all is written down")
    unsettled = found.wait_settled(cell)
    verdict = judge(notebook, found.read(cell))
    notebook.acknowledged.sort(key=lambda told: told.at)
    shards = cell.config.runtime.shards
    of = {told.entity_id: shard_of(told.kind, told.entity_id, shards) for told in notebook.acknowledged}
    return Outcome(
        settings, notebook, verdict, done.faults, of, done.seconds, unsettled, done.killed, done.ended_at, done.skipped
    )
