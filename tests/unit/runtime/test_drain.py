"""Write-behind must take each turn once, whole positions in order, and know what happened when it was not told."""

import asyncio

import msgspec
import pytest

from actors.domain.rows import LedgerRow
from actors.runtime import wire
from actors.runtime.codec import refusal
from actors.runtime.drain import Drain
from actors.runtime.errors import StoreUnavailable
from actors.runtime.limits import Limits
from actors.runtime.outbox import Outbox
from actors.runtime.ports import Append
from actors.runtime.shard import Entity, Shard, TailEntry
from actors.runtime.wire import Reply
from tests.fakes.journal import JournalDisk
from tests.fakes.store import StoreDisk
from tests.integration.storage.samples import order_change, order_row
from tests.unit.runtime.counter import Counter, CounterRow, Telling
from tests.unit.runtime.rig import CODECS, GatedJournal, GatedStore, StoppedClock, shard, turn, until


class Yard:
    """A drain over stores in memory, and shards whose tails the test fills."""

    def __init__(self, **limits) -> None:
        self.clock = StoppedClock()
        self.journal = GatedJournal(JournalDisk())
        self.store = GatedStore(StoreDisk(), 4)
        self.shards: dict[int, Shard] = {}
        self.fenced: list[int] = []
        self.sent: list = []
        self.outbox = Outbox(CODECS, self.clock, Limits(), lambda e, done: self.sent.append(done), lambda e, done: None)
        self.drain = Drain(
            "h0", CODECS, self.shards, self.journal, self.store, self.clock, Limits(shards=4, **limits), self.outbox,
            self._lose,
        )  # fmt: skip

    def _lose(self, numbers) -> None:
        for lost in list(numbers):
            number = lost if isinstance(lost, int) else lost.number
            self.fenced.append(number)
            self.shards.pop(number).lost = True

    async def own(self, number: int = 0) -> Shard:
        lease = (await self.store.lease("h0", [number], 1))[number]
        await self.journal.open({number: (lease.epoch, lease.watermark)})
        one = self.shards[number] = shard(number, epoch=lease.epoch, watermark=lease.watermark)
        one.entities["counter", "us-1"] = Entity(Counter(), 0, 0.0)
        return one

    async def fill(self, one: Shard, *sizes: int, folded: bool = True) -> None:
        """Positions with so many turns of us-1, durable."""
        entity = one.entities["counter", "us-1"]
        for size in sizes:
            one.position += 1
            turns = []
            for line in range(size):
                entity.version += 1
                entity.dirty += 1
                turns.append(turn("us-1", entity.version, at_ms=self.clock.ms))
                rows = [CounterRow("us-1", entity.version, entity.version, None)]
                one.tail.append(TailEntry(one.position, line, turns[-1], *((rows, entity) if folded else ())))
            assert await self.journal.append([Append(one.number, one.epoch, one.position, turns)]) == []

    def stored(self) -> list[tuple[int, int, int]]:
        return [(d.shard, d.position, d.line) for d in self.store.disk.history]

    def watermark(self, number: int = 0) -> int:
        return self.store.disk.shards[number].watermark


@pytest.fixture
def yard() -> Yard:
    return Yard()


async def test_everything_durable_reaches_the_store_once_and_in_order(yard):
    one = await yard.own()
    await yard.fill(one, 2, 1, 3)
    assert await yard.drain.once() == 6
    assert await yard.drain.once() == 0
    assert yard.stored() == [(0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 3, 0), (0, 3, 1), (0, 3, 2)]
    assert (yard.watermark(), one.drained, one.entities["counter", "us-1"].dirty) == (3, 3, 0)
    assert await yard.journal.read(0, 0) == []  # trimmed


async def test_only_the_last_row_of_each_key_is_written_but_every_row_of_a_ledger(yard):
    one = await yard.own()
    await yard.fill(one, 1, 1, 1)
    for entry in one.tail:
        entry.rows.append(
            LedgerRow("us-wh", entry.position, 0, 0, "A", "receipt", 1, 1, 0, 1, 0, "", "", None, None)
        )  # fmt: skip
    await yard.drain.once()
    [batch] = yard.store.batches
    assert [row.version for row in batch.rows["counters"]] == [3]
    assert [row.version for row in batch.rows["ledger"]] == [1, 2, 3]


