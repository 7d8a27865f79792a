import asyncio

import pytest

from perf.chaos.door import NO_ANSWER, Door
from perf.chaos.faults import ACTIONS, KINDS, Fault, plan
from perf.chaos.gaps import felt
from perf.chaos.told import Acknowledged


def test_a_seed_gives_another_plan_each_time():
    assert plan(7, KINDS, 25) == plan(7, KINDS, 25) != plan(8, KINDS, 25)


def test_a_kind_of_fault_is_left_out():
    steps = plan(1, KINDS, len(KINDS) * len(ACTIONS))
    assert {(step.kind, step.action) for step in steps} == {(kind, action) for kind in KINDS for action in ACTIONS}
    assert all((step.pause_s > 0) == (step.action == "pause") for step in steps)


def told(entity_id, at, began_at=None):
    return Acknowledged("order", entity_id, "k", 1, "picking", at - 0.1 if began_at is None else began_at, at, 1)


def test_the_gap_is_measured_from_an_answer_that_was_on_its_way():
    fault = Fault("host", "kill", 1, at=100.0, shards=frozenset({1, 2}))
    acknowledged = [told("a", 99.9), told("a", 100.01), told("c", 100.5), told("a", 101.0), told("b", 102.0, 99.0)]
    found = felt(fault, acknowledged, {"a": 1, "b": 2, "c": 3}, until=102.5)
    assert found.shard == pytest.approx(2.0)
    assert found.overall == pytest.approx(1.0)
    assert found.wait == pytest.approx(3.0)


def test_a_fault_after_which_nothing_is_acknowledged_is_felt_as_nothing():
    fault = Fault("redis", "kill", 1, at=100.0)
    assert felt(fault, [told("a", 99.9)], {}, until=130.0).overall == pytest.approx(30.0)


def test_a_shard_that_stays_silent_is_left_out():
    fault = Fault("host", "kill", 1, at=100.0, shards=frozenset({1, 2}))
    assert felt(fault, [told("a", 100.5)], {"a": 1, "b": 2}, until=160.0).shard == pytest.approx(60.0)


def test_silence_after_the_last_answer_is_felt_as_nothing():
    fault = Fault("redis", "kill", 1, at=100.0)
    assert felt(fault, [told("a", 100.01)], {}, until=130.0).overall == pytest.approx(29.99)


async def answering(raw):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n", 200, b"ok!"),
        (b"HTTP/1.1 503 Away\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", 503, b""),
    ],
)
async def test_an_answer_is_misread(raw, status, body):
    server, base = await answering(raw)
    async with server:
        reply = await Door(base).ask("GET", "/")
    assert (reply.status, reply.body, reply.retry_after_s) == (status, body, 1.0 if status == 503 else 0.0)


async def test_half_an_answer_or_none_is_taken_for_one():
    server, base = await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    async with server:
        door = Door(base)
        assert (await door.ask("GET", "/")).status == NO_ANSWER
    assert (await door.ask("GET", "/")).status == NO_ANSWER
