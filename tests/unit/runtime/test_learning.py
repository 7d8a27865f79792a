"""Which commands were seen is learned behind the callers' backs: they are many millions after a busy day, and a
take-over waits for none of them."""

import asyncio

import msgspec
import pytest

from actors.runtime import wire
from actors.runtime.activation import LEARN_AGAIN_MS
from actors.runtime.errors import JournalUnavailable
from actors.runtime.host import SETTLE_S
from actors.runtime.memory import NEWEST_MAX, Seen
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, envelope, total_of, until


async def test_a_take_over_waits_for_what_was_seen_in_a_day(cell):
    old = await cell.host()
    first = (await ask(old, envelope("us-1", counter.Add(1))))[0]
    await until(lambda: not old.drain.waiting())
    await old.close()
    cell.journal.prints_gate.clear()
    new = await cell.host("h1", learned=False)
    # A repetition gets the first answer from the history, and what is new is done.
    assert (await ask(new, envelope("us-1", counter.Add(1))))[0] == first
    assert total_of((await ask(new, envelope("us-1", counter.Add(1), "c2")))[0]) == 2
    assert not any(shard.memory.seen.whole for shard in new.shards.values())
    cell.journal.prints_gate.set()
    await until(lambda: all(shard.memory.seen.whole for shard in new.shards.values()))
    assert (await ask(new, envelope("us-1", counter.Add(1))))[0] == first


async def test_what_is_new_is_asked_for_at_the_store_for_ever(cell):
    old = await cell.host()
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await old.close()
    new = await cell.host("h1")
    await ask(new, envelope("us-1", counter.Add(1), "warm"))
    asked = cell.store.recalls
    await ask(new, envelope("us-1", counter.Add(1), "c2"))
    assert cell.store.recalls == asked
    await ask(new, envelope("us-1", counter.Add(1)))
    assert cell.store.recalls == asked + 1


async def test_each_command_to_a_busy_entity_is_asked_for_by_itself_until_its_shard_has_learned(cell):
    old = await cell.host()
    [first] = await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await old.close()
    cell.journal.prints_gate.clear()
    new = await cell.host("h1", learned=False)
    asked = cell.store.recalls
    many = [envelope("us-1", counter.Add(1), f"new{number}") for number in range(100)]
    # Repetitions among them get their answers: of what the history knows, and of what came a moment ago.
    replies = await ask(new, *many, envelope("us-1", counter.Add(1)), many[7], envelope("us-1", counter.Add(2), "new8"))
    assert [total_of(reply) for reply in replies[:100]] == list(range(2, 102))
    assert replies[100:102] == [first, replies[7]]
    assert replies[102].status == wire.KEY_REUSED
    assert cell.store.recalls - asked <= 3


async def test_so_much_is_asked_for_at_once_that_the_store_has_to_hold_everybody_up(cell, monkeypatch):
    monkeypatch.setattr(cell, "limits", msgspec.structs.replace(cell.limits, load_max=10))
    cell.journal.prints_gate.clear()
    host = await cell.host(learned=False)
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    sizes, remembered = [], cell.store.remembered

    async def counted(kind, fingerprints, since_ms):
        sizes.append(len(fingerprints))
        return await remembered(kind, fingerprints, since_ms)

    monkeypatch.setattr(cell.store, "remembered", counted)
    replies = await ask(host, *(envelope("us-1", counter.Add(1), f"new{number}") for number in range(50)))
    assert [total_of(reply) for reply in replies] == list(range(2, 52))
    assert max(sizes) <= 11  # the one that asks, and those along with it
    assert sum(sizes) == 50


