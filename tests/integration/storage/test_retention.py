"""Rows of what is over, on a real PostgreSQL."""

from __future__ import annotations

import logging

import psycopg
import pytest

from actors.domain.ids import reservation_id, shipment_id
from actors.domain.revocations import REVOCATIONS
from actors.domain.rows import RevocationRow
from actors.domain.rows_of_packing import ShipmentPaperRow, ShipmentRow
from actors.domain.rows_of_reservation import ReservationRow
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import DrainBatch
from actors.runtime.retention import CARTS_KEPT_DAYS, Retention
from actors.storage import retention
from actors.storage.postgres_store import PostgresStore
from actors.storage.retention import PostgresRetention
from tests.unit.serve.fake_gateway import FakeClock

pytestmark = pytest.mark.real
DAY_MS = 86_400_000


def cart(
    number: int, made_ms: int, status: str, *, expires_ms: int | None = None, due_ms: int | None = None
) -> ReservationRow:
    ends = made_ms + 600_000 if expires_ms is None else expires_ms
    return ReservationRow(reservation_id("us", made_ms, f"k{number}"), 3, status, "", ends, due_ms, b"state")


async def kept(url: str, rows: list[ReservationRow], clock: FakeClock) -> list[int]:
    """Which are left after a round."""
    store = PostgresStore(url)
    await store.lease("h0", [1], 1)
    await store.drain(DrainBatch("h0", {1: (1, 1)}, [], {"reservations": rows}))
    await store.close()
    rows_of = PostgresRetention(url, "us")
    await Retention(rows_of, clock).round()
    await rows_of.close()
    with psycopg.connect(url) as connection:
        left = {row[0] for row in connection.execute("SELECT reservation_id FROM reservations").fetchall()}
    return [number for number, row in enumerate(rows) if row.reservation_id in left]


async def test_carts_that_are_over_stay_for_ever_and_others_go(clean_url):
    clock = FakeClock()
    long_ago = clock.now - (CARTS_KEPT_DAYS + 3) * DAY_MS
    lately = clock.now - (CARTS_KEPT_DAYS - 1) * DAY_MS
    rows = [
        *(cart(n, long_ago, status) for n, status in enumerate(("refused", "released", "expired", "converted"))),
        # Still to come: these are somebody's, whatever the clock says.
        *(cart(n, long_ago, status) for n, status in enumerate(("asking", "held", "partly_held"), 4)),
        cart(7, long_ago, "released", due_ms=clock.now),
        cart(8, long_ago, "expired", expires_ms=lately),
        cart(9, lately, "expired"),
    ]
    assert await kept(clean_url, rows, clock) == [4, 5, 6, 7, 8, 9]


