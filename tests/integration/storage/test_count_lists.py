"""What the store keeps of cycle counts, and what the read model tells of them: of the fake and of PostgreSQL,
which must tell the same."""

from __future__ import annotations

import random

import pytest

from actors.domain.count import COUNT
from actors.domain.location import LOCATION
from actors.domain.rows import StockRow
from actors.domain.rows_of_counts import CountingRow, CountRow, LastCountedRow
from actors.runtime.ports import Store
from actors.runtime.read_model import CountSummary, ReadModel, SkuMovement
from actors.runtime.sharding import shard_of
from actors.storage import count_queries
from tests.fakes import count_lists
from tests.integration.storage.samples import NOW_MS, batch, drained, due_of, ledger_row, turn

DAY_MS = 86_400_000


def count_row(count_id: str, status: str = "open", location_id: str = "us-wh", due_at: int | None = None) -> CountRow:
    return CountRow(
        count_id, 3, status, location_id, "request", 4, 1, 7, "us-acct-m", NOW_MS, due_at, b"\x00\xff state"
    )


async def keep(store: Store, position: int = 1, **rows: list) -> None:
    if position == 1:
        await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, position)}, drained(1, position, turn(position)), rows))


async def test_counts_are_listed_newest_first_by_status_and_place(store: Store, read_model: ReadModel):
    rows = [count_row("us-count-1"), count_row("us-count-2", "closed"), count_row("us-count-3", location_id="us-st")]
    await keep(store, counts=rows)

    async def found(**asked) -> list[str]:
        wanted = {"status": None, "locations": None, "before": None, "limit": 10} | asked
        return [one.count_id for one in await read_model.counts(**wanted)]

    assert await found() == ["us-count-3", "us-count-2", "us-count-1"]
    assert await found(limit=1) == ["us-count-3"]
    assert await found(before="us-count-3") == ["us-count-2", "us-count-1"]
    assert await found(status="open") == ["us-count-3", "us-count-1"]
    assert await found(status="closed") == ["us-count-2"]
    assert await found(status="late") == []
    assert await found(locations=["us-wh"], status="open") == ["us-count-1"]
    assert await found(locations=[]) == []
    (first,) = await read_model.counts(status=None, locations=["us-st"], before=None, limit=10)
    assert first == CountSummary("us-count-3", 3, "open", "us-st", "request", 4, 1, 7, "us-acct-m", NOW_MS)


async def test_an_open_count_is_woken_and_comes_back_as_it_was(store: Store):
    shard = shard_of("count", "us-count-1", 64)
    late = count_row("us-count-1", due_at=NOW_MS + 5)
    await keep(store, counts=[late, count_row("us-count-2", "closed")])
    assert await due_of(store, [shard]) == [(NOW_MS + 5, "count", "us-count-1")]
    found = await store.load(COUNT, ["us-count-1"])
    assert found["us-count-1"].rows["counts"] == [late]


async def test_what_changes_in_a_spot_comes_back_and_goes(store: Store):
    spot = CountingRow("us-wh", "A-01", "", "us-count-1", NOW_MS, False, b"\x90", b"\x90")
    loose = CountingRow("us-wh", "", "A", "us-count-1", NOW_MS, False, b"\x90", b"\x90")
    await keep(store, counting=[spot, loose])
    changed = CountingRow("us-wh", "A-01", "", "us-count-2", NOW_MS + 1, True, b"\x91\x00", b"\xff")
    await keep(store, 2, counting=[changed, CountingRow("us-wh", "", "A", gone=True)])
    found = await store.load(LOCATION, ["us-wh"])
    assert found["us-wh"].rows["counting"] == [changed]


