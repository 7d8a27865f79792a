"""What is done to the cell: which process, by which signal, when. One fault at a time, at seeded moments.

A process is found by what the cell itself says of it (/readyz, the keeper's state, the title that Ray gives its
workers) and only signalled if it carries the run token of this very cell, by its mark: id and
start time (`cells.processes`).
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import psutil
import psycopg

from cells.processes import ProcessMark, is_alive, mark_of, send
from perf.chaos.own_cell import OwnCell

KINDS = ("host", "replica", "redis", "postgres", "supervisor")
ACTIONS = ("kill", "pause")
PAUSE_S = (2.0, 5.0)
FIRST_REST_S = 3.0
REST_S = (1.5, 4.0)
RECOVERY_S = 60.0
_TITLES = {
    "replica": "ray::ServeReplica", "supervisor": "ray::Supervisor", "host": "ray::HostActor", "forwarder": "ray::ForwarderActor",
}  # fmt: skip
_STORES = {"redis": "Redis", "postgres": "PostgreSQL"}


class Fault(msgspec.Struct):
    """One fault as it was done. Times: monotonic seconds; `recovered_at` 0 when it was not seen to recover.

    `shards`: those of a host; empty for the others. `pause_s`: how long it was paused, 0 when killed.
    """

    kind: str
    action: str
    pid: int
    at: float
    pause_s: float = 0.0
    shards: frozenset[int] = frozenset()
    recovered_at: float = 0.0
    problem: str = ""


class Step(NamedTuple):
    """One step of the plan: wait so long after the last recovery, then do this."""

    rest_s: float
    kind: str
    action: str
    pause_s: float


def plan(seed: int, kinds: Sequence[str], count: int) -> list[Step]:
    """`count` faults: every kind and action equally often, in random order, at random moments."""
    chance = random.Random(f"faults-{seed}")
    steps: list[Step] = []
    while len(steps) < count:
        deck = [(kind, action) for kind in kinds for action in ACTIONS]
        chance.shuffle(deck)
        for kind, action in deck:
            pause_s = round(chance.uniform(*PAUSE_S), 2) if action == "pause" else 0.0
            steps.append(Step(round(chance.uniform(*REST_S), 2), kind, action, pause_s))
    return steps[:count]


def find(cell: OwnCell, kind: str) -> list[ProcessMark]:
    """The cell's processes of a kind, lowest id first; of PostgreSQL its main process."""
    state = cell.state()
    assert state is not None, "a cell that was started has a state"
    if kind in _STORES:
        mark = state.processes.get(_STORES[kind])
        return [mark] if mark is not None and is_alive(mark) else []
    return [mark for mark in cell.marks() if _title(mark.pid).startswith(_TITLES[kind])]


def _title(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline()).strip()
    except psutil.Error:
        return ""


def with_children(mark: ProcessMark) -> list[ProcessMark]:
    """The process and those that it started: pausing a PostgreSQL means all of its processes."""
    try:
        children = psutil.Process(mark.pid).children(recursive=True)
    except psutil.Error:
        return [mark]
    return [mark, *(found for child in children if (found := mark_of(child.pid)) is not None)]


def shards_of(cell: OwnCell, pid: int) -> frozenset[int]:
    """The shards of the host with this process id, as leased in Postgres."""
    names = [host["name"] for host in cell.ready().get("hosts", []) if host["pid"] == pid]
    if not names:
        return frozenset()
    with psycopg.connect(cell.postgres_url, connect_timeout=3) as connection:
        rows = connection.execute("SELECT shard FROM shards WHERE host = %s", (names[0],)).fetchall()
    return frozenset(shard for (shard,) in rows)


async def strike(cell: OwnCell, step: Step, chance: random.Random) -> Fault | None:
    """Do one fault; a paused process goes on before this returns. None if there was no such process."""
    marks = await asyncio.to_thread(find, cell, step.kind)
    if not marks:
        return None
    mark = chance.choice(marks)
    shards = await asyncio.to_thread(shards_of, cell, mark.pid) if step.kind == "host" else frozenset[int]()
    fault = Fault(step.kind, step.action, mark.pid, time.monotonic(), step.pause_s, shards)
    if step.action == "kill":
        return fault if send(mark, signal.SIGKILL) else None
    paused = with_children(mark) if step.kind == "postgres" else [mark]
    if not send(mark, signal.SIGSTOP):
        return None
    try:
        for other in paused[1:]:
            send(other, signal.SIGSTOP)
        await asyncio.sleep(step.pause_s)
    finally:
        for one in paused:
            send(one, signal.SIGCONT)
    return fault


def is_whole(cell: OwnCell, counts: dict[str, int]) -> str:
    """What is still missing after a fault; empty when the cell has all its parts and says that it is well."""
    ready = cell.ready()
    if ready.get("status") != "ok":
        return f"/readyz says {ready.get('status', 'nothing')}: {ready}"[:300]
    for kind, count in counts.items():
        found = len(find(cell, kind))
        if found < count:
            return f"{found} of {count} processes of {kind}"
    if len(ready["hosts"]) < counts["host"]:
        return f"{len(ready['hosts'])} of {counts['host']} hosts own shards"
    try:  # the hosts notice that Postgres is away only when they want to write
        psycopg.connect(cell.postgres_url, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"PostgreSQL: {error}"
    return ""


async def recovered(cell: OwnCell, counts: dict[str, int], deadline: float) -> str:
    """Waits until the cell is whole again; what is missing at the (monotonic) deadline."""
    while problem := await asyncio.to_thread(is_whole, cell, counts):
        if time.monotonic() > deadline:
            return problem
        await asyncio.sleep(0.25)
    return ""


class Havoc:
    """Goes through a plan until its time is over. `say` is told of each fault. `skipped`: kinds that could not be
    struck, since there was no such process, once for each time."""

    def __init__(self, cell: OwnCell, steps: Sequence[Step], seed: int, say: Callable[[str], None]) -> None:
        self._cell = cell
        self._steps = steps
        self._chance = random.Random(f"havoc-{seed}")
        self._say = say
        self.faults: list[Fault] = []
        self.skipped: list[str] = []

    async def run(self, until: float) -> None:
        """Faults until the monotonic time `until`; the last one is seen to its end."""
        counts = await asyncio.to_thread(lambda: {kind: len(find(self._cell, kind)) for kind in KINDS})
        await asyncio.sleep(FIRST_REST_S)
        for step in self._steps:
            await asyncio.sleep(step.rest_s)
            if time.monotonic() >= until:
                return
            fault = await strike(self._cell, step, self._chance)
            if fault is None:
                self.skipped.append(step.kind)
                self._say(f"{step.action} {step.kind}: there is no such process")
                continue
            self.faults.append(fault)
            fault.problem = await recovered(self._cell, counts, time.monotonic() + RECOVERY_S)
            if not fault.problem:
                fault.recovered_at = time.monotonic()
            took_s = time.monotonic() - fault.at
            what = f"{fault.action} {fault.kind} (process {fault.pid})"
            pause = f", paused for {fault.pause_s} s" if fault.pause_s else ""
            self._say(f"{what}{pause}: {fault.problem or f'whole again after {took_s:.1f} s'}")
