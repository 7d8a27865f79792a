"""A host on the real event loop: nothing leaves before it is durable, and what fails comes back from what is."""

import asyncio

import msgspec
import pytest

from actors.domain.catalogue import DefineSkus
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.rows import StockRow
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import JournalFull, JournalUnavailable, StoreUnavailable
from actors.runtime.limits import Limits
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.sharding import shard_of
from actors.runtime.wire import Envelope
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, Cell, ask, code_of, envelope, listen, query, total_of, until

SEATTLE = "us-wh-seattle"
OPEN = OpenLocation("warehouse", "Seattle", "Seattle", "US", 47.6, -122.3)


def receive(quantity: int, command_id: str) -> wire.Envelope:
    lines = [ReceiptLine("A", quantity)]
    return envelope(SEATTLE, ReceiveStock(lines), command_id, kind="location")


async def opened(host) -> None:
    await ask(host, envelope(SEATTLE, OPEN, "open", kind="location"), receive(10, "r0"))


def elsewhere(*others: str) -> str:
    """A counter's id that is in another shard than these."""
    taken = {shard_of("counter", other, QUICK.shards) for other in others}
    return next(f"us-{n}" for n in range(100) if shard_of("counter", f"us-{n}", QUICK.shards) not in taken)


def stock_of(link) -> list[int]:
    return [msgspec.msgpack.decode(row, type=StockRow).on_hand for table, row in link.rows if table == "stock"]


