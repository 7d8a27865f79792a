"""Who waits for the final answer gets the provisional one, or neither."""

import asyncio

from actors.runtime import wire
from actors.runtime.wire import Downlink, Reply
from tests.unit.runtime.played_hosts import STATS, add, gateway_on, ready
from tests.unit.runtime.rig import until


async def test_who_waits_gets_the_final_answer_and_not_the_provisional_one(line):
    gateway = gateway_on(line)
    await gateway.start()
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    asked = asyncio.create_task(add(gateway, "a", wait_ms=60_000))
    await until(lambda: line.calls)
    envelope = line.calls[0][1][0]
    assert envelope.wait
    line.links.put_nowait(Downlink(1, True, [(envelope.ticket, Reply(wire.OK, b"final"))], [], [], STATS))
    assert await asked == Reply(wire.OK, b"final")
    assert not gateway._final
    await gateway.close()


async def test_a_final_answer_that_overtakes_the_provisional_one_is_not_lost(line):
    gateway = await ready(line, call_timeout_s=60.0)
    await gateway.start()
    line.gate.clear()
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    asked = asyncio.create_task(add(gateway, "a", wait_ms=60_000))
    await until(lambda: line.calls)
    line.links.put_nowait(Downlink(1, True, [(line.calls[0][1][0].ticket, Reply(wire.OK, b"final"))], [], [], STATS))
    await until(gateway.stats)
    line.gate.set()
    assert (await asked).body == b"final"
    await gateway.close()


async def test_a_final_answer_that_does_not_come_in_time_leaves_the_provisional_one(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    assert await add(gateway, "a", wait_ms=20) == Reply(wire.PENDING, b"provisional")
    assert not gateway._final


async def test_who_does_not_wait_asks_for_nothing_to_be_kept(line):
    gateway = await ready(line)
    await add(gateway, "a")
    assert not line.calls[0][1][0].wait
