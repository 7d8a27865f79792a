"""What the read model tells of a customer's carts: of the fake and of PostgreSQL, which must tell the same."""

from __future__ import annotations

from actors.domain.rows_of_reservation import ReservationRow
from actors.runtime.ports import Store
from actors.runtime.read_model import ReadModel
from tests.integration.storage.samples import NOW_MS, batch, drained, turn


def cart(number: int, owner: str) -> ReservationRow:
    return ReservationRow(f"us-resv-{number}", 3, "expired", owner, NOW_MS, None, b"\x00\xff state")


async def test_a_customers_carts_are_told_page_by_page_and_nobodys_to_no_one(store: Store, read_model: ReadModel):
    rows = [cart(3, "us-cust-m"), cart(1, "us-cust-m"), cart(2, "us-cust-t"), cart(4, ""), cart(5, "us-cust-m")]
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"reservations": rows}))

    hers = ["us-resv-1", "us-resv-3", "us-resv-5"]
    assert await read_model.reservations_of("us-cust-m", after="", limit=10) == hers
    assert await read_model.reservations_of("us-cust-m", after="", limit=2) == hers[:2]
    assert await read_model.reservations_of("us-cust-m", after="us-resv-3", limit=2) == hers[2:]
    assert await read_model.reservations_of("us-cust-m", after="us-resv-5", limit=2) == []
    assert await read_model.reservations_of("", after="", limit=10) == []
    assert await read_model.reservations_of("us-cust\x00", after="", limit=10) == []

    forgotten = [cart(n, "") for n in (1, 3, 5)]
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"reservations": forgotten}))
    assert await read_model.reservations_of("us-cust-m", after="", limit=10) == []
