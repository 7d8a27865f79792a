"""Do this journal and this store belong together? Not when one of them is another cell's, a new one or an older copy.

                      watermark
    store     ────────────┤
    journal        ├──────┼─────────┤         together: the journal begins in the store, or right behind it
                 first             last       behind: last < watermark
                                              ahead: first > watermark + 1, what lies between is in neither

What a shard has in the store was in its journal first, and the journal remembers its last position for ever, trimmed or
not. It is trimmed up to what the store has and no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from actors.storage.connections import Where, looking
from actors.storage.redis_journal import RedisJournal


class Apart(NamedTuple):
    """A shard whose two ends don't meet. watermark, epoch: the store's; first, last: the oldest position that the
    journal still has (`last + 1` where it has none) and the last that it knows of, 0 for none."""

    shard: int
    watermark: int
    epoch: int
    first: int
    last: int

    @property
    def behind(self) -> bool:
        """The store has more than the journal knows; else less than the journal has let go."""
        return self.last < self.watermark


def shards_apart(owner: Where, redis_url: str, cell: str, shards: int) -> list[Apart]:
    """Of the cell's `shards`; none where journal and store belong together. Nothing is changed. Also of a cell that
    runs: the store is asked before the journal, which knows no less then, and after it, as it is trimmed only of what
    is there.

    Raises StoreUnavailable, JournalUnavailable.
    """
    before = _watermarks(owner)
    reached = asyncio.run(_reached(redis_url, cell, range(shards)))
    after = _watermarks(owner)
    apart = []
    for shard, (first, last) in reached.items():
        watermark, epoch = before.get(shard, (0, 0))
        if last < watermark or first > after.get(shard, (0, 0))[0] + 1:
            apart.append(Apart(shard, watermark, epoch, first, last))
    return apart


def go_on(owner: Where, redis_url: str, cell: str, apart: Sequence[Apart]) -> None:
    """From now on both end where the one that knew more of the shard does, and no more is known of what lay between:
    of a shard that was ahead, what the journal still has would follow on something that nobody has.

    Raises StoreUnavailable, JournalUnavailable, Fenced.
    """
    asyncio.run(_go_on(redis_url, cell, apart))
    ahead = [(one.last, one.shard) for one in apart if not one.behind]
    with looking(owner) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO shards (watermark, shard, host, epoch) VALUES (%s, %s, '', 0)"
            " ON CONFLICT (shard) DO UPDATE SET watermark = excluded.watermark",
            ahead,
        )


def _watermarks(owner: Where) -> dict[int, tuple[int, int]]:
    """Of each shard that the store knows: its watermark, and its epoch."""
    with looking(owner) as connection:
        known = connection.execute("SELECT shard, watermark, epoch FROM shards").fetchall()
    return {shard: (watermark, epoch) for shard, watermark, epoch in known}


async def _reached(redis_url: str, cell: str, shards: Sequence[int]) -> dict[int, tuple[int, int]]:
    journal = RedisJournal(redis_url, cell)
    try:
        return await journal.reached(shards)
    finally:
        await journal.close()


async def _go_on(redis_url: str, cell: str, apart: Sequence[Apart]) -> None:
    journal = RedisJournal(redis_url, cell)
    try:
        await journal.open({one.shard: (one.epoch, one.watermark) for one in apart if one.behind})
        await journal.trim({one.shard: one.last for one in apart if not one.behind})
    finally:
        await journal.close()
