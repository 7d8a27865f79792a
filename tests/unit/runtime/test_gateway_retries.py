"""When a host moved, died or does not answer, its callers hang, get an error, or have a command done twice."""

import asyncio

import msgspec
import pytest

from actors.clock import SystemClock
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import HostUnreachable
from actors.runtime.gateway import Ask
from actors.runtime.ports import ShardMap
from actors.runtime.wire import Reply
from tests.unit.runtime.counter import Add
from tests.unit.runtime.played_hosts import add, gateway_on, ready
from tests.unit.runtime.rig import until


class MovedClock(SystemClock):
    """Goes `ahead_s` ahead of the machine's."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


async def test_a_shard_that_moved_is_found_at_its_new_host_with_the_same_command_id(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.OK if host == "h1" else wire.NOT_OWNER)
    line.map = ShardMap(2, ["h1"])
    assert (await add(gateway, "a")).status == wire.OK
    assert [host for host, _ in line.calls] == ["h0", "h1"]
    assert line.calls[0][1] == line.calls[1][1]


async def test_an_older_map_does_not_replace_a_newer_one(line):
    line.map = ShardMap(5, ["h0"])
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.NOT_OWNER if len(line.calls) < 3 else wire.OK)
    line.map = ShardMap(4, ["old"])
    assert (await add(gateway, "a")).status == wire.OK
    assert {host for host, _ in line.calls} == {"h0"}


async def test_a_supervisor_that_was_restarted_is_not_heard_until_it_counted_as_far_as_the_one_before(line):
    line.map = ShardMap(1000, ["h0"], "before the clock stepped back")
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.OK if host == "h1" else wire.NOT_OWNER)
    line.map = ShardMap(900, ["h1"], "and after")
    assert (await add(gateway, "a")).status == wire.OK
    assert [host for host, _ in line.calls] == ["h0", "h1"]


async def test_one_late_map_of_a_supervisor_that_is_gone_is_held_for_the_newest_for_ever(line):
    line.map = ShardMap(5, ["h1"], "present")
    gateway = await ready(line)
    maps = [ShardMap(9, ["h0"], "gone"), line.map]

    async def source() -> ShardMap:
        return maps.pop(0) if len(maps) > 1 else maps[0]

    gateway._source = source
    gateway._refresh()
    await until(lambda: gateway._map.incarnation == "gone")
    line.reply = lambda host, envelope: Reply(wire.OK if host == "h1" else wire.NOT_OWNER)
    assert (await add(gateway, "a")).status == wire.OK


async def test_a_map_that_cannot_be_read_for_a_while_is_a_delay_and_not_an_error(line):
    gateway = gateway_on(line)
    faults = [HostUnreachable("supervisor"), ValueError("a map that can't be decoded")]
    source = line.source

    async def faulty() -> ShardMap:
        if faults:
            raise faults.pop()
        return await source()

    gateway._source = faulty
    assert (await add(gateway, "a")).status == wire.OK


@pytest.mark.parametrize("fault", [HostUnreachable("h0"), RuntimeError("a driver's own fault")])
async def test_a_call_that_fails_is_asked_again_with_the_same_command_ids(line, fault):
    gateway = await ready(line)
    line.faults = [fault]
    replies = await asyncio.gather(*(add(gateway, str(n)) for n in range(3)))
    assert [reply.status for reply in replies] == [wire.OK] * 3
    assert line.sizes() == [3, 3]
    assert line.calls[0][1] == line.calls[1][1]


async def test_of_two_lost_calls_that_come_back_the_other_way_round_the_later_is_asked_first(line):
    gateway = await ready(line, batch_max=2, call_timeout_s=60.0, retry_pause_s=0.05)
    call, second_failed = line.call, asyncio.Event()

    async def losing(host: str, payload: bytes) -> bytes:
        answer = await call(host, payload)
        if len(line.calls) == 1:
            await second_failed.wait()
            raise HostUnreachable(host)
        if len(line.calls) == 2:
            second_failed.set()
            raise HostUnreachable(host)
        return answer

    line.call = losing
    assert {reply.status for reply in await asyncio.gather(*(add(gateway, name) for name in "abcd"))} == {wire.OK}
    asked = [[envelope.entity_id for envelope in envelopes] for _, envelopes in line.calls]
    assert asked == [["a", "b"], ["c", "d"], ["a", "b"], ["c", "d"]]


async def test_an_answer_with_too_few_replies_leaves_no_caller_hanging(line):
    gateway = await ready(line)
    call = line.call

    async def short(host: str, payload: bytes) -> bytes:
        replies = msgspec.msgpack.decode(await call(host, payload), type=list[Reply])
        return to_msgpack(replies[:-1] if len(line.calls) == 1 else replies)

    line.call = short
    replies = await asyncio.gather(*(add(gateway, str(n)) for n in range(3)))
    assert [reply.status for reply in replies] == [wire.OK] * 3


async def test_a_call_that_hangs_times_out_and_the_batch_is_asked_again(line):
    gateway = await ready(line, request_timeout_s=60.0)
    line.gate.clear()
    asks = [asyncio.create_task(add(gateway, str(n))) for n in range(3)]
    await until(lambda: len(line.calls) >= 2)
    line.gate.set()
    assert [reply.status for reply in await asyncio.gather(*asks)] == [wire.OK] * 3
    assert all(envelopes == line.calls[0][1] for _, envelopes in line.calls)


@pytest.mark.parametrize("answer", [wire.NOT_OWNER, wire.UNAVAILABLE])
async def test_a_caller_is_told_to_come_back_at_the_deadline_instead_of_waiting_for_ever(line, answer):
    clock = MovedClock()
    gateway = await ready(line, clock, request_timeout_s=60.0)

    def refuse(host, envelope):
        clock.ahead_s = 20.0 * len(line.calls)
        return Reply(answer)

    line.reply = refuse
    async with asyncio.timeout(30):
        reply = await add(gateway, "a")
    assert reply.status == wire.UNAVAILABLE
    assert msgspec.json.decode(reply.body)["code"] == wire.CODE_UNAVAILABLE
    assert len(line.calls) == 3
    assert gateway._waiting == 0


async def test_what_waited_for_its_host_past_the_deadline_is_done_after_all(line):
    clock = MovedClock()
    gateway = await ready(line, clock, batch_max=1, calls_max=1, call_timeout_s=60.0, request_timeout_s=30.0)
    line.gate.clear()
    asks = [asyncio.create_task(add(gateway, name)) for name in "abc"]
    await until(lambda: line.calls)
    clock.ahead_s = 20.0
    asks.append(asyncio.create_task(add(gateway, "in time")))
    await asyncio.sleep(0)
    clock.ahead_s = 40.0
    line.gate.set()
    async with asyncio.timeout(30):
        replies = await asyncio.gather(*asks)
    assert [reply.status for reply in replies] == [wire.OK, wire.UNAVAILABLE, wire.UNAVAILABLE, wire.OK]
    assert [envelope.entity_id for _, envelopes in line.calls for envelope in envelopes] == ["a", "in time"]
    assert gateway._waiting == 0


async def test_what_is_to_be_sent_again_waits_behind_a_slow_call_and_is_done_past_its_deadline(line):
    clock = MovedClock()
    gateway = await ready(line, clock, batch_max=1, calls_max=1, call_timeout_s=60.0, request_timeout_s=30.0)
    call, slow = line.call, asyncio.Event()

    async def held(host: str, payload: bytes) -> bytes:
        answer = await call(host, payload)
        if len(line.calls) == 2:
            await slow.wait()
        return answer

    line.call = held
    line.reply = lambda host, envelope: Reply(wire.NOT_OWNER if envelope.entity_id == "moved" else wire.OK)
    asks = [asyncio.create_task(add(gateway, name)) for name in ("moved", "slow")]
    await until(lambda: len(line.calls) == 2 and gateway._lanes["h0", False].queue)
    clock.ahead_s = 40.0
    slow.set()
    async with asyncio.timeout(30):
        replies = await asyncio.gather(*asks)
    assert [reply.status for reply in replies] == [wire.UNAVAILABLE, wire.OK]
    assert [envelope.entity_id for _, envelopes in line.calls for envelope in envelopes] == ["moved", "slow"]


async def test_shards_that_nobody_owns_do_not_hang_their_callers(line):
    line.map = ShardMap(1, [""])
    gateway = gateway_on(line, request_timeout_s=0.05)
    assert (await add(gateway, "a")).status == wire.UNAVAILABLE
    assert gateway.unowned_shards() == 1
    assert line.calls == []
    assert line.reads < 50  # no busy loop


async def test_one_part_that_has_to_be_asked_again_does_not_ask_the_others_again(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(
        wire.NOT_OWNER if envelope.entity_id == "b" and len(line.calls) == 1 else wire.OK, envelope.entity_id.encode()
    )
    asks = [Ask("counter", name, Add(1), name, 1) for name in "abc"]
    replies = await gateway.ask_many(asks)
    assert [reply.body for reply in replies] == [b"a", b"b", b"c"]
    assert line.sizes() == [3, 1]


@pytest.mark.parametrize("status", [wire.BUSY, wire.REFUSED, wire.KEY_REUSED, wire.FAULT])
async def test_an_answer_that_is_one_is_not_asked_for_again(line, status):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(status, b"{}")
    assert (await add(gateway, "a")).status == status
    assert line.sizes() == [1]


async def test_a_closed_gateway_leaves_nobody_hanging(line):
    gateway = await ready(line, call_timeout_s=60.0, batch_max=1)
    line.gate.clear()
    asks = [asyncio.create_task(add(gateway, str(n))) for n in range(3)]  # one is on its way, two wait
    await until(lambda: line.calls)
    await gateway.close()
    async with asyncio.timeout(30):
        assert [reply.status for reply in await asyncio.gather(*asks)] == [wire.UNAVAILABLE] * 3
