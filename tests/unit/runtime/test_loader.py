"""What waits for an entity goes on with it, whatever happens to the entity meanwhile."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from actors.domain.consent import Choice, SetConsents, ViewConsents
from actors.domain.times import DAY_MS, HOUR_MS
from actors.runtime import wire
from actors.runtime.errors import StoreUnavailable
from actors.runtime.memory import CommandMemory, Seen
from actors.runtime.pauses import FIRST_MS
from actors.runtime.sharding import shard_of
from actors.runtime.turns import mark_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import LaterClock, ask, called, code_of, envelope, query, total_of, until


async def test_an_entity_that_leaves_memory_while_its_history_is_asked_is_not_taken_for_unknown(cell, monkeypatch):
    host = await cell.host()
    again = envelope("us-1", counter.Add(1), "first", creates=True)
    await ask(host, again)
    await until(lambda: not host.drain.waiting())
    # The first command is older than what is kept of the latest ones.
    shard = host.shards[shard_of("counter", "us-1", cell.limits.shards)]
    shard.memory._recent.clear()
    asked, go_on, remembered = asyncio.Event(), asyncio.Event(), cell.store.remembered

    async def slow(kind, fingerprints, since_ms):
        asked.set()
        await go_on.wait()
        return await remembered(kind, fingerprints, since_ms)

    monkeypatch.setattr(cell.store, "remembered", slow)
    repeated = asyncio.create_task(ask(host, again))
    await asyncio.wait_for(asked.wait(), 30)
    behind = asyncio.create_task(ask(host, envelope("us-1", counter.Add(10), "second")))
    await until(lambda: len(host.loader._round["counter", "us-1"].items) == 2)
    del shard.entities["counter", "us-1"]  # as passivation does
    go_on.set()
    assert total_of((await repeated)[0]) == 1
    assert total_of((await behind)[0]) == 11


async def test_what_can_not_be_loaded_is_tried_all_the_time_and_fills_the_log(cell, monkeypatch, caplog):
    host = await cell.host()
    tried: list[int] = []

    async def broken(codec, shard, key, snapshot, turns):
        tried.append(host._clock.now_ms())
        raise ValueError("a row that nobody can read")

    monkeypatch.setattr(host.loader, "_enter", broken)
    # As after a takeover: turns of the tail that wait for their entity. The host's tick asks
    # for it four times a second.
    host.shards[shard_of("counter", "us-9", cell.limits.shards)].unfolded["counter", "us-9"] = []
    await until(lambda: len(tried) == 2)
    assert tried[1] - tried[0] >= FIRST_MS
    assert [record.getMessage() for record in caplog.records] == ["an entity could not be loaded"] * 2
    # Whoever asks for it is told at once.
    assert (await ask(host, envelope("us-9", counter.Add(1))))[0].status == wire.FAULT
    assert len(tried) == 3


async def test_what_is_only_read_counts_nothing_for_the_memory_cap(cell):
    host, agreed = await cell.host(), SetConsents([Choice("personalisation", True)], "account")
    await ask(host, envelope("us-1", agreed, kind="consent"))
    await until(lambda: not host.drain.waiting())
    entities = host.shards[shard_of("consent", "us-1", cell.limits.shards)].entities
    before = entities.pop(("consent", "us-1"))  # as passivation does
    await ask(host, envelope("us-1", ViewConsents(), "", kind="consent", mode=wire.VIEW))
    loaded = entities["consent", "us-1"]
    assert loaded is not before
    assert loaded.weight == before.weight > 0


@pytest.fixture
def other_kind(cell, monkeypatch) -> str:
    """A kind whose entities can't be loaded, by a fault that nobody foresaw."""
    load = cell.store.load

    async def broken(kind, entity_ids):
        if kind.name == "order":
            raise ValueError("a column that is not there")
        return await load(kind, entity_ids)

    monkeypatch.setattr(cell.store, "load", broken)
    return "order"