async def is_silent(*tasks: asyncio.Task) -> None:
    """None of them ends in a time in which any of them would have, were it not held."""
    done, _ = await asyncio.wait(tasks, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
    assert not done


async def test_no_reply_gets_out_before_its_append_is_on_disk(cell):
    host = await cell.host()
    cell.journal.gate.clear()
    asked = asyncio.create_task(ask(host, envelope("us-1", counter.Add(1))))
    await until(lambda: cell.journal.appended)
    await is_silent(asked)
    cell.journal.gate.set()
    assert total_of((await asked)[0]) == 1


async def test_commands_of_one_call_to_one_entity_are_done_in_another_order(cell):
    host = await cell.host()
    # At first it has to be fetched: they wait for it in their order.
    for round_, told in (("a", [1, 11, 111]), ("b", [112, 122, 222])):
        asked = [envelope("us-1", counter.Add(n), f"{round_}{n}") for n in (1, 10, 100)]
        assert [total_of(reply) for reply in await ask(host, *asked)] == told


async def test_no_read_tells_what_is_not_on_disk(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    cell.journal.gate.clear()
    changed = asyncio.create_task(ask(host, envelope("us-1", counter.Add(1), "c2")))
    await until(lambda: len(cell.journal.appended) == 2)
    read = asyncio.create_task(ask(host, query("us-1")))
    await is_silent(read, changed)
    cell.journal.gate.set()
    assert total_of((await read)[0]) == 2


async def test_no_row_of_the_feed_and_no_message_is_out_before_its_append(cell):
    host = await cell.host()
    await opened(host)
    link = await listen(host)
    cell.journal.gate.clear()
    changed = asyncio.create_task(ask(host, receive(5, "r1"), envelope("us-1", counter.Tell("us-2", 7))))
    await until(lambda: len(cell.journal.appended) == 2)
    new = asyncio.create_task(listen(host, gateway_id="new"))
    await is_silent(new, changed)  # a snapshot waits as well: it would show what is only decided
    assert stock_of(await listen(host, link.cursor)) == []
    assert host.outbox.sent == 0
    cell.journal.gate.set()
    await changed
    assert stock_of(await new) == [15]
    assert stock_of(await listen(host, link.cursor + 1)) == [15]
    await until(lambda: host.outbox.sent == 1)


async def test_a_snapshot_never_hides_what_happened_after_it_in_the_same_group(cell):
    host = await cell.host()
    await opened(host)
    cell.journal.gate.clear()
    first = asyncio.create_task(ask(host, receive(1, "r1")))
    await until(lambda: len(cell.journal.appended) == 2)
    new = asyncio.create_task(listen(host, gateway_id="new"))
    await until(lambda: host.waiting() == 0)
    second = asyncio.create_task(ask(host, receive(5, "r2")))
    await until(lambda: host.waiting() == 0)
    cell.journal.gate.set()
    await asyncio.gather(first, second)
    assert stock_of(await new) == [16]


async def test_a_host_that_was_succeeded_tells_a_new_gateway_nothing_of_its_old_shards(cell):
    old = await cell.host("h0")
    await opened(old)
    await until(lambda: not old.drain.waiting())
    new = await cell.host("h1")
    await ask(new, receive(5, "r1"))
    assert stock_of(await listen(new)) == [15]
    assert stock_of(await listen(old)) == []
    assert old.shards == {}


async def test_a_new_gateway_is_told_of_no_rows_while_nobody_says_whose_they_are(cell, monkeypatch):
    host = await cell.host()
    await opened(host)

    async def away(epochs):
        raise JournalUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(cell.journal, "superseded", away)
        link = await listen(host)
        assert (link.cursor, link.reset, link.rows, link.stats.journal) == (wire.UNHEARD, False, [], "away")
    link = await listen(host)
    assert (link.reset, stock_of(link)) == (True, [10])


async def test_a_message_reaches_its_entity_once_and_the_sender_learns_of_it(cell):
    host = await cell.host()
    await ask(host, envelope("us-2", counter.Add(1), "a"), envelope("us-1", counter.Tell("us-2", 7, ask=True), "b"))
    await until(lambda: host.outbox.counts() == (0, 0))
    told, asked = await ask(host, query("us-2"), query("us-1"))
    assert (total_of(told), total_of(asked)) == (8, 1)


@pytest.mark.parametrize("after_doing", [True, False])
async def test_after_an_append_in_doubt_the_retried_command_gives_the_one_answer(cell, after_doing):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    cell.journal.fail_next_append(after_doing=after_doing)
    [reply] = await ask(host, envelope("us-1", counter.Add(5), "c2"))
    assert reply.status == wire.UNAVAILABLE
    await until(lambda: len(host.owned()) == QUICK.shards and len(host.shards) == QUICK.shards)
    [first] = await ask(host, envelope("us-1", counter.Add(5), "c2"))
    [again] = await ask(host, envelope("us-1", counter.Add(5), "c2"))
    assert first == again
    assert total_of(first) == 6
    assert total_of((await ask(host, query("us-1")))[0]) == 6


async def test_screens_never_hear_that_an_append_in_doubt_had_happened(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    link = await listen(host, live=True)
    cell.journal.fail_next_append(after_doing=True)
    await ask(host, envelope("us-1", counter.Add(5), "c2"))
    await until(lambda: len(host.shards) == QUICK.shards)
    link = await listen(host, link.cursor, live=True)
    assert (link.reset, link.live) == (True, [])
    await ask(host, envelope("us-1", counter.Add(1), "c3"))
    link = await listen(host, link.cursor, live=True)
    assert (link.reset, len(link.live)) == (False, 1)


async def test_an_append_that_fails_by_a_fault_of_ours_is_not_answered_from_memory_as_if_it_were_durable(
    cell, monkeypatch
):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    append = cell.journal.append

    async def faulty(appends):
        monkeypatch.setattr(cell.journal, "append", append)
        raise ValueError("an entry is too large")

    monkeypatch.setattr(cell.journal, "append", faulty)
    [reply] = await asyncio.wait_for(ask(host, envelope("us-1", counter.Add(5), "c2")), 30)
    assert reply.status == wire.UNAVAILABLE
    await until(lambda: len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, query("us-1")))[0]) == 1
    assert total_of((await ask(host, envelope("us-1", counter.Add(5), "c2")))[0]) == 6


async def test_a_host_that_nobody_asks_finds_out_by_itself_that_its_journal_is_back(cell):
    host = await cell.host()
    cell.journal.fail_next_append(after_doing=False)
    [reply] = await ask(host, envelope("us-1", counter.Add(5), creates=True))
    assert reply.status == wire.UNAVAILABLE
    assert host.stats().journal != "ok"
    await until(lambda: host.stats().journal == "ok")
    assert len(host.shards) == QUICK.shards


async def test_a_full_journal_is_not_tried_by_every_command(cell, monkeypatch):
    host = await cell.host()

    async def full(appends):
        raise JournalFull("no room")

    monkeypatch.setattr(cell.journal, "append", full)
    [reply] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    assert reply.status == wire.UNAVAILABLE
    monkeypatch.undo()
    [reply] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    assert code_of(reply) == wire.CODE_TAIL_FULL
    assert (await ask(host, query("us-1")))[0].status != wire.BUSY
    host._full_until = 0.0
    await until(lambda: len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), creates=True)))[0]) == 1


