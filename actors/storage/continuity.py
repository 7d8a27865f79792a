"""Do this journal and this store belong together? Not when one of them is another cell's, a new one or an older copy.

                      watermark
    store     ────────────┤
    journal        ├──────┼─────────┤         together: the journal begins in the store, or right behind it
                 first             last       behind: last < watermark
                                              ahead: first > watermark + 1, what lies between is in neither

What a shard has in the store was in its journal first, and the journal remembers its last position for ever, trimmed or
not. It is trimmed up to what the store has and no further. Positions of two cells may fit by chance, and so may those
of a journal that was given up and comes back when others were given its positions: so both keep an id, `<cell>` or
`<cell>.<history>`. The cell's part is made at the first start and stays, the other one anew whenever something is given
up: a change of the id that was cut short can't be taken for another cell.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from actors.storage.connections import Where, looking
from actors.storage.redis_journal import RedisJournal

_T = TypeVar("_T")
# By its id: the store's own; this cell's, of another history than the store; without an id, though the store has one.
Whose = Literal["own", "given up", "nameless", "another's"]


class Apart(NamedTuple):
    """A shard whose two ends don't meet. watermark: how far the store is; epoch: the higher one of both; first, last:
    the oldest position that the journal still has (`last + 1` where it has none) and the last that it knows of, 0 for
    none."""

    shard: int
    watermark: int
    epoch: int
    first: int
    last: int

    @property
    def behind(self) -> bool:
        """The store has more than the journal knows; else less than the journal has let go."""
        return self.last < self.watermark


class Found(NamedTuple):
    """The ids of both, "" where it has none yet, and whose the journal is by them; whether the ends of all shards meet;
    and the shards that are apart: unless the journal is the store's own, all that one of them knows."""

    store_id: str
    journal_id: str
    whose: Whose
    meet: bool
    apart: list[Apart]


def look(owner: Where, redis_url: str, cell: str, shards: int) -> Found:
    """Of the cell's `shards`. Nothing is changed. Also of a cell that runs: the store is asked before the journal,
    which knows no less then, and after it, as it is trimmed only of what is there.

    Raises StoreUnavailable, JournalUnavailable.
    """

    async def asked(journal: RedisJournal) -> tuple[str, dict[int, Any]]:
        return await journal.paired(), await journal.reached(range(shards))

    before, store_id = _watermarks(owner), _paired(owner)
    journal_id, reached = _with_journal(redis_url, cell, asked)
    after = _watermarks(owner)
    # A journal that has nothing is nobody's.
    whose = _whose(store_id, journal_id) if any(one.last for one in reached.values()) else "own"
    meet, apart = True, []
    for shard, (epoch, first, last) in reached.items():
        watermark, stored = before.get(shard, (0, 0))
        gap = last < watermark or first > after.get(shard, (0, 0))[0] + 1
        meet = meet and not gap
        if gap or (whose != "own" and (last or watermark)):
            apart.append(Apart(shard, watermark, max(epoch, stored), first, last))
    return Found(store_id, journal_id, whose, meet, apart)


def pair(owner: Where, redis_url: str, cell: str, found: Found, *, anew: bool = False) -> None:
    """From now on they belong together. anew: and neither to what it belonged to before.

    Raises StoreUnavailable, JournalUnavailable.
    """
    pair_id = found.store_id or found.journal_id or uuid.uuid4().hex
    if anew:
        pair_id = f"{_cell(pair_id)}.{uuid.uuid4().hex}"
    if found.journal_id != pair_id:
        # First, so that no store has an id that its journal lacks.
        _with_journal(redis_url, cell, lambda journal: journal.pair(pair_id))
    if found.store_id != pair_id:
        with looking(owner) as connection:
            connection.execute(
                "INSERT INTO journal_pair (one, id) VALUES (1, %s) ON CONFLICT (one) DO UPDATE SET id = excluded.id",
                [pair_id],
            )


def go_on(owner: Where, redis_url: str, cell: str, apart: Sequence[Apart]) -> None:
    """From now on both end where the one that knew more of the shard does, and no more is known of what lay between.
    What the journal still has of such a shard is dropped: it is in the store, or would follow on something that nobody
    has.

    Raises StoreUnavailable, JournalUnavailable, Fenced.
    """
    ends = {one.shard: max(one.watermark, one.last) for one in apart}

    async def ended(journal: RedisJournal) -> None:
        await journal.open({one.shard: (one.epoch, ends[one.shard]) for one in apart})
        await journal.trim({one.shard: one.last for one in apart})

    _with_journal(redis_url, cell, ended)
    with looking(owner) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO shards (shard, watermark, host, epoch) VALUES (%s, %s, '', 0)"
            " ON CONFLICT (shard) DO UPDATE SET watermark = excluded.watermark",
            list(ends.items()),
        )


def _whose(store_id: str, journal_id: str) -> Whose:
    if store_id in ("", journal_id):
        return "own"
    if not journal_id:
        return "nameless"
    return "given up" if _cell(store_id) == _cell(journal_id) else "another's"


def _cell(pair_id: str) -> str:
    return pair_id.partition(".")[0]


def _watermarks(owner: Where) -> dict[int, tuple[int, int]]:
    """Of each shard that the store knows: its watermark, and its epoch."""
    with looking(owner) as connection:
        known = connection.execute("SELECT shard, watermark, epoch FROM shards").fetchall()
    return {shard: (watermark, epoch) for shard, watermark, epoch in known}


async def store_id(url: str) -> str:
    """The store's, by the address that a host has of it; "" where it has none yet. Raises StoreUnavailable."""
    return await asyncio.to_thread(_paired, url)


def _paired(owner: Where) -> str:
    with looking(owner) as connection:
        found = connection.execute("SELECT id FROM journal_pair").fetchone()
    return str(found[0]) if found else ""


def _with_journal(redis_url: str, cell: str, work: Callable[[RedisJournal], Coroutine[Any, Any, _T]]) -> _T:
    async def done() -> _T:
        journal = RedisJournal(redis_url, cell)
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(done())