async def test_one_kind_that_can_not_be_loaded_keeps_no_other_from_it_and_does_not_fill_the_log(
    cell, other_kind, caplog
):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    await until(lambda: not host.drain.waiting())
    shard = host.shards[shard_of(other_kind, "us-9", cell.limits.shards)]
    host.loader.want(shard, [(other_kind, "us-9")])
    tried = cell.store.loads
    await until(lambda: caplog.records)
    del host.shards[shard_of("counter", "us-1", cell.limits.shards)].entities["counter", "us-1"]
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c2")))[0]) == 2
    await until(lambda: len(caplog.records) == 2)  # it is tried on, and told again
    first, second = caplog.records
    assert second.created - first.created >= FIRST_MS / 2000
    assert {record.getMessage() for record in caplog.records} == {"entities of a kind could not be loaded"}
    assert cell.store.loads > tried


async def test_who_needs_no_store_does_not_wait_for_one_that_hangs(cell):
    cell.limits = msgspec.structs.replace(cell.limits, load_patience_s=0.1)
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    cell.store.load_gate.clear()
    try:
        async with asyncio.timeout(30):
            hot, cold = await ask(host, envelope("us-1", counter.Add(1), "c2"), envelope("us-2", counter.Add(1)))
    finally:
        cell.store.load_gate.set()
    assert total_of(hot) == 2
    assert cold.status == wire.UNAVAILABLE
    # The load was not given up: whoever comes again finds it done.
    assert (await ask(host, envelope("us-2", counter.Add(1))))[0].status == wire.OK


async def test_who_waits_for_a_store_that_is_a_little_slow_is_sent_away(cell):
    host, before = await cell.host(), cell.store.loads
    cell.store.load_gate.clear()
    asked = asyncio.create_task(ask(host, envelope("us-2", counter.Add(1))))
    await until(lambda: cell.store.loads > before)
    host.loader.tick()
    cell.store.load_gate.set()
    assert (await asked)[0].status == wire.OK


async def test_what_is_wanted_and_asked_for_while_the_store_is_away_is_not_forgotten(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    await until(lambda: not host.drain.waiting())
    shard = host.shards[shard_of("counter", "us-1", cell.limits.shards)]
    del shard.entities["counter", "us-1"]
    cell.store.away = True
    host.loader.want(shard, [("counter", "us-1")])
    assert (await ask(host, envelope("us-1", counter.Add(1), "c2")))[0].status == wire.UNAVAILABLE
    cell.store.away = False
    await until(lambda: ("counter", "us-1") in shard.entities)


@pytest.fixture
async def unloaded(cell):
    """(host, key): an entity that is in the store and not in memory."""
    host, key = await cell.host(), ("counter", "us-1")
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    await until(lambda: not host.drain.waiting())
    del shard_with(host, key).entities[key]
    return host, key


@pytest.fixture
def hangs(cell, monkeypatch):
    """The next load: it fails once this is set, and those after it are as ever."""
    load, over = cell.store.load, asyncio.Event()

    async def fails_late(kind, entity_ids):
        monkeypatch.setattr(cell.store, "load", load)
        await over.wait()
        raise StoreUnavailable

    monkeypatch.setattr(cell.store, "load", fails_late)
    return over


def shard_with(host, key):
    return host.shards[shard_of(*key, host.limits.shards)]


async def test_what_is_wanted_again_while_it_is_loaded_for_a_lost_activation_is_never_loaded(unloaded, hangs):
    host, key = unloaded
    lost = shard_with(host, key)
    host.loader.want(lost, [key])
    await until(lambda: host.loader._round)
    host._lose([lost])
    await until(lambda: lost.number in host.shards)
    host.loader.want(shard_with(host, key), [key])
    hangs.set()
    await until(lambda: key in shard_with(host, key).entities)


async def test_what_callers_wait_for_and_is_wanted_besides_is_forgotten_with_them(unloaded, hangs):
    host, key = unloaded
    caller = asyncio.create_task(ask(host, envelope("us-1", counter.Add(1), "c2")))
    await until(lambda: host.loader._round)
    host.loader.want(shard_with(host, key), [key])
    hangs.set()
    assert (await caller)[0].status == wire.UNAVAILABLE
    await until(lambda: key in shard_with(host, key).entities)


async def test_what_was_done_longer_ago_than_commands_are_remembered_is_done_twice(cell, monkeypatch):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "first", creates=True))
    await until(lambda: not host.drain.waiting())
    host.shards[shard_of("counter", "us-1", cell.limits.shards)].memory = CommandMemory(100, Seen(24))
    asked_ms, remembered = [], cell.store.remembered

    async def asked(kind, fingerprints, since_ms):
        asked_ms.append(since_ms)
        return await remembered(kind, fingerprints, since_ms)

    monkeypatch.setattr(cell.store, "remembered", asked)
    since_ms = host._clock.now_ms() - 9 * DAY_MS
    again = envelope("us-1", counter.Add(1), "first", creates=True, since_ms=since_ms)
    assert total_of((await ask(host, again))[0]) == 1
    assert asked_ms == [since_ms]
    assert total_of((await ask(host, query("us-1")))[0]) == 1