async def test_a_history_that_takes_long_holds_up_nobody_else(cell, monkeypatch):
    monkeypatch.setattr(cell, "limits", msgspec.structs.replace(cell.limits, history_patience_s=0.05))
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))

    async def hangs(kind, entity_id, after, limit):
        await asyncio.Event().wait()

    monkeypatch.setattr(cell.store, "history", hangs)
    told = Envelope(0, "counter", "us-1", "", 0, to_msgpack((0, 10)), mode=wire.HISTORY)
    async with asyncio.timeout(30):
        hot, cold = await ask(host, envelope("us-1", counter.Add(1), "c2"), told)
    assert total_of(hot) == 2
    assert cold.status == wire.UNAVAILABLE


async def test_what_was_decided_on_top_of_a_failed_append_is_not_told_either(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    cell.journal.gate.clear()
    cell.journal.fail_next_append(after_doing=False)
    first = asyncio.create_task(ask(host, envelope("us-1", counter.Add(5), "c2")))
    await until(lambda: len(cell.journal.appended) == 2)
    second = asyncio.create_task(ask(host, envelope("us-1", counter.Add(10), "c3"), query("us-1")))
    await until(lambda: host.turns.turns == 3)
    cell.journal.gate.set()
    assert [reply.status for reply in (*await first, *await second)] == [wire.UNAVAILABLE] * 3
    await until(lambda: len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, query("us-1")))[0]) == 1


async def test_an_event_that_cannot_be_applied_harms_nobody_else_and_leaves_the_entity_as_it_was(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    for command in (counter.CrashInEvolve(), counter.CrashInReply(), counter.CrashInDecide()):
        [reply] = await ask(host, envelope("us-1", command, "crash"))
        assert (reply.status, code_of(reply)) == (wire.FAULT, wire.CODE_FAULT)
        await until(lambda: len(host.shards) == QUICK.shards)
        assert total_of((await ask(host, query("us-1")))[0]) == 1
    assert host.turns.faults == 3


@pytest.mark.parametrize("command", [counter.CrashInEvolve(), counter.CrashInReply(), counter.CrashInDecide()])
async def test_a_host_that_was_succeeded_tells_of_faults_that_are_none(cell, command):
    # A message that is told of a fault is sent no more, and a caller gives up: with the whole history there may be none.
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await cell.host("h1")
    assert len(old.shards) == QUICK.shards  # nobody told it
    [reply] = await ask(old, envelope("us-1", command, "crash"))
    assert reply.status == wire.UNAVAILABLE
    assert old.turns.faults == 0
    await until(lambda: shard_of("counter", "us-1", QUICK.shards) not in old.owned())


async def test_a_host_that_was_succeeded_says_that_what_it_can_not_load_is_broken(cell):
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await cell.host("h1")
    for one in old.shards.values():
        one.entities.clear()
    cell.store.disk.rows["counters"]["us-1",] = StockRow("written", "by a newer version", 0, 0, 0)
    assert (await ask(old, query("us-1")))[0].status == wire.UNAVAILABLE


async def test_while_nobody_can_say_whose_a_shard_is_nobody_is_told_of_a_fault(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    for command in (counter.CrashInEvolve(), counter.CrashInDecide()):
        cell.journal.away = True
        [reply] = await ask(host, envelope("us-1", command, "crash"))
        assert reply.status == wire.UNAVAILABLE
        cell.journal.away = False
        await until(lambda: len(host.shards) == QUICK.shards)
    assert host.turns.faults == 0


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


async def test_while_nobody_can_say_whose_a_shard_is_nothing_is_read_from_it_and_nothing_is_lost(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    cell.journal.away = True
    assert (await ask(host, query("us-1")))[0].status == wire.UNAVAILABLE
    cell.journal.away = False
    assert total_of((await ask(host, query("us-1")))[0]) == 1


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


async def test_a_passivated_entity_comes_back_as_it_was(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(5)))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    assert total_of((await ask(host, query("us-1")))[0]) == 5
    assert host.loader.activations == 1


async def test_an_entity_whose_row_cannot_be_read_does_not_take_the_others_with_it(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(5)), envelope("us-2", counter.Add(6), "c2"))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    cell.store.disk.rows["counters"]["us-1",] = StockRow("not", "a counter", 0, 0, 0)
    replies = await ask(host, query("us-1"), query("us-2"))
    assert [reply.status for reply in replies] == [wire.FAULT, wire.OK]
    assert total_of((await ask(host, envelope("us-2", counter.Add(1), "c3")))[0]) == 7


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


async def test_a_tail_at_its_limit_is_told_and_reads_go_on(cell):
    cell.limits = msgspec.structs.replace(QUICK, tail_max_turns=3)
    host = await cell.host()
    cell.store.gate.clear()
    for number in range(3):
        await ask(host, envelope("us-1", counter.Add(1), str(number)))
    refused, read = await ask(host, envelope("us-1", counter.Add(1), "more"), query("us-1"))
    assert (refused.status, code_of(refused)) == (wire.BUSY, wire.CODE_TAIL_FULL)
    assert total_of(read) == 3
    cell.store.gate.set()
    await until(lambda: not host.drain.waiting())
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "more")))[0]) == 4


