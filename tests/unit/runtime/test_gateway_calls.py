"""Asks each cost a call of their own, go in another order, pile up, or wait for a host that is not theirs."""

import asyncio

import msgspec

from actors.runtime import wire
from actors.runtime.gateway import Ask
from actors.runtime.ports import ShardMap
from actors.runtime.wire import Reply
from tests.unit.runtime.counter import Add, Total
from tests.unit.runtime.played_hosts import add, gateway_on, ready
from tests.unit.runtime.rig import until


async def test_asks_that_gather_during_a_call_do_not_each_cost_a_call(line):
    gateway = await ready(line, call_timeout_s=60.0)
    line.gate.clear()
    first = asyncio.create_task(add(gateway, "a"))
    await until(lambda: line.calls)
    others = [asyncio.create_task(add(gateway, f"b{n}")) for n in range(100)]
    await asyncio.sleep(0)
    line.gate.set()
    replies = await asyncio.gather(first, *others)
    assert line.sizes() == [1, 100]
    assert [reply.body.decode() for reply in replies] == ["a", *(f"b{n}" for n in range(100))]


async def test_asks_of_one_moment_go_together_without_waiting_for_anything(line):
    gateway = await ready(line)
    await asyncio.gather(*(add(gateway, str(n)) for n in range(50)))
    assert line.sizes() == [50]


async def test_a_call_never_carries_more_than_the_limit(line):
    gateway = await ready(line, batch_max=8)
    await asyncio.gather(*(add(gateway, str(n)) for n in range(20)))
    assert line.sizes() == [8, 8, 4]


async def test_a_slow_host_does_not_keep_asks_to_another_one_waiting(line):
    line.map = ShardMap(1, ["slow", "fast"])
    gateway = await ready(line, call_timeout_s=60.0, request_timeout_s=60.0)
    stuck, call = asyncio.Event(), line.call

    async def slow(host: str, payload: bytes) -> bytes:
        if host == "slow":
            await stuck.wait()
        return await call(host, payload)

    line.call = slow
    done = []
    tasks = [asyncio.create_task(add(gateway, str(n))) for n in range(20)]
    for task in tasks:
        task.add_done_callback(lambda task: done.append(task.result().body))
    await until(lambda: line.calls and len(done) == len(line.calls[0][1]))
    assert 0 < len(done) < 20
    stuck.set()
    await asyncio.gather(*tasks)


async def test_a_host_that_hangs_is_called_again_for_every_ask_however_many_calls_are_under_way(line):
    gateway = await ready(line, calls_max=3, call_patience_s=0.001, call_timeout_s=60.0, request_timeout_s=60.0)
    line.gate.clear()
    asks = []
    for number in range(2):
        asks.append(asyncio.create_task(add(gateway, f"a{number}")))
        # Sent, and nothing else is there to be sent: whoever sent it is gone.
        await until(lambda number=number: len(line.calls) == number + 1 and not gateway._lanes["h0", False].busy)
    for number in range(20):
        asks.append(asyncio.create_task(add(gateway, f"b{number}")))
        await asyncio.sleep(0.002)  # longer than a call is waited for
    assert line.sizes() == [1, 1, 1]
    line.gate.set()
    assert {reply.status for reply in await asyncio.gather(*asks)} == {wire.OK}
    assert [envelope.entity_id for envelope in line.calls[3][1]] == [f"b{number}" for number in range(1, 20)]


async def test_commands_of_one_body_to_one_entity_go_in_another_order(line):
    gateway = await ready(line, batch_max=3)
    asks = [Ask("counter", "a", Add(n), f"c{n}", n) for n in range(7)]
    line.reply = lambda host, envelope: Reply(wire.OK, envelope.command_id.encode())
    replies = await gateway.ask_many(asks)
    sent = [envelope.command_id for _, envelopes in line.calls for envelope in envelopes]
    assert line.sizes() == [3, 3, 1]
    assert sent == [reply.body.decode() for reply in replies] == [ask.command_id for ask in asks]


async def test_an_empty_body_of_many_does_not_hang(line):
    assert await gateway_on(line).ask_many([]) == []


async def test_too_many_waiting_asks_are_refused_at_once_and_not_piled_up(line):
    gateway = await ready(line, inbox_max=10, call_timeout_s=60.0)
    line.gate.clear()
    waiting = [asyncio.create_task(add(gateway, str(n))) for n in range(10)]
    await until(lambda: line.calls)
    reply = await add(gateway, "one too many")
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (wire.BUSY, wire.CODE_BUSY)
    line.gate.set()
    await asyncio.gather(*waiting)
    assert (await add(gateway, "room again")).status == wire.OK


async def test_reads_are_not_remembered_as_commands(line):
    gateway = await ready(line)
    await gateway.view("counter", "a", Total())
    await gateway.history("counter", "a", 3, 50)
    view, history = (envelopes[0] for _, envelopes in line.calls)
    assert (view.mode, view.command_id) == (wire.VIEW, "")
    assert (history.mode, msgspec.msgpack.decode(history.body)) == (wire.HISTORY, [3, 50])