async def test_a_change_becomes_part_of_a_row_that_goes_to_the_store_with_it_and_stays_a_change_of_one_that_is_there(
    yard,
):
    one = await yard.own()
    await yard.fill(one, 1, 1, 1)
    new, change = order_row("us-new", country="CA"), order_change("us-new")
    rows = [[new], [change, order_change("us-old")], [order_change("us-old", version=3)]]
    for entry, more in zip(one.tail, rows, strict=True):
        entry.rows.extend(more)
    yard.store.disk.rows["orders"] = {("us-old",): order_row("us-old")}
    await yard.drain.once()
    [batch] = yard.store.batches
    assert batch.rows["orders"] == [msgspec.structs.replace(new, **msgspec.structs.asdict(change))]
    assert batch.changes["orders"] == [order_change("us-old", version=3)]
    assert new == order_row("us-new", country="CA")  # the drain might have to be done again


async def test_a_row_that_is_written_whole_again_loses_to_the_changes_around_it(yard):
    """As that of an order whose person was forgotten."""
    one = await yard.own()
    await yard.fill(one, 1, 1, 1)
    whole, later = order_row("us-old", version=3, customer_ref=""), order_change("us-old", version=4)
    for entry, row in zip(one.tail, [order_change("us-old", version=2), whole, later], strict=True):
        entry.rows.append(row)
    yard.store.disk.rows["orders"] = {("us-old",): order_row("us-old")}
    await yard.drain.once()
    [batch] = yard.store.batches
    assert batch.rows["orders"] == [msgspec.structs.replace(whole, **msgspec.structs.asdict(later))]
    assert batch.changes["orders"] == []


async def test_a_position_is_never_drained_in_parts():
    yard = Yard(drain_max_turns=4)
    one = await yard.own()
    await yard.fill(one, 3, 3, 3)
    assert await yard.drain.once() == 6  # past the limit, to the end of the position
    assert (yard.watermark(), one.drained) == (2, 2)
    assert await yard.drain.once() == 3


async def test_turns_whose_rows_are_not_known_yet_are_not_drained_without_them(yard):
    one = await yard.own()
    await yard.fill(one, 2, 2)
    one.tail[3].rows = None  # the second of position 2 waits for its entity
    assert await yard.drain.once() == 2
    assert (yard.watermark(), len(one.tail)) == (1, 2)
    one.tail[1].rows = [CounterRow("us-1", 4, 4, None)]
    assert await yard.drain.once() == 2
    assert yard.watermark() == 2


async def test_a_busy_shard_does_not_keep_the_others_from_being_drained():
    yard = Yard(drain_max_turns=10)
    busy, quiet = await yard.own(0), await yard.own(1)
    await yard.fill(busy, *[1] * 100)
    await yard.fill(quiet, 1)
    await yard.drain.once()
    assert quiet.drained == 1


async def test_a_store_that_is_away_loses_nothing_and_is_told_as_such(yard):
    one = await yard.own()
    await yard.fill(one, 2)
    yard.store.away = True
    with pytest.raises(StoreUnavailable):
        await yard.drain.once()
    yard.clock.ms += 1500
    assert (yard.drain.waiting(), yard.drain.lag_ms(yard.clock.ms)) == (2, 1500)
    yard.store.away = False
    assert await yard.drain.once() == 2
    assert (yard.drain.waiting(), yard.drain.lag_ms(yard.clock.ms)) == (0, 0)


