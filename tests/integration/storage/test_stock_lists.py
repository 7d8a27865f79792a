"""What the read model tells of stock, of the fake and of PostgreSQL: both must tell the same."""

from __future__ import annotations

import random

import pytest

from actors.domain import ids
from actors.domain.rows import LedgerRow, StockRow
from actors.domain.rows_of_stock import IncomingRow, LotRow
from actors.runtime.ports import Store
from actors.runtime.read_model import DemandDay, LotSum, ReadModel
from actors.storage import stock_queries
from tests.fakes import stock_lists
from tests.integration.storage.samples import NOW_MS, batch, drained, ledger_row, turn

DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS
TRANSFER = ids.transfer_id("us", NOW_MS, "key-1")


async def keep(store: Store, **rows: list) -> None:
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), rows))


async def test_one_sku_is_told_over_its_places_and_only_those_asked_for(store: Store, read_model: ReadModel):
    rows = [
        StockRow("us-b", "A", 10, 2, 1, 3, 1, 1, 4, "online:2,store:1", b"\x00outlook"), StockRow("us-a", "A", 5, 0, 0), StockRow("us-a", "B", 7, 0, 0),
    ]  # fmt: skip
    await keep(store, stock=rows)
    assert await read_model.stock_of("A", locations=None, limit=10) == [rows[1], rows[0]]
    assert await read_model.stock_of("A", locations=None, limit=1) == [rows[1]]
    assert await read_model.stock_of("A", locations=["us-b", "us-z"], limit=10) == [rows[0]]
    assert await read_model.stock_of("A", locations=[], limit=10) == []
    assert await read_model.stock_of("A\x00", locations=None, limit=10) == []


async def test_lots_are_added_up_by_place_and_last_good_day(store: Store, read_model: ReadModel):
    lots = [
        LotRow("us-a", "A", "l1", 10, 1, 2, 3, 1, 20_500), LotRow("us-a", "A", "l2", 5, 0, 0, 0, 0, 20_500),
        LotRow("us-a", "A", "l3", 4, 0, 0, 0, 0, 20_400), LotRow("us-a", "A", "s1", 1, 0, 0, 0, 0, None, serial=True),
        LotRow("us-b", "A", "l1", 2, 0, 0, 0, 0, 20_500), LotRow("us-b", "B", "l1", 9, 0, 0, 0, 0, 20_500),
    ]  # fmt: skip
    await keep(store, lots=lots)
    everywhere = [
        LotSum("us-a", 20_400, 4, 4), LotSum("us-a", 20_500, 15, 8), LotSum("us-b", 20_500, 2, 2), LotSum("us-a", None, 1, 1),
    ]  # fmt: skip
    assert await read_model.lots_of("A", locations=None, limit=10) == everywhere
    assert await read_model.lots_of("A", locations=None, limit=2) == everywhere[:2]
    assert await read_model.lots_of("A", locations=["us-b"], limit=10) == [everywhere[2]]


async def test_what_is_to_come_is_told_soonest_first_without_the_sources_themselves(
    store: Store, read_model: ReadModel
):
    late = IncomingRow("us-a", "po-1", "A", "purchase", 3, NOW_MS + 9, 40, NOW_MS)
    soon = IncomingRow("us-b", "tr-1", "A", "transfer", 1, NOW_MS + 5, 6, NOW_MS)
    source = IncomingRow("us-a", "po-1", "", "purchase", 3, NOW_MS + 9, 0, NOW_MS)
    await keep(
        store, incoming=[late, soon, source, IncomingRow("us-a", "po-1", "B", "purchase", 3, NOW_MS + 9, 1, NOW_MS)]
    )
    assert await read_model.incoming_of("A", locations=None, limit=10) == [soon, late]
    assert await read_model.incoming_of("A", locations=None, limit=1) == [soon]
    assert await read_model.incoming_of("A", locations=["us-a"], limit=10) == [late]
    assert await read_model.incoming_of("", locations=None, limit=10) == []


def moved(version: int, day: int, reason: str, on_hand: int, allocated: int, **more) -> LedgerRow:
    said = {"on_hand_delta": 0, "allocated_delta": 0, "quantity": 1, "at": (TODAY - day) * DAY_MS + version} | more
    return ledger_row(version, reason=reason, on_hand=on_hand, allocated=allocated, **said)