async def test_what_the_history_alone_remembers_is_done_twice_before_the_day_is_over(cell):
    cell.clock = clock = LaterClock()
    host = await cell.host()
    first = envelope("us-1", counter.Add(1), "first")
    await ask(host, first)
    await until(lambda: not host.drain.waiting())
    # The same host still knows that it was seen; what was answered has given way to later commands.
    host.shards[shard_of("counter", "us-1", cell.limits.shards)].memory._recent.clear()
    clock.later_ms += 23 * HOUR_MS
    assert total_of((await ask(host, first))[0]) == 1
    assert total_of((await ask(host, query("us-1")))[0]) == 1


async def test_a_command_that_waits_twice_is_done_twice_because_the_history_did_not_know_it_before_the_first(
    cell, monkeypatch
):
    host = await cell.host()
    home = host.shards[shard_of("counter", "us-1", cell.limits.shards)]
    home.memory.seen.whole = False
    back: list = []
    monkeypatch.setattr(host.loader, "_back", back.extend)
    first, again, other = (
        called(envelope("us-1", counter.Add(1), command_id), []) for command_id in ("c1", "c1", "c2")
    )
    host.loader.put(home, first, mark_of(first.envelope))
    host.loader.put(home, again, None)
    host.loader.put(home, other, None)
    await until(lambda: len(back) == 3)
    assert [item.looked_up for item in back] == [home, None, home]


async def test_more_wait_for_one_entity_than_its_mailbox_holds_or_one_of_them_hangs(cell, monkeypatch):
    monkeypatch.setattr(cell, "limits", msgspec.structs.replace(cell.limits, mailbox_max=2))
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    await until(lambda: not host.drain.waiting())
    del host.shards[shard_of("counter", "us-1", cell.limits.shards)].entities["counter", "us-1"]
    cell.store.load_gate.clear()
    waiting = [asyncio.create_task(ask(host, envelope("us-1", counter.Add(n), f"c{n}"))) for n in (10, 100)]
    await until(lambda: host.loader.waits(("counter", "us-1")) and not host.waiting())
    [too_many] = await asyncio.wait_for(ask(host, envelope("us-1", counter.Add(1000), "c1000")), 30)
    assert (too_many.status, code_of(too_many)) == (wire.BUSY, wire.CODE_BUSY)
    cell.store.load_gate.set()
    assert [total_of(reply) for [reply] in await asyncio.wait_for(asyncio.gather(*waiting), 30)] == [11, 111]
    # It was not done: whoever comes again finds it undone, and room.
    assert total_of((await ask(host, envelope("us-1", counter.Add(1000), "c1000")))[0]) == 1111


async def test_of_a_creation_that_is_repeated_twice_at_once_under_two_ids_one_is_done_again(cell, monkeypatch):
    host = await cell.host()
    home = shard_of("counter", "us-1", cell.limits.shards)
    others = [
        name for number in range(2, 99) if shard_of("counter", name := f"us-{number}", cell.limits.shards) == home
    ]
    [first] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    await until(lambda: not host.drain.waiting())
    # The memory has forgotten it, and does so again at once: what the history says goes with each of them.
    monkeypatch.setattr(host.shards[home].memory, "recall", lambda fingerprint: None)
    again = await ask(host, *(envelope(name, counter.Add(1), creates=True) for name in others[:2]))
    assert again == [first, first]
    assert host.turns.turns == 1
