"""To how many hosts a cell was scaled. That holds for one run of the cell: its next start goes by its file again.

The supervisor and the whole of Ray may end and come back meanwhile: what an operator asked for must not go with them.
"""

from __future__ import annotations

import psycopg

from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, driver_url, session_options

_LIMIT_S = CONNECT_TIMEOUT_S + STATEMENT_TIMEOUT_S
_KEEP = """INSERT INTO scaling (one, run, hosts) VALUES (1, %s, %s)
ON CONFLICT (one) DO UPDATE SET (run, hosts) = (excluded.run, excluded.hosts)"""


async def scaled_to(url: str, run: str) -> int | None:
    """The number of hosts; None in a run that was not scaled. Raises StoreUnavailable."""
    return await bounded(_scaled_to(url, run), _LIMIT_S)


async def keep_scale(url: str, run: str, hosts: int) -> None:
    """Until this run ends the cell has so many hosts. Raises StoreUnavailable."""
    await bounded(_keep_scale(url, run, hosts), _LIMIT_S)


async def _scaled_to(url: str, run: str) -> int | None:
    async with await _connection(url) as connection:
        found = await (await connection.execute("SELECT hosts FROM scaling WHERE run = %s", [run])).fetchone()
    return None if found is None else int(found[0])


async def _keep_scale(url: str, run: str, hosts: int) -> None:
    async with await _connection(url) as connection:
        await connection.execute(_KEEP, [run, hosts])


async def _connection(url: str) -> psycopg.AsyncConnection:
    """Asked for rarely: no connection is kept."""
    return await psycopg.AsyncConnection.connect(
        driver_url(url), connect_timeout=CONNECT_TIMEOUT_S, options=session_options(STATEMENT_TIMEOUT_S)
    )
