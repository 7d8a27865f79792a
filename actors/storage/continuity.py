"""Does this journal go on where the store's history ends? Not when it is another cell's, a new one or an older copy.

What a shard has in the store was in its journal first, and the journal remembers the position for ever, trimmed or not.
So of no shard can the store have more than the journal has known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import psycopg

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import driver_url, one_line
from actors.storage.redis_journal import RedisJournal


class Behind(NamedTuple):
    """A shard of which the store has more than the journal knows. watermark, epoch: the store's; last: the journal's
    last position, 0 for none."""

    shard: int
    watermark: int
    epoch: int
    last: int


def shards_behind(owner_url: str, redis_url: str, cell: str) -> list[Behind]:
    """None where the journal goes on. Nothing is changed. Also of a cell that runs: the store is asked first.

    Raises StoreUnavailable, JournalUnavailable.
    """
    try:
        with psycopg.connect(driver_url(owner_url)) as connection:
            known = connection.execute(
                "SELECT shard, watermark, epoch FROM shards WHERE watermark > 0 ORDER BY shard"
            ).fetchall()
    except psycopg.Error as fault:
        raise StoreUnavailable(one_line(fault)) from None
    reached = asyncio.run(_reached(redis_url, cell, [shard for shard, *_ in known]))
    return [
        Behind(shard, watermark, epoch, reached[shard])
        for shard, watermark, epoch in known
        if reached[shard] < watermark
    ]


def go_on_after(redis_url: str, cell: str, behind: list[Behind]) -> None:
    """From now on the journal knows what the store has of these shards, and no more of what lay between. Raises
    JournalUnavailable, Fenced."""
    asyncio.run(_open(redis_url, cell, {one.shard: (one.epoch, one.watermark) for one in behind}))


async def _reached(redis_url: str, cell: str, shards: list[int]) -> dict[int, int]:
    journal = RedisJournal(redis_url, cell)
    try:
        return await journal.reached(shards)
    finally:
        await journal.close()


async def _open(redis_url: str, cell: str, shards: Mapping[int, tuple[int, int]]) -> None:
    journal = RedisJournal(redis_url, cell)
    try:
        await journal.open(shards)
    finally:
        await journal.close()