async def test_many_go_part_by_part(clean_url, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_MAX", 3)
    clock = FakeClock()
    rows = [cart(n, clock.now - 60 * DAY_MS, "expired") for n in range(10)]
    before = clock.now
    assert await kept(clean_url, rows, clock) == []
    assert clock.now == before + 4_000


async def test_a_row_that_is_being_written_holds_up_the_rest(clean_url):
    clock = FakeClock()
    rows = [cart(n, clock.now - 60 * DAY_MS, "expired") for n in range(3)]
    store = PostgresStore(clean_url)
    await store.lease("h0", [1], 1)
    await store.drain(DrainBatch("h0", {1: (1, 1)}, [], {"reservations": rows}))
    await store.close()
    rows_of = PostgresRetention(clean_url, "us")
    with psycopg.connect(clean_url) as connection:
        connection.execute("SELECT 1 FROM reservations WHERE reservation_id = %s FOR UPDATE", [rows[1].reservation_id])
        assert await rows_of.forget_carts(clock.now) == 2
    assert await rows_of.forget_carts(clock.now) == 1
    await rows_of.close()


async def test_old_carts_are_found_by_reading_all_of_them(clean_url):
    with psycopg.connect(clean_url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT reservation_id FROM reservations WHERE reservation_id < 'us-resv-01' AND due_at IS NULL"
            " ORDER BY reservation_id LIMIT 5"
        ).fetchall()
    assert "reservations_pkey" in str(plan)


def revoked(number: int, until_ms: int, region_id: str = "us-revocations") -> RevocationRow:
    return RevocationRow(region_id, f"s{number}", until_ms, number)


async def left_of(url: str, rows: list[RevocationRow], clock: FakeClock) -> list[str]:
    """The sessions that are still on their list after a round, and the lists' versions."""
    store = PostgresStore(url)
    await store.lease("h0", [1], 1)
    await store.drain(DrainBatch("h0", {1: (1, 1)}, [], {"revocations": rows}))
    rows_of = PostgresRetention(url, "us")
    keeping = Retention(rows_of, clock)
    await keeping.round()
    await rows_of.close()
    found = await store.load(REVOCATIONS, ["us-revocations", "other-revocations"])
    await store.close()
    left = {row.session_id for snapshot in found.values() for row in snapshot.rows["revocations"]}
    assert keeping.revocations == len(rows) - len(left)
    for name, snapshot in found.items():
        _, version = REVOCATIONS.restore(name, snapshot.rows)
        assert version == max(row.version for row in rows if row.region_id == name)
    return sorted(left)


async def test_ended_sessions_stay_for_ever_or_one_that_is_not_over_or_the_lists_version_goes(clean_url):
    clock = FakeClock()
    old, lately = clock.now - DAY_MS - 1, clock.now - DAY_MS + 1_000
    rows = [
        revoked(1, old), revoked(2, clock.now + DAY_MS), revoked(3, lately), revoked(4, old - 90 * DAY_MS), revoked(5, old), revoked(6, old),
        # Another list, of which everything is over; what is newest on it isn't so on the first.
        revoked(3, old, "other-revocations"), revoked(2, old, "other-revocations"),
    ]  # fmt: skip
    rows[-2:] = [RevocationRow(row.region_id, f"other{row.version}", row.until_ms, row.version) for row in rows[-2:]]
    assert await left_of(clean_url, rows, clock) == ["other3", "s2", "s3", "s6"]


async def test_ended_sessions_go_part_by_part(clean_url, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_MAX", 3)
    clock = FakeClock()
    rows = [revoked(n, clock.now - 30 * DAY_MS + n) for n in range(1, 11)]
    before = clock.now
    assert await left_of(clean_url, rows, clock) == ["s10"]
    assert clock.now == before + 3_000


async def test_ended_sessions_are_found_by_sorting_all_of_them(clean_url):
    clock = FakeClock()
    rows = [revoked(n, clock.now + n) for n in range(5_000)]
    assert len(await left_of(clean_url, rows, clock)) == len(rows)
    with psycopg.connect(clean_url, autocommit=True) as connection:
        connection.execute("ANALYZE revocations")
        plan = connection.execute(
            "EXPLAIN SELECT session_id FROM revocations WHERE until_ms < %s ORDER BY until_ms LIMIT 5", [clock.now]
        ).fetchall()
    assert "revocations_until" in str(plan)
    assert "Sort" not in str(plan)


def shipped(made_ms: int, over_ms: int, *, closed: bool = True, number: int = 0) -> ShipmentRow:
    name = shipment_id("us", made_ms, f"s{number}")
    return ShipmentRow(name, 3, "shipped", "us-wh", "", 1, "", 1, 1, 100, made_ms, over_ms, closed, b"state")


async def test_papers_stay_for_ever_or_are_taken_from_who_still_packs(clean_url, caplog):
    clock = FakeClock()
    old, lately = clock.now - 40 * DAY_MS, clock.now - 29 * DAY_MS
    rows = [
        shipped(old, old, number=0), shipped(old, lately, number=1), shipped(old, old, closed=False, number=2), shipped(lately, lately, number=3),
        shipped(old, clock.now - 31 * DAY_MS, number=4),
    ]  # fmt: skip
    papers = [ShipmentPaperRow(row.shipment_id, parcel, "k", b"", b"paper") for row in rows for parcel in (0, 1, 2)]
    store = PostgresStore(clean_url)
    await store.lease("h0", [1], 1)
    await store.drain(DrainBatch("h0", {1: (1, 1)}, [], {"shipments": rows, "shipment_papers": papers}))
    await store.close()
    rows_of = PostgresRetention(clean_url, "us")
    with caplog.at_level(logging.INFO):
        keeping = Retention(rows_of, clock)
        await keeping.round()
    assert (keeping.labels, keeping.addresses) == (4, 2)
    (said,) = [record for record in caplog.records if record.message == "retention.dropped"]
    assert (said.labels, said.addresses, said.carts) == (4, 2, 0)

    def left():
        with psycopg.connect(clean_url) as connection:
            found = {one[0] for one in connection.execute("SELECT shipment_id FROM shipment_papers").fetchall()}
        return [number for number, row in enumerate(rows) if row.shipment_id in found]

    assert left() == [1, 2, 3]
    await Retention(rows_of, clock, 20).round()
    assert left() == [2]
    await rows_of.close()


async def test_a_store_that_is_away_is_told_as_that():
    gone = PostgresRetention("postgresql://nobody@127.0.0.1:1/none", "us", timeout_s=0.2)
    with pytest.raises(StoreUnavailable):
        await gone.forget_carts(1)
    await gone.close()
