"""While Redis hangs, everybody who asks it waits for his own time and not for everybody's."""

from __future__ import annotations

import asyncio

from actors.runtime.errors import JournalUnavailable
from actors.storage.shared_line import SharedLine

# So many that one after the other they would take a minute.
TIMEOUT_S = 0.1
CALLERS = 600
A_SLOW_CALL_S = 2400.0


async def test_the_last_of_many_waits_until_all_before_him_have_given_up(tmp_path):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "redis.sock")
    line = SharedLine(tmp_path / "redis.sock", TIMEOUT_S)
    try:
        async with asyncio.timeout(TIMEOUT_S * CALLERS / 2):
            answers = await asyncio.gather(*(line.ask("PING") for _ in range(CALLERS)), return_exceptions=True)
    finally:
        await line.close()
        server.close()
    assert [type(answer) for answer in answers] == [JournalUnavailable] * CALLERS


async def test_who_has_waited_for_his_turn_is_given_up_in_his_call_and_the_next_one_has_no_connection(
    tmp_path, monkeypatch
):
    loop, connections = asyncio.get_running_loop(), 0
    ahead_s, real_time = 0.0, loop.time
    # The loop's own time, by which calls are given up, is moved: a machine that stands still for a moment adds nothing.
    monkeypatch.setattr(loop, "time", lambda: real_time() + ahead_s)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections, ahead_s
        connections += 1
        while sent := await reader.read(4096):
            if b"PING" in sent:
                ahead_s += A_SLOW_CALL_S
                await asyncio.sleep(0.01)  # whatever is given up by now is
            writer.write(b"+PONG\r\n" * sent.count(b"*"))
        writer.close()

    server = await asyncio.start_unix_server(slow, tmp_path / "redis.sock")
    line = SharedLine(tmp_path / "redis.sock", 1.5 * A_SLOW_CALL_S)
    try:
        assert await asyncio.gather(line.ask("PING"), line.ask("PING")) == [b"PONG"] * 2
    finally:
        await line.close()
        server.close()
    assert (connections, ahead_s) == (1, 2 * A_SLOW_CALL_S)
