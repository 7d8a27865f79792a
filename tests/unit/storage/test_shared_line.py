"""While Redis hangs, everybody who asks it waits for his own time and not for everybody's."""

from __future__ import annotations

import asyncio

from actors.runtime.errors import JournalUnavailable
from actors.storage.shared_line import SharedLine

TIMEOUT_S = 0.1
CALLERS = 60
A_SLOW_CALL_S = 0.6


async def test_the_last_of_many_waits_until_all_before_him_have_given_up(tmp_path):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "redis.sock")
    line = SharedLine(tmp_path / "redis.sock", TIMEOUT_S)
    try:
        async with asyncio.timeout(TIMEOUT_S * CALLERS / 4):
            answers = await asyncio.gather(*(line.ask("PING") for _ in range(CALLERS)), return_exceptions=True)
    finally:
        await line.close()
        server.close()
    assert [type(answer) for answer in answers] == [JournalUnavailable] * CALLERS


async def test_who_has_waited_for_his_turn_is_given_up_in_his_call_and_the_next_one_has_no_connection(tmp_path):
    connections = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while sent := await reader.read(4096):
            if b"PING" in sent:
                await asyncio.sleep(A_SLOW_CALL_S)
            writer.write(b"+PONG\r\n" * sent.count(b"*"))
        writer.close()

    server = await asyncio.start_unix_server(slow, tmp_path / "redis.sock")
    line = SharedLine(tmp_path / "redis.sock", 1.5 * A_SLOW_CALL_S)
    try:
        assert await asyncio.gather(line.ask("PING"), line.ask("PING")) == [b"PONG"] * 2
    finally:
        await line.close()
        server.close()
    assert connections == 1