async def test_demand_is_what_was_shipped_on_each_day_with_what_there_was(store: Store, read_model: ReadModel):
    entries = [
        moved(1, 9, "ship", 99, 0, quantity=1, on_hand_delta=-1),
        moved(2, 3, "receipt", 12, 0, quantity=12, on_hand_delta=12),
        moved(3, 3, "allocate", 12, 7, quantity=7, allocated_delta=7),
        moved(4, 3, "ship", 8, 3, quantity=4, on_hand_delta=-4, allocated_delta=-4),
        moved(5, 3, "ship", 5, 0, quantity=3, on_hand_delta=-3, allocated_delta=-3, cause=f"{TRANSFER}.1"),
        moved(6, 1, "loss", 0, 0, quantity=-5, on_hand_delta=-5),
        moved(7, 1, "ship", 3, 0, sku="B", quantity=2, on_hand_delta=-2),
        moved(8, 1, "ship", 3, 0, location_id="us-other", quantity=2, on_hand_delta=-2),
    ]
    await keep(store, ledger=entries)
    since_ms = (TODAY - 5) * DAY_MS
    of_a = [DemandDay("A", TODAY - 3, 4, 7, 0, 12, 5, 3), DemandDay("A", TODAY - 1, 1, 0, 5, 0, 0)]
    assert await read_model.demand("us-wh", ["A"], since_ms) == of_a
    of_b = DemandDay("B", TODAY - 1, 1, 2, 5, 3, 3)
    assert await read_model.demand("us-wh", ["B", "C", "A"], since_ms) == [*of_a, of_b]
    assert await read_model.recent_shipments("us-wh") == {"A": 3, "B": 1}
    assert await read_model.recent_shipments("us-nowhere") == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_more_of_the_ledger_is_looked_at_than_its_newest_entries(
    store: Store, read_model: ReadModel, monkeypatch: pytest.MonkeyPatch, seed: int
):
    for module in (stock_queries, stock_lists):
        monkeypatch.setattr(module, "DEMAND_ENTRIES_MAX", 12)
        monkeypatch.setattr(module, "SHIPMENT_ENTRIES_MAX", 15)
    chance = random.Random(seed)
    entries = [
        moved(
            version, 10 - version // 5, chance.choice(["ship", "receipt", "allocate"]), chance.randrange(20), chance.randrange(5),
            sku=chance.choice("AB"), quantity=chance.randrange(1, 9), on_hand_delta=chance.randrange(-9, 9),
            allocated_delta=chance.randrange(-4, 4),
        )
        for version in range(50)
    ]  # fmt: skip
    await keep(store, ledger=entries)
    since_ms = (TODAY - 8) * DAY_MS
    told = await read_model.demand("us-wh", ["A", "B"], since_ms)
    assert told == stock_lists.demand(entries, "us-wh", ["A", "B"], since_ms)
    assert {sku: sum(day.entries for day in told if day.sku == sku) for sku in "AB"} == {"A": 12, "B": 12}
    shipped = await read_model.recent_shipments("us-wh")
    assert shipped == stock_lists.recent_shipments(entries, "us-wh")
    assert 0 < sum(shipped.values()) < 15


async def test_no_more_lots_of_a_sku_are_looked_at_than_there_may_be(
    store: Store, read_model: ReadModel, monkeypatch: pytest.MonkeyPatch
):
    for module in (stock_queries, stock_lists):
        monkeypatch.setattr(module, "LOT_ROWS_MAX", 5)
    lots = [
        LotRow(place, "A", f"s{n}", 1, 0, 0, 0, 0, 20_500 if n < 2 else None, serial=True)
        for place in ("us-b", "us-a") for n in (3, 2, 1, 0)
    ]  # fmt: skip
    await keep(store, lots=[*lots, LotRow("us-a", "0", "s0", 9, 0, 0, 0, 0, None)])
    told = [LotSum("us-a", 20_500, 2, 2), LotSum("us-b", 20_500, 1, 1), LotSum("us-a", None, 2, 2)]
    assert await read_model.lots_of("A", locations=None, limit=10) == told
    assert stock_lists.lots_of(lots, "A", None, 10) == told
    of_b = [LotSum("us-b", 20_500, 2, 2), LotSum("us-b", None, 2, 2)]
    assert await read_model.lots_of("A", locations=["us-b"], limit=10) == of_b