async def test_a_shard_that_is_built_again_forgets_what_was_seen_or_reads_it_anew(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    await until(lambda: not host.drain.waiting())
    read = cell.journal.prints_read
    cell.journal.fail_next_append(after_doing=False)
    await ask(host, envelope("us-1", counter.Add(5), "c2"))
    await until(lambda: len(host.shards) == cell.limits.shards)
    assert all(shard.memory.seen.whole for shard in host.shards.values())
    await asyncio.sleep(2 * SETTLE_S)  # nobody learns anything meanwhile
    assert cell.journal.prints_read == read
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c3")))[0]) == 2
    assert total_of((await ask(host, envelope("us-1", counter.Add(1))))[0]) == 1


async def test_a_journal_that_is_away_for_a_moment_leaves_a_host_that_never_learns(cell):
    old = await cell.host()
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await old.close()
    cell.journal.prints_away = 2
    new = await cell.host("h1", learned=False)
    await until(lambda: all(shard.memory.seen.whole for shard in new.shards.values()))
    assert cell.journal.prints_away == 0


async def test_what_nobody_foresaw_while_it_learns_ends_a_host(cell, monkeypatch):
    old = await cell.host()
    first = (await ask(old, envelope("us-1", counter.Add(1))))[0]
    await until(lambda: not old.drain.waiting())
    await old.close()
    asked = []

    async def odd(shard, since_ms):
        asked.append(shard)
        raise ValueError("no fingerprints")

    monkeypatch.setattr(cell.journal, "fingerprints", odd)
    new = await cell.host("h1", learned=False)
    await until(lambda: len(asked) > 1)
    assert len(new.owned()) == cell.limits.shards
    assert (await ask(new, envelope("us-1", counter.Add(1))))[0] == first
    monkeypatch.undo()
    await until(lambda: all(shard.memory.seen.whole for shard in new.shards.values()))


@pytest.mark.parametrize("fault", [ValueError("a bucket of 13 bytes"), JournalUnavailable("it takes too long")])
async def test_one_shard_that_can_not_be_learned_keeps_all_others_from_it_or_fills_the_log(
    cell, monkeypatch, caplog, fault
):
    broken, tried, fingerprints = 1, [], cell.journal.fingerprints

    async def odd(shard, since_ms):
        if shard == broken:
            tried.append(shard)
            raise fault
        return await fingerprints(shard, since_ms)

    monkeypatch.setattr(cell.journal, "fingerprints", odd)
    host = await cell.host(learned=False)
    await until(lambda: host.activation.unlearned() == 1)
    assert not host.shards[broken].memory.seen.whole
    await until(lambda: len(tried) == 2)
    # Of a journal that is away once, of what nobody foresaw with each try, which are ever fewer.
    times = 1 if isinstance(fault, JournalUnavailable) else 2
    assert ["in shard 1 " in record.getMessage() for record in caplog.records] == [True] * times
    monkeypatch.undo()
    await until(lambda: not host.activation.unlearned())
    assert len(tried) < 4


async def test_a_shard_whose_journal_was_away_for_hours_waits_as_long_again_before_it_learns(cell):
    host = await cell.host()
    for _ in range(30):
        host.activation._learns_later(0, JournalUnavailable("away"))
    assert host.activation._unlearned.until(0) <= cell.clock.now_ms() + LEARN_AGAIN_MS


async def test_what_fails_while_it_is_learned_is_there_twice_after_the_next_try(cell, monkeypatch):
    cell.journal.disk.tail(0).marks = [(cell.clock.now_ms(), number) for number in range(3 * NEWEST_MAX)]
    loaded, load = [], Seen.load

    def odd(seen, fingerprints, now_ms):
        loaded.append(len(fingerprints))
        if len(loaded) == 2:
            raise ValueError("not foreseen")
        load(seen, fingerprints, now_ms)

    monkeypatch.setattr(Seen, "load", odd)
    host = await cell.host(shards=[0], learned=False)
    seen = host.shards[0].memory.seen
    # What is done meanwhile is not forgotten when the rest comes.
    more = 4 * NEWEST_MAX + 1
    for number in range(3 * NEWEST_MAX, more):
        seen.add(number, cell.clock.now_ms())
    await until(lambda: seen.whole)
    assert len(loaded) == 2 + 3
    assert sum(layer.size for layer in seen.layers) == 4 * NEWEST_MAX
    assert all(number in seen for number in range(more))
    assert more not in seen


async def test_one_tail_that_can_not_be_read_keeps_all_shards_from_being_served(cell):
    shards = list(range(cell.limits.shards))
    host = await cell.host(shards=[], learned=False)
    cell.journal.unreadable = {shards[-1]}
    with pytest.raises(JournalUnavailable):
        await host.take_over(shards, cell.epoch + 1)
    assert shards[-1] not in host.owned()
    assert host.owned()
    cell.journal.unreadable = set()
    assert await host.take_over(shards, cell.epoch + 2) == shards
