"""A floor's timer over a restart: of the fake and of PostgreSQL."""

from __future__ import annotations

from actors.domain.floor import FLOOR
from actors.domain.floor_service import due
from actors.runtime.ports import DrainBatch
from actors.runtime.sharding import shard_of
from tests.integration.storage.samples import due_of
from tests.unit.domain.test_floor_service import PLACE, Watched


async def test_a_floor_that_comes_back_does_not_know_what_is_late(stores):
    new_store, _ = stores
    store, floor = new_store(), Watched()
    shard = shard_of("floor", PLACE, 64)
    await store.lease("host-0", [shard], 1)
    floor.queue("f", 100)
    rows: dict[str, list] = {}
    for (table, *_), row in floor.rows.items():
        rows.setdefault(table, []).append(row)
    await store.drain(DrainBatch("host-0", {shard: (1, 1)}, [], rows))
    assert await due_of(store, [shard]) == [(due(floor.state), "floor", PLACE)]
    loaded = await store.load(FLOOR, [PLACE])
    state, version = FLOOR.restore(PLACE, loaded[PLACE].rows)
    assert (state, version, due(state)) == (floor.state, floor.version, due(floor.state))
