"""A long tail holds up the loop of whoever has taken it over, who is given up for his silence; or something slips in
between while it is folded."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from actors.runtime.activation import READ_MAX
from actors.runtime.drain import fold_away
from actors.runtime.loader import FOLD_MAX
from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, Cell, ask, envelope, query, total_of, turn, until

KEY = ("counter", "us-1")
OWN = shard_of(*KEY, QUICK.shards)
TURNS = 100_000
# Folded in three seconds where nothing else is done.
FOLDED_S_MAX = 90.0
A_CALL = 1_000
encode = msgspec.msgpack.Encoder().encode


class Folding:
    """Counts the runs of the loop, and in which of them each turn is folded. `at`: what is done at
    the turn of that version."""

    def __init__(self, host) -> None:
        self.run = 0
        self.in_runs: list[int] = []
        self.at: dict[int, object] = {}
        self._fold = host.turns.fold
        host.turns.fold = self
        self.counting = asyncio.create_task(self._count())

    async def _count(self) -> None:
        while True:
            self.run += 1
            await asyncio.sleep(0)

    def __call__(self, codec, entity, folded):
        self.in_runs.append(self.run)
        if doing := self.at.pop(folded.version, None):
            doing()
        return self._fold(codec, entity, folded)


def with_tail(cell: Cell, turns: dict[str, int]) -> None:
    """The journal has so many turns of each counter, the store none."""
    by_shard: dict[int, list] = {}
    for name, number in turns.items():
        its = by_shard.setdefault(shard_of("counter", name, QUICK.shards), [])
        its.extend(turn(name, version) for version in range(1, number + 1))
    for number, its in by_shard.items():
        tail = cell.journal.disk.tail(number)
        tail.entries = {1 + n: encode(its[n * A_CALL : (n + 1) * A_CALL]) for n in range(-(-len(its) // A_CALL))}
        tail.last = len(tail.entries)


@pytest.fixture
async def folding(cell):
    """(host, what it folds): the host has read the tail, and folds it when `cell.store.load_gate` is opened."""
    cell.store.load_gate.clear()

    async def begin(turns: dict[str, int]):
        with_tail(cell, turns)
        host = await cell.host()
        begun.append(Folding(host))
        await until(lambda: cell.store.loads)
        return host, begun[-1]

    begun: list[Folding] = []
    yield begin
    for one in begun:
        one.counting.cancel()


async def test_others_wait_for_the_loop_until_the_whole_tail_is_read(cell, monkeypatch):
    with_tail(cell, {"us-1": TURNS})
    host = await cell.host(shards=[], learned=False)
    run, in_runs, remember = 0, [], host.activation._remember

    async def count() -> None:
        nonlocal run
        while True:
            run += 1
            await asyncio.sleep(0)

    def remembered(*turn) -> None:
        in_runs.append(run)
        remember(*turn)

    monkeypatch.setattr(host.activation, "_remember", remembered)
    counting = asyncio.create_task(count())
    await host.take_over([OWN], cell.epoch + 1)
    counting.cancel()
    assert len(in_runs) == TURNS
    assert max(Counter(in_runs).values()) <= READ_MAX + A_CALL


@pytest.mark.parametrize("turns", [{"us-1": TURNS}, {f"us-{n}": 2 for n in range(2 * FOLD_MAX)}])
async def test_others_wait_for_the_loop_until_the_whole_tail_is_folded(cell, folding, turns):
    host, folded = await folding(turns)
    cell.store.load_gate.set()
    await until(lambda: len(folded.in_runs) == sum(turns.values()), FOLDED_S_MAX)
    assert max(Counter(folded.in_runs).values()) <= FOLD_MAX
    assert total_of((await ask(host, query("us-1")))[0]) == turns["us-1"]


async def test_a_command_that_comes_while_a_tail_is_folded_is_decided_on_half_of_it(cell, folding):
    host, folded = await folding({"us-1": TURNS, "us-2": 1})
    meanwhile: list[asyncio.Task] = []
    folded.at[TURNS // 2] = lambda: meanwhile.extend(
        asyncio.create_task(ask(host, one)) for one in (envelope("us-1", counter.Add(5), "new"), query("us-1"))
    )
    cell.store.load_gate.set()
    await until(lambda: meanwhile, FOLDED_S_MAX)
    (added,), (read,) = await asyncio.wait_for(asyncio.gather(*meanwhile), FOLDED_S_MAX)
    assert len(folded.in_runs) == TURNS + 1
    assert [total_of(added), total_of(read)] == [TURNS + 5] * 2
    await until(lambda: not host.drain.waiting(), FOLDED_S_MAX)
    assert cell.store.disk.rows["counters"]["us-1",].total == TURNS + 5


async def test_a_shard_that_is_lost_while_its_tail_is_folded_gets_what_was_folded_by_then(cell, folding):
    few = 4 * FOLD_MAX
    host, folded = await folding({"us-1": few})
    lost = host.shards[OWN]
    folded.at[few // 2] = lambda: host._lose([lost])
    cell.store.load_gate.set()
    await until(lambda: OWN in host.shards and KEY in host.shards[OWN].entities)
    assert KEY not in lost.entities
    assert all(entry.rows is None for entry in lost.tail)
    assert total_of((await ask(host, query("us-1")))[0]) == few
    assert len(folded.in_runs) < 2 * few


async def test_turns_that_turn_out_to_be_drained_while_they_are_folded_leave_an_entity_that_is_never_clean(
    cell, folding
):
    few = 4 * FOLD_MAX
    host, folded = await folding({"us-1": few})
    shard = host.shards[OWN]
    folded.at[few // 2] = lambda: fold_away(shard, [shard.tail[0]])
    shard_tail = len(shard.tail)
    cell.store.load_gate.set()
    await until(lambda: KEY in shard.entities)
    assert shard.entities[KEY].dirty == few - 1
    assert shard_tail == few


async def test_what_the_store_turns_out_to_have_is_taken_away_turn_by_turn_from_all_that_a_busy_entity_has_left(
    cell, folding
):
    host, _ = await folding({"us-1": 6, "us-2": 2})
    shard = host.shards[OWN]
    reads: Counter[tuple[str, str]] = Counter()

    class Counted(dict):
        def pop(self, key, *default):
            reads[key] += 1
            return super().pop(key, *default)

    shard.unfolded = Counted(shard.unfolded)
    covered = [entry for entry in shard.tail if entry.turn.version <= (4 if entry.turn.entity_id == "us-1" else 2)]
    fold_away(shard, covered)
    assert [entry.turn.version for entry in shard.unfolded[KEY]] == [5, 6]
    assert list(shard.unfolded) == [KEY]
    assert set(reads.values()) == {1}
