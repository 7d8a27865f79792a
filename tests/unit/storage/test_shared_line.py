"""While Redis hangs, everybody who asks it waits for his own time and not for everybody's."""

from __future__ import annotations

import asyncio

from actors.runtime.errors import JournalUnavailable
from actors.storage.shared_line import SharedLine

TIMEOUT_S = 0.1
CALLERS = 60


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
