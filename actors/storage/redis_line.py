"""A Redis connection of its own for the one call that every update waits for.

The driver's pool, retries and packing in Python cost as much as all decisions of a batch: here a call is packed by
hiredis and written at once, under a single deadline. A call that fails or is given up closes the connection, so that a
late answer is never taken for another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError, ResponseError


class RedisLine:
    """One call at a time, each within `timeout_s`."""

    def __init__(self, address: str, timeout_s: float) -> None:
        pool = ConnectionPool.from_url(
            address, protocol=2, socket_timeout=None, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )  # fmt: skip
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
        self._timeout_s = timeout_s
        self._one = asyncio.Lock()

    async def call(self, parts: Iterable[str | bytes | int]) -> Any:
        """The answer to a command. Raises redis.exceptions.RedisError (a ResponseError leaves the connection open),
        OSError and TimeoutError."""
        packed = hiredis.pack_command(tuple(parts))  # type: ignore[arg-type]
        connection = self._connection
        async with self._one:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._heal()
                    await connection.send_packed_command(packed, check_health=False)
                    return await connection.read_response()
            except ResponseError:
                raise
            except BaseException as fault:
                await connection.disconnect(nowait=True)
                if isinstance(fault, TimeoutError):  # asyncio's says nothing
                    raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
                raise

    async def _heal(self) -> None:
        """Leaves a connection that was closed from the other side while nothing was asked: nothing is in doubt yet."""
        connection = self._connection
        if not connection.is_connected:
            return
        try:
            stale = await connection.can_read()
        except (OSError, RedisError):
            stale = True
        if stale:
            await connection.disconnect(nowait=True)

    async def leave(self) -> None:
        """Drops the connection within this step of the loop, so that no call which waits its turn begins
        on it; it makes another."""
        await self._connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Ends the connection, for good."""
        await self._connection.disconnect()


def is_of_a_replica(fault: Exception) -> bool:
    """Did Redis refuse because it is a replica by now? Since Redis 7 a script's fault has the code of what it met,
    which the driver takes off the text and makes a class of; before, the code stands within the text."""
    return isinstance(fault, ReadOnlyError) or "READONLY" in str(fault)


def is_for_want_of_memory(fault: Exception) -> bool:
    """Did Redis refuse because it is full (`OOM`)? Its text says so in every version, with the code or without."""
    return "'maxmemory'" in str(fault)
