"""A command, a message or a timer reaches its entity twice, in another order, or never."""

import asyncio

from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, envelope, query, total_of, until


async def test_commands_of_one_call_to_one_entity_are_done_in_another_order(cell):
    host = await cell.host()
    # At first it has to be fetched: they wait for it in their order.
    for round_, told in (("a", [1, 11, 111]), ("b", [112, 122, 222])):
        asked = [envelope("us-1", counter.Add(n), f"{round_}{n}") for n in (1, 10, 100)]
        assert [total_of(reply) for reply in await ask(host, *asked)] == told


async def test_a_message_reaches_its_entity_once_and_the_sender_learns_of_it(cell):
    host = await cell.host()
    await ask(host, envelope("us-2", counter.Add(1), "a"), envelope("us-1", counter.Tell("us-2", 7, ask=True), "b"))
    await until(lambda: host.outbox.counts() == (0, 0))
    told, asked = await ask(host, query("us-2"), query("us-1"))
    assert (total_of(told), total_of(asked)) == (8, 1)


async def test_a_timer_wakes_its_entity_once(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "a"), envelope("us-1", counter.WakeAt(1), "b"))
    await until(lambda: len(host.timers) == 0 and host.turns.turns >= 3)
    assert total_of((await ask(host, query("us-1")))[0]) == 1001


async def test_a_timer_is_lost_that_the_store_told_an_older_time_of(cell):
    host = await cell.host()
    later_ms = host._clock.now_ms() + 300
    await ask(host, envelope("us-1", counter.Add(1), "a"), envelope("us-1", counter.WakeAt(later_ms), "b"))
    # As `Activation.settle` does with what was stored before the time was changed.
    host.timers.stored(shard_of("counter", "us-1", host.limits.shards), ("counter", "us-1"), 1)
    await until(lambda: len(host.timers) == 0 and host.turns.turns >= 3)
    assert total_of((await ask(host, query("us-1")))[0]) == 1001


async def test_order_is_kept_though_the_first_command_has_to_load_the_entity(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    cell.store.load_gate.clear()
    loads = cell.store.loads
    calls = [asyncio.create_task(ask(host, envelope("us-1", counter.Add(10**n), f"n{n}"))) for n in range(1, 4)]
    await until(lambda: cell.store.loads > loads)
    cell.store.load_gate.set()
    assert [total_of(reply) for [reply] in await asyncio.gather(*calls)] == [11, 111, 1111]