async def test_an_inbox_at_its_limit_answers_busy_instead_of_growing(cell):
    cell.limits = msgspec.structs.replace(QUICK, inbox_max=5)
    host = await cell.host()
    replies = await ask(host, *(envelope(f"us-{n}", counter.Add(1), creates=True) for n in range(8)))
    assert [reply.status for reply in replies] == [wire.OK] * 5 + [wire.BUSY] * 3


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


async def test_an_entity_that_can_not_be_woken_has_its_shard_built_again_and_again(cell, monkeypatch):
    async def due(shards):
        return [(counter.FATAL_MS, "counter", "us-1")]

    monkeypatch.setattr(cell.store, "due", due)
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "a"), envelope("us-1", counter.WakeAt(counter.FATAL_MS), "b"))
    await until(lambda: host.turns.faults)
    now_ms = host._clock.now_ms()
    # Built again, and told by the store that it is due.
    await until(lambda: len(host.shards) == QUICK.shards and not host.activation._unsettled and len(host.timers))
    assert host.timers._known["counter", "us-1"] > now_ms + 500
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c")))[0]) == 2
    assert host.turns.faults == 1


async def test_a_history_that_can_not_be_read_leaves_its_caller_hanging(cell, monkeypatch):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))

    async def history(*asked):
        raise ValueError("not JSON")

    monkeypatch.setattr(cell.store, "history", history)
    events = Envelope(0, "counter", "us-1", "", 0, to_msgpack((0, 10)), mode=wire.HISTORY)
    async with asyncio.timeout(30):
        [reply] = await ask(host, events)
    assert (reply.status, code_of(reply)) == (wire.FAULT, wire.CODE_FAULT)


async def test_order_is_kept_though_the_first_command_has_to_load_the_entity(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    cell.store.load_gate.clear()
    calls = [asyncio.create_task(ask(host, envelope("us-1", counter.Add(10**n), f"n{n}"))) for n in range(1, 4)]
    await until(lambda: cell.store.loads)
    cell.store.load_gate.set()
    assert [total_of(reply) for [reply] in await asyncio.gather(*calls)] == [11, 111, 1111]


async def test_a_residents_stock_is_in_the_feed_of_its_next_owner_before_anybody_asks(cell):
    old = await cell.host("h0")
    await opened(old)
    await ask(old, envelope("us-catalogue", DefineSkus([("A", "a thing")]), "sku", kind="catalogue", creates=True))
    await old.hand_over([0, 1, 2, 3])
    await old.close()
    del cell.hosts["h0"]
    new, heard, cursor = await cell.host("h1"), [], -1
    async with asyncio.timeout(30):
        while {"stock", "locations", "skus"} - set(heard):
            link = await listen(new, cursor)
            cursor = link.cursor
            heard.extend(table for table, _ in link.rows)


async def test_everything_has_a_default_that_is_a_limit():
    assert all(value > 0 for value in msgspec.structs.asdict(Limits()).values())
    assert Cell().limits is QUICK
