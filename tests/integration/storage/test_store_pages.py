"""What a new owner reads of timers and messages comes all at once, or a page leaves something out, of the
fake and of PostgreSQL."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.rows_of_reservation import ReservationRow
from actors.runtime.ports import OutboxEntry, Store
from actors.runtime.sharding import shard_of
from tests.integration.storage.samples import NOW_MS, batch, drained, due_of, order_row, outbox_of, turn


def cart(number: int, due_at: int | None) -> ReservationRow:
    return ReservationRow(f"us-resv-{number:026d}", 1, "held", "us-cust-m", NOW_MS, due_at, b"state")


def message(number: int, shard: int) -> OutboxEntry:
    return OutboxEntry(f"m-{number}", shard, "order", "us-1", b"%d" % number, NOW_MS)


@pytest.fixture
async def timers(store: Store) -> list[tuple[int, str, str]]:
    """Of two kinds, each with many at the same moment."""
    carts = [cart(number, NOW_MS + number // 4 if number % 5 else None) for number in range(30)]
    orders = [order_row(f"us-01jd3k8v9r7h3k2m9qk4t1x{number:03d}", due_at=NOW_MS + number % 3) for number in range(11)]
    await store.lease("host-0", [0], 1)
    await store.drain(batch({0: (1, 1)}, drained(0, 1, turn(1)), {"orders": orders, "reservations": carts}))
    return [
        *sorted((row.due_at, "order", row.order_id) for row in orders),
        *((row.due_at, "reservation", row.reservation_id) for row in carts if row.due_at is not None),
    ]


@pytest.mark.parametrize("limit", [1, 3, 11, 35, 36])
async def test_a_timer_is_left_out_or_told_twice_where_a_page_ends(store: Store, timers, limit):
    assert len(timers) == 35
    assert await due_of(store, range(64), limit) == timers


async def test_timers_of_others_make_a_page_longer_than_was_asked_for(store: Store, timers):
    own = shard_of(timers[0][1], timers[0][2], 64)
    page = await store.due([own], None, 4)
    assert page.found == [one for one in timers[:4] if shard_of(one[1], one[2], 64) == own]
    assert page.after == timers[3]
    assert await due_of(store, [own], 4) == [one for one in timers if shard_of(one[1], one[2], 64) == own]


async def test_a_timer_is_lost_because_others_changed_between_two_pages(store: Store, timers):
    first = await store.due(range(64), None, 20)
    assert first.found == timers[:20]
    seen, ahead = timers[15], timers[25]
    put_off = cart(int(seen[2][-26:]), NOW_MS + 999)
    ended = cart(int(ahead[2][-26:]), None)
    rows = [msgspec.structs.replace(row, version=2) for row in (put_off, ended)]
    await store.drain(batch({0: (1, 2)}, drained(0, 2, turn(2)), {"reservations": rows}))
    second = await store.due(range(64), first.after, 100)
    assert second.found == [*timers[20:25], *timers[26:], (NOW_MS + 999, "reservation", seen[2])]
    assert second.after is None


@pytest.mark.parametrize("limit", [1, 3, 20, 21])
async def test_a_message_is_left_out_or_told_twice_where_a_page_ends(store: Store, limit):
    await store.lease("host-0", [1, 2, 3], 1)
    marks = {1: (1, 0), 2: (1, 0), 3: (1, 0)}
    entries = [message(number, 1 + number % 3) for number in range(30)]
    await store.drain(batch(marks, outbox_put=entries))
    assert len((await store.outbox([3, 1], None, limit)).found) == min(limit, 20)
    asked = [entry for shard in (1, 3) for entry in entries if entry.shard == shard]
    assert await outbox_of(store, [3, 1], limit) == asked
    first = await store.outbox([3, 1], None, 8)
    await store.drain(batch(marks, outbox_put=[message(30, 1)], outbox_remove=["m-0", "m-27", "m-2"]))
    second = await store.outbox([3, 1], first.after, 100)
    assert [*first.found, *second.found] == [
        *(entry for entry in asked[:10] if entry.message_id != "m-27"), message(30, 1), *asked[11:]
    ]  # fmt: skip
