"""What `Store` promises, of the fake and of PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from actors.domain.catalogue import CATALOGUE
from actors.domain.claim import CLAIM
from actors.domain.floor import FLOOR
from actors.domain.location import LOCATION
from actors.domain.order import ORDER
from actors.domain.rows import LocationRow, SkuRow, StockRow
from actors.domain.rows_of_floor import FloorRow, FloorTermsRow, FloorTripRow, FloorWorkRow
from actors.domain.rows_of_stock import BinRow, ClaimRow, ContentRow, IncomingRow, LotRow
from actors.runtime.errors import Fenced, StoreUnavailable
from actors.runtime.ports import HistoryTurn, OutboxEntry, ShardRecord, Store
from actors.runtime.read_model import ReadModel
from actors.runtime.sharding import shard_of
from tests.integration.storage.samples import (
    NOW_MS,
    batch,
    drained,
    due_of,
    ledger_row,
    order_change,
    order_row,
    outbox_of,
    turn,
)

DAY_MS = 86_400_000


def seen(number: int) -> HistoryTurn:
    one = turn(number)
    return HistoryTurn(one.version, one.at_ms, one.command_id, one.cause, one.events, one.status)


# --- ownership --------------------------------------------------------------------------------------------------------
async def test_every_lease_raises_the_epoch(store: Store):
    first = await store.lease("host-0", [1, 2], 1)
    assert {shard: (lease.epoch, lease.watermark) for shard, lease in first.items()} == {1: (1, 0), 2: (1, 0)}
    second = await store.lease("host-1", [2, 3], 2)
    assert {shard: lease.epoch for shard, lease in second.items()} == {2: 2, 3: 2}
    assert await store.shards() == {
        1: ShardRecord(1, "host-0", 1, 0), 2: ShardRecord(2, "host-1", 2, 0), 3: ShardRecord(3, "host-1", 2, 0),
    }  # fmt: skip


async def test_a_lease_that_comes_late_takes_nothing_from_a_newer_owner(store: Store):
    await store.lease("host-0", [1], 7)
    for epoch in (6, 7):
        granted = await store.lease("host-1", [1, 2], epoch)
        assert 1 not in granted
    assert (await store.shards())[1] == ShardRecord(1, "host-0", 7, 0)
    assert (await store.lease("host-1", [1], 8))[1].epoch == 8


async def test_of_hosts_that_lease_at_once_no_two_get_the_same_epoch(new_store: Callable[[], Store]):
    shards = list(range(16))
    stores = [new_store() for _ in range(3)]
    # Two of them for each epoch, as two supervisors might decide in the same millisecond.
    leases = await asyncio.gather(
        *(
            one.lease(f"host-{n}", shards[:: -1 if n % 2 else 1], 1 + n // 2)
            for n in range(6)
            for one in [stores[n % 3]]
        )
    )
    records = await stores[0].shards()
    for shard in shards:
        granted = [lease[shard].epoch for lease in leases if shard in lease]
        assert len(granted) == len(set(granted))
        assert (max(granted), records[shard].epoch) == (3, 3)


async def test_only_the_owner_can_release(store: Store):
    await store.lease("host-0", [1, 2], 1)
    await store.lease("host-1", [2], 2)
    await store.release("host-0", {1: 1, 2: 1, 7: 1})
    assert {shard: record.host for shard, record in (await store.shards()).items()} == {1: "", 2: "host-1"}
    assert (await store.lease("host-2", [1], 3))[1].epoch == 3


# --- write-behind -----------------------------------------------------------------------------------------------------
async def test_a_drain_writes_everything_and_moves_the_watermark(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1, 2], 1)
    entry = OutboxEntry("m-1", 1, "order", "us-order", b"\0message", NOW_MS)
    await store.drain(
        batch(
            {1: (1, 2), 2: (1, 1)},
            drained(1, 1, turn(1), turn(2)) + drained(1, 2, turn(3)) + drained(2, 1, turn(1, "us-other")),
            {"orders": [order_row("us-order", version=3), order_row("us-other")], "ledger": [ledger_row(1)]},
            outbox_put=[entry],
        )
    )
    assert {shard: record.watermark for shard, record in (await store.shards()).items()} == {1: 2, 2: 1}
    assert await store.history("order", "us-order", 0, 10) == [seen(1), seen(2), seen(3)]
    loaded = await store.load(ORDER, ["us-order", "us-other", "us-none"])
    assert {entity_id: snapshot.rows for entity_id, snapshot in loaded.items()} == {
        "us-order": {"orders": [order_row("us-order", version=3)]}, "us-other": {"orders": [order_row("us-other")]},
    }  # fmt: skip
    assert await outbox_of(store, [1]) == [entry]
    assert await read_model.ledger("us-wh", sku=None, before=None, limit=10) == [ledger_row(1)]
    assert (await store.lease("host-1", [1], 2))[1].watermark == 2


async def test_rows_are_replaced_by_their_newer_ones(store: Store):
    await store.lease("host-0", [1], 1)
    place = LocationRow("us-wh", 1, "warehouse", "Seattle", "Seattle", "US", 47.6, -122.3, "America/Los_Angeles")
    await store.drain(
        batch({1: (1, 1)}, drained(1, 1, turn(1)), {
            "orders": [order_row("us-1", status="placed", due_at=NOW_MS)], "locations": [place],
            "stock": [StockRow("us-wh", "B", 1, 0, 0), StockRow("us-wh", "a b", 7, 2, 1)],
            "skus": [SkuRow("us-catalogue", "A", "old", 1)],
        })
    )  # fmt: skip
    await store.drain(
        batch({1: (1, 2)}, drained(1, 2, turn(2)), {
            "orders": [order_row("us-1", status="delivered", version=2, total_minor=2**40), order_row("us-2")],
            "stock": [StockRow("us-wh", "B", 1_000_000_000_000, 5, 3)], "locations": [place],
            "skus": [SkuRow("us-catalogue", "A", "new", 2, b"\x00\xff kit"), SkuRow("us-catalogue", "C", "", 2)],
        })
    )  # fmt: skip
    orders = await store.load(ORDER, ["us-1"])
    assert orders["us-1"].rows["orders"] == [order_row("us-1", status="delivered", version=2, total_minor=2**40)]
    stored = (await store.load(LOCATION, ["us-wh"]))["us-wh"].rows
    assert stored["locations"] == [place]
    assert stored["stock"] == [StockRow("us-wh", "B", 1_000_000_000_000, 5, 3), StockRow("us-wh", "a b", 7, 2, 1)]
    skus = (await store.load(CATALOGUE, ["us-catalogue"]))["us-catalogue"].rows["skus"]
    assert skus == [SkuRow("us-catalogue", "A", "new", 2, b"\x00\xff kit"), SkuRow("us-catalogue", "C", "", 2)]


async def test_a_row_that_is_gone_comes_back_to_memory(store: Store):
    await store.lease("host-0", [1], 1)
    place = LocationRow("us-wh", 1, "warehouse", "Seattle", "Seattle", "US", 47.6, -122.3, "America/Los_Angeles")
    soon = LotRow("us-wh", "A", "soon", 5, 1, 0, 0, 2, 20_500, False, "near")
    serial = LotRow("us-wh", "A", "n-1", 1, 0, 0, 1, 0, None, True)
    claims = [ClaimRow("us-wh", "us-o.1", "A", "soon", 1), ClaimRow("us-wh", "us-o.2", "A", "soon", 1)]
    bins = [BinRow("us-wh", "A-01", "A", 1, 2, 3, 40, 50, "pick", 6, 7, "chilled", "3"), BinRow("us-wh", "A-02", "A")]
    contents = [ContentRow("us-wh", "A", "A-01", "soon", 4), ContentRow("us-wh", "A", "A-02", "", 1)]
    coming = [
        IncomingRow("us-wh", "us-in", sku, "purchase", 3, NOW_MS, units, NOW_MS + 1)
        for sku, units in (("", 0), ("A", 9))
    ]
    await store.drain(
        batch({1: (1, 1)}, drained(1, 1, turn(1)), {
            "locations": [place], "lots": [soon, serial], "lot_claims": claims, "bins": bins, "bin_contents": contents,
            "incoming": coming,
        })
    )  # fmt: skip
    await store.drain(
        batch({1: (1, 2)}, drained(1, 2, turn(2)), {
            "lots": [msgspec.structs.replace(soon, told="ended"), LotRow("us-wh", "A", "n-1", gone=True)],
            # One that was never there, and one that comes and goes between two drains.
            "lot_claims": [ClaimRow("us-wh", "us-o.2", "A", "soon", gone=True), ClaimRow("us-wh", "us-o.3", "A", "soon", gone=True)],
            "bins": [BinRow("us-wh", "A-02", gone=True)], "bin_contents": [ContentRow("us-wh", "A", "A-02", "", gone=True)],
            "incoming": [IncomingRow("us-wh", "us-in", "A", gone=True)],
        })
    )  # fmt: skip
    stored = (await store.load(LOCATION, ["us-wh"]))["us-wh"].rows
    assert stored["lots"] == [msgspec.structs.replace(soon, told="ended")]
    assert stored["lot_claims"] == claims[:1]
    assert (stored["bins"], stored["bin_contents"], stored["incoming"]) == (bins[:1], contents[:1], coming[:1])


async def test_a_floor_comes_back_without_its_queue_or_with_what_is_over(store: Store):
    await store.lease("host-0", [1], 1)
    floor = FloorRow("us-wh", 2, 2, 1, b"rest")
    works = [FloorWorkRow("us-wh", f"us-o.{n}", "waiting", -n, NOW_MS, NOW_MS - 5, 3, b"work") for n in (1, 2)]
    trips = [FloorTripRow("us-wh", n, "us-acct-mia", NOW_MS, b"trip") for n in (1, 1 << 40)]
    terms = FloorTermsRow("us-wh", b"terms")
    await store.drain(
        batch({1: (1, 1)}, drained(1, 1, turn(1)), {
            "floors": [floor], "floor_work": works, "floor_trips": trips, "floor_terms": [terms],
        })
    )  # fmt: skip
    await store.drain(
        batch({1: (1, 2)}, drained(1, 2, turn(2)), {
            "floor_work": [FloorWorkRow("us-wh", "us-o.2", gone=True)], "floor_trips": [FloorTripRow("us-wh", 1, gone=True)],
            "floor_terms": [FloorTermsRow("us-wh", gone=True)],
        })
    )  # fmt: skip
    stored = (await store.load(FLOOR, ["us-wh"]))["us-wh"].rows
    assert stored == {"floors": [floor], "floor_work": works[:1], "floor_trips": trips[1:]}


async def test_a_change_leaves_the_other_columns_as_they_were(store: Store):
    await store.lease("host-0", [1], 1)
    rows = [order_row("us-1", total_minor=5), order_row("us-2")]
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": rows}))
    changes = [order_change("us-1", due_at=NOW_MS), order_change("us-3")]
    new = {"orders": [order_row("us-3", country="CA")]}
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), new, changes={"orders": changes}))
    changed = {"version": 2, "status": "picking", "updated_at": NOW_MS + 2, "state": b"later"}
    loaded = await store.load(ORDER, ["us-1", "us-2", "us-3"])
    assert [one.rows["orders"] for one in loaded.values()] == [
        [order_row("us-1", total_minor=5, due_at=NOW_MS, **changed)],
        [order_row("us-2")],
        [order_row("us-3", country="CA", **changed)],
    ]


async def test_a_change_of_a_row_that_is_not_there_is_not_passed_over(store: Store):
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": [order_row("us-1")]}))
    changes = [order_change("us-1"), order_change("us-2")]
    with pytest.raises(Exception, match=r"us-2|not there"):
        await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), changes={"orders": changes}))
    assert (await store.shards())[1].watermark == 1
    assert (await store.load(ORDER, ["us-1"]))["us-1"].rows["orders"] == [order_row("us-1")]


async def test_a_fenced_drain_leaves_nothing(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1, 2], 1)
    await store.lease("host-1", [2], 2)
    entry = OutboxEntry("m-1", 1, "order", "us-order", b"message", NOW_MS)
    with pytest.raises(Fenced) as fenced:
        await store.drain(
            batch(
                {1: (1, 1), 2: (1, 1)},
                drained(1, 1, turn(1)) + drained(2, 1, turn(2)),
                {"orders": [order_row("us-order")], "ledger": [ledger_row(1)]},
                outbox_put=[entry],
            )
        )
    assert fenced.value.shards == {2}
    assert await store.history("order", "us-order", 0, 10) == []
    assert await store.load(ORDER, ["us-order"]) == {}
    assert await outbox_of(store, [1, 2]) == []
    assert await read_model.ledger("us-wh", sku=None, before=None, limit=10) == []
    assert {shard: record.watermark for shard, record in (await store.shards()).items()} == {1: 0, 2: 0}
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1))))
    assert await store.history("order", "us-order", 0, 10) == [seen(1)]


async def test_a_shard_that_was_never_leased_takes_no_drain(store: Store):
    with pytest.raises(Fenced):
        await store.drain(batch({5: (1, 1)}, drained(5, 1, turn(1))))
    assert await store.shards() == {}


async def test_a_drain_that_is_repeated_is_not_done_twice(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    first = batch({1: (1, 1)}, drained(1, 1, turn(1)), {"ledger": [ledger_row(1)]})
    await store.drain(first)
    longer = batch(
        {1: (1, 2)}, drained(1, 1, turn(1)) + drained(1, 2, turn(2)), {"ledger": [ledger_row(1), ledger_row(2)]}
    )
    for repeated in (first, longer):
        with pytest.raises(StoreUnavailable):
            await store.drain(repeated)
    assert (await store.shards())[1].watermark == 1
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"ledger": [ledger_row(2)]}))
    assert await store.history("order", "us-order", 0, 10) == [seen(1), seen(2)]
    assert await read_model.ledger("us-wh", sku=None, before=None, limit=10) == [ledger_row(2), ledger_row(1)]


async def test_turns_of_two_months_go_into_one_drain(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    midnight = int(datetime(2031, 1, 1, tzinfo=UTC).timestamp()) * 1000
    old, new = turn(1, at_ms=midnight - 1), turn(2, at_ms=midnight)
    rows = [ledger_row(1, at=midnight - 1), ledger_row(2, at=midnight)]
    await store.drain(batch({1: (1, 1)}, drained(1, 1, old, new), {"ledger": rows}))
    assert [one.at_ms for one in await store.history("order", "us-order", 0, 10)] == [midnight - 1, midnight]
    assert await read_model.ledger("us-wh", sku=None, before=None, limit=10) == rows[::-1]
    assert set(await store.remembered("order", [old.fingerprint, new.fingerprint], midnight)) == {new.fingerprint}


async def test_a_turn_of_a_megabyte_is_drained(store: Store):
    await store.lease("host-0", [1], 1)
    large = turn(1, events=b'["' + b"x" * 1_048_576 + b'"]', reply=b"\0" * 1_048_576)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, large), {"orders": [order_row("us-1", state=b"s" * 1_048_576)]}))
    assert (await store.history("order", "us-order", 0, 1))[0].events == large.events
    assert len((await store.load(ORDER, ["us-1"]))["us-1"].rows["orders"][0].state) == 1_048_576
    assert (await store.remembered("order", [large.fingerprint], 0))[large.fingerprint].reply == large.reply


async def test_a_drain_of_nothing_but_the_outbox_checks_the_epoch(store: Store):
    await store.lease("host-0", [1], 1)
    entry = OutboxEntry("m-1", 1, "order", "us-1", b"message", NOW_MS)
    await store.drain(batch({1: (1, 0)}, outbox_put=[entry]))
    await store.lease("host-1", [1], 2)
    with pytest.raises(Fenced):
        await store.drain(batch({1: (1, 0)}, outbox_remove=["m-1"]))
    assert await outbox_of(store, [1]) == [entry]


# --- outbox -----------------------------------------------------------------------------------------------------------
async def test_outbox_entries_of_a_shard_come_back_in_the_order_in_which_they_came(store: Store):
    await store.lease("host-0", [1, 2], 1)
    entries = [OutboxEntry(f"m-{n}", 1 + n % 2, "order", "us-1", b"%d" % n, NOW_MS) for n in (5, 3, 4, 1, 2)]
    await store.drain(batch({1: (1, 0), 2: (1, 0)}, outbox_put=entries[:3]))
    await store.drain(batch({1: (1, 0), 2: (1, 0)}, outbox_put=entries[3:]))
    assert await outbox_of(store, [2, 1]) == [e for shard in (1, 2) for e in entries if e.shard == shard]
    assert [entry.message_id for entry in await outbox_of(store, [1])] == ["m-4", "m-2"]
    assert await outbox_of(store, []) == []


async def test_a_parked_entry_stays_where_it_was_and_a_removed_one_is_gone(store: Store):
    await store.lease("host-0", [1], 1)
    first, second = (OutboxEntry(f"m-{n}", 1, "order", "us-1", b"message", NOW_MS) for n in (1, 2))
    await store.drain(batch({1: (1, 0)}, outbox_put=[first, second]))
    parked = OutboxEntry("m-1", 1, "order", "us-1", b"message", NOW_MS, 20, True, "location.unknown")
    await store.drain(batch({1: (1, 0)}, outbox_put=[parked], outbox_remove=["m-none"]))
    assert await outbox_of(store, [1]) == [parked, second]
    third = OutboxEntry("m-3", 1, "order", "us-1", b"message", NOW_MS)
    await store.drain(batch({1: (1, 0)}, outbox_put=[third], outbox_remove=["m-1", "m-3"]))
    assert await outbox_of(store, [1]) == [second]


# --- back to memory ---------------------------------------------------------------------------------------------------
async def test_due_entities_of_the_asked_shards_are_found(store: Store):
    ids = [f"us-01jd3k8v9r7h3k2m9qk4t1x{n:03d}" for n in range(40)]
    await store.lease("host-0", [0], 1)
    rows = [order_row(order_id, due_at=NOW_MS - n if n % 2 else None) for n, order_id in enumerate(ids)]
    await store.drain(batch({0: (1, 1)}, drained(0, 1, turn(1)), {"orders": rows}))
    due = sorted((NOW_MS - n, "order", order_id) for n, order_id in enumerate(ids) if n % 2)
    assert await due_of(store, range(64)) == due
    wanted = [shard_of("order", due[0][2], 64)]
    assert await due_of(store, wanted) == [one for one in due if shard_of("order", one[2], 64) in wanted]
    await store.drain(batch({0: (1, 2)}, drained(0, 2, turn(2)), {"orders": [order_row(due[0][2])]}))
    assert await due_of(store, range(64)) == due[1:]


async def test_all_entities_of_a_resident_kind_are_found(store: Store):
    assert await store.resident(LOCATION) == []
    await store.lease("host-0", [0], 1)
    places = [LocationRow(f"us-wh-{n}", 1, "store", "n", "c", "US", 0.0, 0.0, "UTC") for n in (2, 1, 3)]
    skus = [SkuRow(f"us-catalogue-{n % 2}", f"sku {n}", "", 1) for n in range(50)]
    await store.drain(batch({0: (1, 1)}, drained(0, 1, turn(1)), {"locations": places, "skus": skus}))
    assert await store.resident(LOCATION) == ["us-wh-1", "us-wh-2", "us-wh-3"]
    assert await store.resident(CATALOGUE) == ["us-catalogue-0", "us-catalogue-1"]
    assert await store.resident(CLAIM) == []


async def test_many_entities_are_loaded_at_once(store: Store):
    await store.lease("host-0", [0], 1)
    rows = [order_row(f"us-{n}", version=n) for n in range(6_000)]
    await store.drain(batch({0: (1, 1)}, drained(0, 1, turn(1)), {"orders": rows}))
    loaded = await store.load(ORDER, [f"us-{n}" for n in range(6_500)])
    assert [loaded[f"us-{n}"].rows["orders"][0].version for n in range(6_000)] == list(range(6_000))
    assert len(loaded) == 6_000
    assert await store.load(ORDER, []) == {}
    assert await store.load(CLAIM, ["us-req-1"]) == {}


# --- the long memory --------------------------------------------------------------------------------------------------
async def test_a_command_is_remembered_with_its_answer(store: Store):
    await store.lease("host-0", [1], 1)
    refusal = turn(2, events=b"[]", status=1, reply=b'{"code":"no"}')
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1), refusal)))
    known = await store.remembered("order", [turn(1).fingerprint, refusal.fingerprint, 12345], 0)
    assert set(known) == {turn(1).fingerprint, refusal.fingerprint}
    first, second = known[turn(1).fingerprint], known[refusal.fingerprint]
    assert (first.entity_id, first.digest, first.status, first.reply) == ("us-order", 1, 0, b'{"done":1}')
    assert (second.status, second.reply, second.provisional) == (1, b'{"code":"no"}', False)
    assert await store.remembered("location", [turn(1).fingerprint], 0) == {}
    assert await store.remembered("order", [turn(1).fingerprint], NOW_MS + DAY_MS) == {}
    assert await store.remembered("order", [], 0) == {}


async def test_the_final_answer_is_remembered_not_the_provisional_one(store: Store):
    await store.lease("host-0", [1], 1)
    placed = turn(1, provisional=True)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, placed)))
    assert (await store.remembered("order", [placed.fingerprint], 0))[placed.fingerprint].provisional
    # Another entity's answer to a command of the same id is not this one's.
    stranger = turn(2, "us-stranger", answers=[("key-1", b'"wrong"')])
    settled = turn(3, answers=[("key-0", b'"other"'), ("key-1", b'"final"')])
    await store.drain(batch({1: (1, 2)}, drained(1, 2, stranger, settled)))
    known = (await store.remembered("order", [placed.fingerprint], 0))[placed.fingerprint]
    assert (known.reply, known.provisional, known.digest) == (b'"final"', False, 1)


async def test_the_newest_of_two_turns_with_the_same_command_is_remembered(store: Store):
    await store.lease("host-0", [1], 1)
    first = turn(1)
    again = turn(1, version=9, at_ms=NOW_MS + DAY_MS, reply=b'"newer"')
    await store.drain(batch({1: (1, 1)}, drained(1, 1, first, again)))
    assert (await store.remembered("order", [first.fingerprint], 0))[first.fingerprint].reply == b'"newer"'


async def test_history_comes_in_pages_without_refusals(store: Store):
    await store.lease("host-0", [1], 1)
    turns = [turn(n) for n in range(1, 8)]
    turns.insert(3, turn(3, command_id="refused", events=b"[]", status=1))
    await store.drain(batch({1: (1, 1)}, drained(1, 1, *turns, turn(1, "us-other"))))
    pages, after = [], 0
    while page := await store.history("order", "us-order", after, 3):
        pages.append([one.version for one in page])
        after = page[-1].version
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]
    assert await store.history("location", "us-order", 0, 10) == []