async def test_a_store_that_hangs_is_told_to_be_well(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    yard.store.gate.clear()
    drain = asyncio.create_task(yard.drain.once())
    await until(lambda: yard.store.batches)
    assert yard.drain.store_state() == "ok"
    yard.clock.ms += 7_000
    assert yard.drain.store_state() == "has not answered for 7 s"
    yard.store.gate.set()
    assert await drain == 1
    assert yard.drain.store_state() == "ok"


@pytest.mark.parametrize("after_doing", [True, False])
async def test_a_drain_in_doubt_is_neither_done_twice_nor_forgotten(yard, after_doing):
    one = await yard.own()
    await yard.fill(one, 2, 1)
    yard.store.fail_next_drain(after_doing=after_doing)
    with pytest.raises(StoreUnavailable):
        await yard.drain.once()
    await yard.fill(one, 1)
    await yard.drain.once()
    assert yard.stored() == [(0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 3, 0)]
    assert (one.drained, yard.watermark(), one.entities["counter", "us-1"].dirty) == (3, 3, 0)


async def test_nothing_is_drained_before_the_doubt_is_settled(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    yard.store.fail_next_drain(after_doing=True)
    with pytest.raises(StoreUnavailable):
        await yard.drain.once()
    yard.store.away = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await yard.drain.once()
    assert len(yard.store.batches) == 1


async def test_a_doubt_is_never_settled_because_other_hosts_have_shards_as_well(yard):
    one = await yard.own(0)
    await yard.store.lease("h1", [1], 1)
    await yard.fill(one, 1)
    yard.store.fail_next_drain(after_doing=False)
    with pytest.raises(StoreUnavailable):
        await yard.drain.once()
    assert await yard.drain.once() == 1


async def test_a_fenced_drain_writes_nothing_and_loses_the_shard_but_no_other(yard):
    stale, good = await yard.own(0), await yard.own(1)
    await yard.fill(stale, 1)
    await yard.fill(good, 1)
    await yard.store.lease("h1", [0], 2)
    assert await yard.drain.once() == 0
    assert yard.stored() == []
    assert yard.fenced == [0]
    assert await yard.drain.once() == 1
    assert yard.stored() == [(1, 1, 0)]


async def test_a_fenced_drain_loses_a_shard_that_was_taken_over_anew_meanwhile(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    await yard.store.lease("h1", [0], 2)
    yard.store.gate.clear()
    drain = asyncio.create_task(yard.drain.once())
    await until(lambda: yard.store.batches)
    yard.shards[0] = shard(0, epoch=one.epoch + 2)
    yard.store.gate.set()
    assert (await drain, yard.fenced) == (0, [])


async def test_messages_of_a_shard_are_stored_under_its_epoch_even_when_it_has_nothing_else_to_drain(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    yard.outbox.add(0, 1, ("counter", "us-1"), 1, 0, [Telling("us-2", 1, False)])
    await yard.drain.once()
    assert list(yard.store.disk.outbox) == ["us-1/1.0"]
    yard.sent.pop()(Reply(wire.REFUSED, refusal("counter.negative", "")))  # parked: its row has to change
    await yard.store.lease("h1", [0], 2)
    await yard.drain.once()
    assert yard.fenced == [0]


async def test_a_message_that_was_acknowledged_is_sent_again_after_a_takeover_because_nothing_else_was_drained(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    yard.outbox.add(0, 1, ("counter", "us-1"), 1, 0, [Telling("us-2", 1, False)])
    await yard.drain.once()
    yard.sent.pop()(Reply(wire.OK))
    assert list(yard.store.disk.outbox) == ["us-1/1.0"]
    await yard.drain.once()
    assert list(yard.store.disk.outbox) == []


async def test_two_drains_at_once_do_not_write_the_same_turns(yard):
    one = await yard.own()
    await yard.fill(one, 2)
    drained = await asyncio.gather(yard.drain.once(), yard.drain.once())
    assert sorted(drained) == [0, 2]


async def test_a_journal_that_cannot_trim_keeps_nothing_from_being_drained(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    yard.journal.away = True
    assert await yard.drain.once() == 1
    yard.journal.away = False
    assert [position for position, _ in await yard.journal.read(0, one.drained)] == []


async def test_a_fault_that_nobody_thought_of_does_not_end_write_behind(yard):
    one = await yard.own()
    await yard.fill(one, 1)
    drain, faults = yard.store.drain, [ValueError("a row that the driver does not like")]

    async def faulty(batch) -> None:
        if faults:
            raise faults.pop()
        await drain(batch)

    yard.store.drain = faulty
    running = asyncio.create_task(yard.drain.run())
    await until(lambda: not yard.drain.waiting())
    running.cancel()
    assert yard.stored() == [(0, 1, 0)]


async def test_a_fault_of_every_drain_does_not_fill_the_log(yard, monkeypatch, caplog):
    tried = []

    async def broken(batch):
        tried.append(batch)
        raise ValueError("a column that is not there")

    monkeypatch.setattr(yard.store, "drain", broken)
    await yard.fill(await yard.own(), 1)
    running = asyncio.create_task(yard.drain.run())
    await until(lambda: len(tried) >= 20)
    running.cancel()
    assert [record.getMessage() for record in caplog.records] == ["a drain failed"]


async def test_a_hot_shard_behind_its_share_is_drained_on_without_a_pause():
    yard = Yard(drain_max_turns=40)
    for number in range(4):
        await yard.own(number)
    await yard.fill(yard.shards[0], *[1] * 100)
    for number in (1, 2, 3):
        await yard.fill(yard.shards[number], 1)
    slept: asyncio.Queue[int] = asyncio.Queue()

    async def sleep(seconds: float) -> None:
        slept.put_nowait(yard.drain.waiting())
        await asyncio.sleep(0)

    yard.clock.sleep = sleep
    running = asyncio.create_task(yard.drain.run())
    async with asyncio.timeout(30):
        left = await slept.get()
    running.cancel()
    assert left == 0
