"""What a host loads from the store is older than what was acknowledged, or is not loaded at all."""

from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, ask, envelope, query, total_of, until
from tests.unit.runtime.stocked_warehouse import opened


async def test_a_passivated_entity_comes_back_as_it_was(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(5)))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    assert total_of((await ask(host, query("us-1")))[0]) == 5
    assert host.loader.activations == 1


async def test_a_resident_is_not_forgotten_because_the_store_was_away_when_it_was_to_be_loaded(cell):
    old = await cell.host("h0")
    await opened(old)
    await old.hand_over([0, 1, 2, 3])
    await old.close()
    load, faults = cell.store.load, [StoreUnavailable(), ValueError("a driver's own fault")]

    async def faulty(kind, entity_ids):
        if faults:
            raise faults.pop()
        return await load(kind, entity_ids)

    cell.store.load = faulty
    new = await cell.host("h1")
    await until(lambda: any(one.entities for one in new.shards.values()))


async def test_a_snapshot_read_before_a_drain_in_doubt_was_settled_is_not_taken(cell):
    cell.store.gate.clear()
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(5)))
    await old.close()
    cell.store.load_gate.clear()  # what is read from now on arrives late
    new = await cell.host("h1")
    await until(lambda: cell.store.loads)
    number = shard_of("counter", "us-1", QUICK.shards)
    one = new.shards[number]
    # The turn reaches the store without this host being told, and the host finds out by the watermark.
    entry = one.tail[0]
    drained = [DrainedTurn(number, entry.position, entry.line, entry.turn)]
    rows = {"counters": [counter.CounterRow("us-1", 1, 5, None)]}
    cell.store.gate.set()
    await cell.store.drain(DrainBatch("h1", {number: (one.epoch, 1)}, drained, rows))
    new.drain._in_doubt = True
    await until(lambda: not new.drain.waiting())
    cell.store.load_gate.set()
    assert total_of((await ask(new, envelope("us-1", counter.Add(1), "c2")))[0]) == 6
