"""Timers and messages that the store has of shards that were taken over hold up their new owner's loop, or what
changes meanwhile loses some."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from actors.runtime.codec import to_msgpack
from actors.runtime.pages import Page
from actors.runtime.ports import Due, OutboxEntry
from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, Cell, ask, envelope, until

NAMES = [f"us-{number}" for number in range(10)]
LIMIT = 3


@pytest.fixture
def cell(cell: Cell) -> Cell:
    cell.limits = msgspec.structs.replace(QUICK, settle_max=LIMIT)
    return cell


class Stored:
    """The due-times of counters as the store keeps them. `between` is called after every page but the last."""

    def __init__(self, due: dict[str, int]) -> None:
        self.due = due
        self.pages: list[list[Due]] = []
        self.between: Callable[[], Awaitable[None]] | None = None

    async def page(self, shards: Sequence[int], after: Due | None, limit: int) -> Page[Due, Due]:
        if after is not None and self.between is not None:
            await self.between()
        rows = sorted((due_ms, "counter", name) for name, due_ms in self.due.items())
        looked = [row for row in rows if after is None or row > after][:limit]
        self.pages.append([row for row in looked if shard_of("counter", row[2], QUICK.shards) in shards])
        return Page(self.pages[-1], looked[-1] if len(looked) == limit else None)


@pytest.fixture
async def stored(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """Ten counters whose first owner is gone; they want to be woken in an hour, one after the other."""
    old = await cell.host("h0")
    due = {name: old._clock.now_ms() + 3_600_000 + number for number, name in enumerate(NAMES)}
    await ask(old, *(envelope(name, counter.Add(1), "a", creates=True) for name in NAMES))
    await ask(old, *(envelope(name, counter.WakeAt(due[name]), "b") for name in NAMES))
    await until(lambda: not old.drain.waiting())
    await old.close()
    stored = Stored(due)
    monkeypatch.setattr(cell.store, "due", stored.page)
    return stored


async def test_all_timers_of_the_cell_are_asked_for_at_once(cell, stored):
    new = await cell.host("h1")
    await until(lambda: not new.activation._unsettled)
    assert [len(page) for page in stored.pages] == [3, 3, 3, 1]
    assert {key[1]: due_ms for key, due_ms in new.timers._known.items()} == stored.due


async def test_a_timer_is_lost_or_doubled_because_its_row_changes_between_two_pages(cell, stored):
    changed = {NAMES[9]: stored.due[NAMES[0]] - 100, NAMES[0]: stored.due[NAMES[9]] + 100}

    async def change() -> None:
        """The last is brought forward past what was read already, the first is put off and read again."""
        if not stored.due.items() >= changed.items():
            await ask(new, *(envelope(name, counter.WakeAt(due_ms), "c") for name, due_ms in changed.items()))
            stored.due.update(changed)

    stored.between = change
    new = await cell.host("h1")
    await until(lambda: not new.activation._unsettled)
    asked_for = [row[2] for page in stored.pages for row in page]
    assert (NAMES[9] in asked_for, asked_for.count(NAMES[0])) == (False, 2)
    known = {key[1]: due_ms for key, due_ms in new.timers._known.items()}
    assert known == stored.due
    fired = new.timers.due(max(known.values()), 100)
    assert [(due_ms, key[1]) for due_ms, _, key in fired] == sorted((due_ms, name) for name, due_ms in known.items())


async def test_a_shard_that_is_given_up_between_two_pages_leaves_timers_behind(cell, stored):
    given = shard_of("counter", NAMES[9], QUICK.shards)

    async def give() -> None:
        if given in new.shards:
            assert await new.hand_over([given]) == [given]

    stored.between = give
    new = await cell.host("h1")
    await until(lambda: not new.activation._unsettled)
    kept = {name for name in NAMES if shard_of("counter", name, QUICK.shards) != given}
    assert {key[1] for key in new.timers._known} == kept


async def test_a_shard_that_is_lost_between_two_pages_gets_its_timers_from_a_later_reading(cell, stored):
    lost = shard_of("counter", NAMES[0], QUICK.shards)
    losses = []

    async def lose() -> None:
        if not losses:
            losses.append(new.shards[lost])
            new._lose([new.shards[lost]])
            await until(lambda: lost in new.shards)

    stored.between = lose
    new = await cell.host("h1")
    await until(lambda: len(stored.pages) > 4 and not new.activation._unsettled)
    assert {key[1]: due_ms for key, due_ms in new.timers._known.items()} == stored.due


async def test_all_messages_of_a_shard_are_asked_for_at_once(cell, monkeypatch):
    ended = asyncio.Event()
    sizes = []
    outbox = cell.store.outbox

    async def counted(*asked):
        page = await outbox(*asked)
        sizes.append(len(page.found))
        if page.after is None:
            ended.set()
        return page

    for number in range(7):
        message = to_msgpack(("counter", "us-1", False, to_msgpack(counter.Add(1))))
        entry = OutboxEntry(f"us-9/{number}.0", 0, "counter", "us-9", message, 0, 20, True, "parked.by.hand")
        cell.store.disk.outbox[entry.message_id] = entry
        cell.store.disk.numbers[entry.message_id] = number
    monkeypatch.setattr(cell.store, "outbox", counted)
    host = await cell.host()
    await asyncio.wait_for(ended.wait(), 30)
    assert sizes == [3, 3, 1]
    await until(lambda: host.outbox.counts() == (7, 7))
