"""A host tells of what is not durable yet, or of what an append that failed never made durable."""

import asyncio
from itertools import pairwise

import msgspec
import pytest

from actors.domain.times import HOUR_MS
from actors.runtime import appender, wire
from actors.runtime.appender import FULL_S
from actors.runtime.errors import JournalFull, StoreUnavailable
from actors.runtime.host import TICK_S
from actors.runtime.outbox import PASSING
from actors.runtime.wire import Reply
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, LaterClock, ask, code_of, envelope, listen, query, total_of, until
from tests.unit.runtime.stocked_warehouse import opened, receive, stock_heard, stock_of


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
    cell.limits = msgspec.structs.replace(QUICK, listen_max_s=0.2)
    host = await cell.host()
    await opened(host)
    link = await listen(host)
    cell.journal.gate.clear()
    changed = asyncio.create_task(ask(host, receive(5, "r1"), envelope("us-1", counter.Tell("us-2", 7))))
    await until(lambda: len(cell.journal.appended) == 2)
    # A snapshot waits as well: it would show what is only decided. The gateway does not: it
    # would take the host for dead.
    new = await listen(host, gateway_id="new")
    assert (new.rows, new.more, changed.done()) == ([], True, False)
    assert stock_of(await listen(host, link.cursor)) == []
    assert host.outbox.sent == 0
    cell.journal.gate.set()
    await changed
    assert await stock_heard(host, new.cursor, gateway_id="new") == [15]
    assert await stock_heard(host, link.cursor + 1) == [15]
    await until(lambda: host.outbox.sent == 1)


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
    monkeypatch.setattr(appender, "FULL_S", 60.0)
    [reply] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    assert reply.status == wire.UNAVAILABLE
    monkeypatch.undo()
    [reply] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    assert code_of(reply) == wire.CODE_JOURNAL_FULL
    assert (await ask(host, query("us-1")))[0].status != wire.BUSY
    host.appender.full_until = 0.0
    await until(lambda: len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), creates=True)))[0]) == 1


@pytest.mark.parametrize(
    ("fault", "names"), [(JournalFull("no room"), ("us-1", "us-2")), (ValueError("an entry is too large"), ("us-1",))]
)
async def test_timers_try_an_append_that_fails_as_often_as_their_shards_are_built_again(
    cell, monkeypatch, fault, names
):
    async def refuses(batch):
        raise StoreUnavailable("read only")

    # So the turns by which they are due stay in the tail.
    monkeypatch.setattr(cell.store, "drain", refuses)
    cell.clock = clock = LaterClock()
    host = await cell.host()
    for number, name in enumerate(names):
        await ask(host, envelope(name, counter.Add(1), f"a{name}", creates=True))
        await ask(host, envelope(name, counter.WakeAt(clock.now_ms() + HOUR_MS + 400 * number), "b"))
    tried = []

    async def failing(appends):
        tried.append(host._clock.monotonic())
        raise fault

    monkeypatch.setattr(cell.journal, "append", failing)
    clock.later_ms += HOUR_MS
    await until(lambda: len(tried) == 3)
    assert all(later - sooner >= FULL_S - TICK_S for sooner, later in pairwise(tried))
    appended = len(cell.journal.appended)
    monkeypatch.undo()
    await until(lambda: len(cell.journal.appended) > appended and not host.drain.waiting())
    await until(lambda: host.stats().journal == "ok" and len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, query("us-1")))[0]) == 1001


async def test_a_reply_to_a_message_is_tried_at_a_full_journal_or_lost(cell):
    host = await cell.host()
    [one] = await ask(host, envelope("us-1", counter.Add(1), creates=True))
    assert one.status == wire.OK
    answers: list[Reply] = []
    appended = len(cell.journal.appended)
    host.appender.full_until = host._clock.monotonic() + 30
    host._tell(envelope("us-1", counter.Add(1), "told"), answers.append)
    assert [code_of(reply) for reply in answers] == [wire.CODE_JOURNAL_FULL]
    assert code_of(answers[0]) in PASSING
    assert len(cell.journal.appended) == appended
    host.appender.full_until = 0.0
    host._tell(envelope("us-1", counter.Add(1), "told"), answers.append)
    await until(lambda: len(answers) == 2)
    assert total_of(answers[1]) == 2


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
