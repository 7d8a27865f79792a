"""Something of a host grows or takes as long as it likes, instead of ending at a limit that is told."""

import asyncio

import msgspec

from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.limits import Limits
from actors.runtime.wire import Envelope
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, Cell, ask, code_of, envelope, query, total_of, until


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


async def test_everything_has_a_default_that_is_a_limit():
    assert all(value > 0 for value in msgspec.structs.asdict(Limits()).values())
    assert Cell().limits is QUICK
