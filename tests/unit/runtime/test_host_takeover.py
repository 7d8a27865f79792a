"""A host that was succeeded writes, or answers from what it remembers, or its successor forgets what was done."""

import asyncio

from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.sharding import shard_of
from actors.runtime.wire import Envelope
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, ask, envelope, query, total_of, until


def elsewhere(*others: str) -> str:
    """A counter's id that is in another shard than these."""
    taken = {shard_of("counter", other, QUICK.shards) for other in others}
    return next(f"us-{n}" for n in range(100) if shard_of("counter", f"us-{n}", QUICK.shards) not in taken)


async def test_a_new_owner_remembers_commands_that_no_store_has_seen(cell):
    cell.store.gate.clear()  # nothing is drained
    old = await cell.host("h0")
    [first] = await ask(old, envelope("us-1", counter.Add(5)))
    await old.close()
    del cell.hosts["h0"]
    new = await cell.host("h1")
    [again] = await ask(new, envelope("us-1", counter.Add(5)))
    assert again == first
    assert total_of((await ask(new, query("us-1")))[0]) == 5


async def test_an_owner_that_was_succeeded_writes_nothing_and_says_so(cell):
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1)))
    await cell.host("h1")
    [reply] = await ask(old, envelope("us-1", counter.Add(1), "c2"))
    assert reply.status in {wire.UNAVAILABLE, wire.NOT_OWNER}  # by its append, or already by its drain
    await until(lambda: shard_of("counter", "us-1", QUICK.shards) not in old.owned())
    assert (await ask(old, query("us-1")))[0].status == wire.NOT_OWNER
    assert total_of((await ask(cell.hosts["h1"], query("us-1")))[0]) == 1


async def test_a_host_that_does_not_know_that_it_was_succeeded_answers_no_read_from_what_it_remembers(cell):
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1), "c1", creates=True))
    await until(lambda: not old.drain.waiting())
    new = await cell.host("h1")
    await ask(new, envelope("us-1", counter.Add(1), "c2"))
    assert total_of((await ask(new, query("us-1")))[0]) == 2
    read = query("us-1")
    events = Envelope(0, "counter", elsewhere("us-1"), "", 0, to_msgpack((0, 10)), mode=wire.HISTORY)
    refused = envelope(elsewhere("us-1", events.entity_id), counter.Add(-1), "c3", creates=True)
    assert len(old.shards) == QUICK.shards  # nobody told it
    replies = await ask(old, read, events, refused)
    assert [reply.status for reply in replies] == [wire.UNAVAILABLE] * 3
    await until(lambda: len(old.owned()) == QUICK.shards - 3)
    assert [reply.status for reply in await ask(old, read, events, refused)] == [wire.NOT_OWNER] * 3


async def test_a_write_to_a_shard_that_is_still_its_own_proves_that_others_are(cell):
    old, other = await cell.host("h0"), elsewhere("us-1")
    await ask(old, envelope("us-1", counter.Add(1), "c1", creates=True))
    await until(lambda: not old.drain.waiting())
    new = await cell.host("h1", [shard_of("counter", "us-1", QUICK.shards)])
    await ask(new, envelope("us-1", counter.Add(1), "c2"))
    replies = await ask(old, envelope(other, counter.Add(1), "c3", creates=True), query("us-1"))
    assert [reply.status for reply in replies] == [wire.OK, wire.UNAVAILABLE]


async def test_a_shard_that_another_host_took_takes_those_along_that_are_written_with_it(cell):
    old, other = await cell.host(), elsewhere("us-1")
    await cell.host("h1", [shard_of("counter", "us-1", QUICK.shards)])
    writes = (envelope("us-1", counter.Add(1), "c1", creates=True), envelope(other, counter.Add(1), "c2", creates=True))
    assert [reply.status for reply in await ask(old, *writes)] == [wire.UNAVAILABLE, wire.OK]
    assert len(old.shards) == QUICK.shards - 1


async def test_while_nobody_can_say_whose_a_shard_is_nothing_is_read_from_it_and_nothing_is_lost(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    cell.journal.away = True
    assert (await ask(host, query("us-1")))[0].status == wire.UNAVAILABLE
    cell.journal.away = False
    assert total_of((await ask(host, query("us-1")))[0]) == 1


async def test_shards_that_are_built_again_while_the_journal_is_away_are_taken_for_lost(cell):
    """Their supervisor would give them to another host, which could not build them either."""
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    owned, number = host.owned(), shard_of("counter", "us-1", QUICK.shards)
    cell.journal.away = True
    assert (await ask(host, envelope("us-1", counter.Add(1), "c2")))[0].status == wire.UNAVAILABLE
    assert number not in host.shards
    assert host.owned() == owned
    cell.journal.away = False
    await until(lambda: number in host.shards)
    assert host.owned() == owned


async def test_shards_that_are_given_up_leave_nothing_behind(cell):
    old = await cell.host("h0")
    for number in range(8):
        await ask(old, envelope(f"us-{number}", counter.Add(number + 1), f"c{number}", creates=True))
        # The journal was told what it may forget with the first, and not again so soon.
        await until(lambda: not old.drain.waiting())
    assert await old.hand_over([0, 1, 2, 3]) == [0, 1, 2, 3]
    assert {record.host for record in cell.store.disk.shards.values()} == {""}
    assert all(not tail.entries for tail in cell.journal.disk.shards.values())
    new = await cell.host("h1")
    replies = await ask(new, *(query(f"us-{number}") for number in range(8)))
    assert [total_of(reply) for reply in replies] == list(range(1, 9))


async def test_a_host_that_has_ended_goes_on_with_something(cell):
    before = asyncio.all_tasks()
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    await cell.hosts.pop("h0").close()
    await until(lambda: asyncio.all_tasks() <= before)
