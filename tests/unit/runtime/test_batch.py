"""The envelopes of one call: final answers go with it when they come in time."""

from __future__ import annotations

import asyncio

import msgspec

from actors.runtime import wire
from actors.runtime.mailbox import Batch
from actors.runtime.wire import Downlink, Reply
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, ask, envelope, listen, until

DONE, PENDING, FINAL = Reply(wire.OK, b"done"), Reply(wire.PENDING, b"provisional"), Reply(wire.OK, b"final")


async def test_a_provisional_reply_is_held_for_its_final_one():
    batch = Batch(2)
    batch.hold(0, PENDING)
    batch.put(1, DONE)
    assert not batch.future.done()
    assert batch.final(0, FINAL)
    assert batch.future.result() == [FINAL, DONE]


async def test_a_final_answer_that_comes_before_the_provisional_one_is_the_answer():
    batch = Batch(1)
    assert batch.final(0, FINAL)
    assert not batch.future.done()
    batch.hold(0, PENDING)
    assert batch.future.result() == [FINAL]


async def test_a_released_call_returns_what_it_has_and_takes_no_final_answers():
    batch = Batch(3)
    batch.hold(0, PENDING)
    batch.release()
    assert not batch.future.done()  # the others have no reply at all
    assert not batch.final(0, FINAL)
    batch.hold(1, PENDING)
    batch.put(2, DONE)
    assert batch.future.result() == [PENDING, PENDING, DONE]


async def test_a_call_returns_before_one_has_a_reply_because_another_counts_twice():
    batch = Batch(2)
    batch.hold(0, PENDING)
    assert batch.final(0, FINAL)
    batch.release()
    assert not batch.future.done()
    batch.put(1, DONE)
    assert batch.future.result() == [FINAL, DONE]


async def test_a_final_answer_in_time_goes_with_the_call_and_not_by_the_downlink(cell):
    cell.limits = msgspec.structs.replace(QUICK, answer_hold_s=60.0)
    host = await cell.host()
    link = await listen(host)
    placed = asyncio.create_task(ask(host, envelope("us-1", counter.Begin(), "place", wait=True, ticket=3)))
    await until(lambda: any(shard.waiters for shard in host.shards.values()))
    await ask(host, envelope("us-1", counter.Finish("place"), "f"))
    assert [reply.status for reply in await placed] == [wire.OK]
    assert (await _link(host, link)).answers == []


async def test_a_final_answer_that_comes_too_late_for_the_call_goes_by_the_downlink(cell):
    cell.limits = msgspec.structs.replace(QUICK, answer_hold_s=0.0)
    host = await cell.host()
    link = await listen(host)
    [pending] = await ask(host, envelope("us-1", counter.Begin(), "place", wait=True, ticket=3))
    assert pending.status == wire.PENDING
    await ask(host, envelope("us-1", counter.Finish("place"), "f"))
    [(ticket, final)] = (await _link(host, link)).answers
    assert (ticket, final.status) == (3, wire.OK)


async def _link(host, before: Downlink) -> Downlink:
    return await listen(host, before.cursor)
