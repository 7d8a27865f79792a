"""Data keys and sealed orders in the store: what `ReadModel` promises of them, of the fake and of PostgreSQL."""

from __future__ import annotations

from typing import Any

from actors.domain.data_key import DATA_KEY
from actors.domain.order import ORDER
from actors.domain.rows import DataKeyRow
from actors.runtime.ports import Store
from actors.runtime.read_model import ReadModel
from tests.integration.storage.samples import batch, drained, order_row, turn

MIA, BEN = "a" * 32, "b" * 32


def key_row(number: int, person: str = MIA, **changed: Any) -> DataKeyRow:
    fields: dict[str, Any] = {
        "key_id": f"us-key-{number}", "version": 1, "person": person, "status": "in_use", "wrapping": "file:1",
        "restricted": 0, "changes": 0, "wrapped": b"\0wrapped\xff",
    }  # fmt: skip
    return DataKeyRow(**(fields | changed))


async def kept(store: Store, position: int, **rows: Any) -> None:
    if position == 1:
        await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, position)}, drained(1, position, turn(position)), rows))


async def test_a_persons_keys_are_not_all_found_or_somebody_elses_are(store: Store, read_model: ReadModel):
    rows = [key_row(2), key_row(1, status="destroyed", wrapped=b""), key_row(3, BEN)]
    await kept(store, 1, data_keys=rows)
    assert await read_model.data_keys(MIA) == [rows[1], rows[0]]
    assert await read_model.data_keys("") == await read_model.data_keys("c" * 32) == []
    loaded = await store.load(DATA_KEY, ["us-key-3"])
    assert loaded["us-key-3"].rows == {"data_keys": [rows[2]]}


async def test_the_copy_of_a_destroyed_key_stays_in_its_row(store: Store, read_model: ReadModel):
    await kept(store, 1, data_keys=[key_row(1)])
    gone = key_row(1, version=2, status="destroyed", wrapped=b"")
    await kept(store, 2, data_keys=[gone])
    assert await read_model.data_keys(MIA) == [gone]


async def test_a_rotation_passes_over_keys_or_does_not_come_to_its_end(store: Store, read_model: ReadModel):
    rows = [key_row(number, wrapping=f"file:{number % 2}") for number in range(1, 8)]
    await kept(store, 1, data_keys=[*rows, key_row(9, status="destroyed", wrapped=b"")])
    assert await read_model.wrapped_otherwise("file:0", "", 3) == ["us-key-1", "us-key-3", "us-key-5"]
    assert await read_model.wrapped_otherwise("file:0", "us-key-5", 3) == ["us-key-7"]
    assert await read_model.wrapped_otherwise("file:1", "us-key-6", 3) == []


async def test_a_sealed_order_comes_back_otherwise_or_is_not_found_by_its_address(store: Store, read_model: ReadModel):
    row = order_row("us-1", sealed=b"\2\0\xffsealed", email_digest="e" * 32, order_ref="o" * 32, customer_ref="c" * 32)
    await kept(store, 1, orders=[row, order_row("us-2")])
    assert (await store.load(ORDER, ["us-1"]))["us-1"].rows == {"orders": [row]}
    (found,) = await read_model.orders(customer_ref=None, status=None, before=None, limit=9, email_digest="e" * 32)
    assert (found.order_id, found.sealed) == ("us-1", row.sealed)
    (same,) = await read_model.orders(customer_ref=None, status=None, before=None, limit=9, order_ref="o" * 32)
    assert same == found
    owned = order_row("us-3", order_ref="o" * 32, owner="us-cust-mallory")
    await kept(store, 2, orders=[owned])
    (alone,) = await read_model.orders(
        customer_ref=None, status=None, before=None, limit=1, order_ref="o" * 32, ownerless=True
    )
    assert alone == found
    for nothing in ({"email_digest": ""}, {"order_ref": ""}, {"order_ref": "p" * 32}):
        assert await read_model.orders(customer_ref=None, status=None, before=None, limit=9, **nothing) == []