async def test_what_moved_is_told_with_when_it_was_counted_last(store: Store, read_model: ReadModel):
    stock = [StockRow("us-wh", sku, units, 0, 0) for sku, units in (("A", 5), ("B", 0), ("C", 3), ("D", 0), ("E", 1))]
    entries = [
        ledger_row(1, sku="A", reason="ship", quantity=4, at=NOW_MS - 9),
        ledger_row(2, sku="A", reason="ship", quantity=3, at=NOW_MS - 8),
        ledger_row(3, sku="A", reason="receipt", quantity=99, at=NOW_MS - 7),
        ledger_row(4, sku="A", reason="ship", quantity=50, at=NOW_MS - 91 * DAY_MS),
        ledger_row(5, sku="B", reason="ship", quantity=9, at=NOW_MS - 5),
        ledger_row(6, sku="C", reason="count", quantity=-1, at=NOW_MS - 4),
        ledger_row(7, sku="A", reason="count", quantity=-1, at=NOW_MS - 3),
        ledger_row(8, sku="E", reason="ship", quantity=500, at=NOW_MS - 2, location_id="us-st"),
        ledger_row(9, sku="C", reason="count", quantity=0, at=NOW_MS - 1, aside="safety_stock"),
        ledger_row(10, sku="D", reason="count", quantity=0, at=NOW_MS - 1, aside="safety_stock"),
    ]
    counted = [
        LastCountedRow("us-wh", "A", NOW_MS - 100), LastCountedRow("us-wh", "B", NOW_MS - 200), LastCountedRow("us-st", "E", NOW_MS),
    ]  # fmt: skip
    await keep(store, stock=[*stock, StockRow("us-st", "Z", 1, 0, 0)], ledger=entries, last_counted=counted)
    found = await read_model.movements("us-wh", NOW_MS - 90 * DAY_MS, 10)
    assert found == [
        SkuMovement("B", 9, NOW_MS - 200), SkuMovement("A", 7, NOW_MS - 3), SkuMovement("C", 0, NOW_MS - 4), SkuMovement("E", 0, None),
    ]  # fmt: skip
    assert await read_model.movements("us-wh", NOW_MS - 90 * DAY_MS, 2) == found[:2]
    assert await read_model.movements("us-nowhere", 0, 10) == []


async def test_movements_are_as_a_plain_reading_of_everything_tells_them(store: Store, read_model: ReadModel):
    dice = random.Random(4)
    skus = "ABCDEF"
    stock = [StockRow("us-wh", sku, dice.choice([0, 3]), 0, 0) for sku in skus]
    entries = [
        ledger_row(
            n, sku=dice.choice(skus), reason=dice.choice(["ship", "ship", "count", "receipt"]), quantity=dice.randint(1, 9),
            at=NOW_MS - dice.randint(0, 40) * DAY_MS, location_id=dice.choice(["us-wh", "us-wh", "us-st"]),
        )
        for n in range(60)
    ]  # fmt: skip
    counted = [LastCountedRow("us-wh", sku, NOW_MS - dice.randint(0, 60) * DAY_MS) for sku in skus[::2]]
    await keep(store, stock=stock, ledger=entries, last_counted=counted)
    for days in (1, 15, 30):
        since_ms = NOW_MS - days * DAY_MS
        wanted = count_lists.movements(stock, entries, counted, "us-wh", since_ms, 4)
        assert await read_model.movements("us-wh", since_ms, 4) == wanted


async def test_no_more_of_the_ledger_is_added_up_than_its_newest_entries(
    store: Store, read_model: ReadModel, monkeypatch: pytest.MonkeyPatch
):
    for module in (count_queries, count_lists):
        monkeypatch.setattr(module, "MOVEMENT_ENTRIES_MAX", 3)
    stock = [StockRow("us-wh", sku, 1, 0, 0) for sku in "AB"]
    entries = [
        *(ledger_row(n, sku="A", reason="ship", quantity=10**n, at=NOW_MS - 9) for n in range(1, 5)),
        ledger_row(5, sku="B", reason="ship", quantity=7, at=NOW_MS - 9 * DAY_MS),
        *(ledger_row(n, sku="A", reason="ship", quantity=10**9, at=NOW_MS, location_id="us-st") for n in range(6, 9)),
    ]
    await keep(store, stock=stock, ledger=entries)
    # Of the three newest, one is too old.
    told = [SkuMovement("A", 11_000, None), SkuMovement("B", 0, None)]
    assert await read_model.movements("us-wh", NOW_MS - DAY_MS, 10) == told
    assert count_lists.movements(stock, entries, [], "us-wh", NOW_MS - DAY_MS, 10) == told
