"""The queries against the cell's own schema, as its migrations make it."""

from datetime import UTC, datetime

import msgspec
import psycopg
import pytest

from actors.domain.order_state import Fulfilment, Line, Order, ShipTo
from actors.storage.migrate import migrate
from perf.replay.figures import Revenue
from perf.replay.orders import OrderEntry
from perf.replay.readback import PostgresFigures

pytestmark = pytest.mark.real

AT = datetime(2020, 1, 1, tzinfo=UTC)

ORDERS = """
    INSERT INTO orders (order_id, version, status, channel, order_ref, customer_ref, country, currency, line_count, units,
        total_minor, placed_at, updated_at, state)
    SELECT 'us-' || n, 1, status, 'online', ref, '', 'US', 'USD', 2, units, 100 * units, now() - interval '1 hour', now(), ''
    FROM (VALUES (1, 'shipped', 'shop:1', 3), (2, 'cancelled', 'shop:2', 5), (3, 'shipped', 'demo-7', 100),
                 (4, 'delivered', 'shop:3', 7)) AS o (n, status, ref, units)
"""
LEDGER = """
    INSERT INTO ledger (location_id, version, line, at, sku, reason, quantity, on_hand_delta, allocated_delta, on_hand,
        allocated, cause, reference, value_minor, currency)
    SELECT 'us-wh', n, 0, now(), 'A', reason, units, units, 0, 0, 0, '', ref, value, 'USD'
    FROM (VALUES (1, 'return', 'shop:C1', 2, 200), (2, 'return', 'shop:3', 1, 100), (3, 'write_off', 'shop:4', -4, -400),
                 (4, 'return', 'demo-7', 50, 5000), (5, 'receipt', 'shop:1', 9, 900), (6, 'write_off', 'shop:4', -1, 0))
        AS l (n, reason, ref, units, value)
"""
STATUSES = {
    "shop:1": "shipped",
    "shop:2": "cancelled",
    "shop:3": "returned",
    "shop:4": "lost",
    "shop:C1": "cancelled",
    "shop:5": "shipped",
}


def digest(reference: str) -> str:
    return f"digest of {reference}"


@pytest.mark.parametrize("sealed", [False, True])
def test_rows_of_others_or_of_both_tables_are_counted_wrong(postgres_url: str, *, sealed: bool) -> None:
    migrate(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("TRUNCATE orders, ledger")
        connection.execute(ORDERS)
        connection.execute(LEDGER)
        if sealed:
            connection.execute("UPDATE orders SET order_ref = 'digest of ' || order_ref")
    with PostgresFigures(postgres_url, digest) as source:
        source.name_orders({reference: OrderEntry(status, "USD", AT) for reference, status in STATUSES.items()})
        present, found = source.present(), source.read()
    assert present.orders == 5
    assert 3590 <= present.age_s <= 3700
    assert (found.orders, found.adjusted_lines) == (3, 4)
    figures = found.by_trace["shop"]
    assert (figures.orders, figures.lines, figures.units_sold) == (5, 10, 15)
    assert (figures.units_returned, figures.units_written_off) == (3, 5)
    assert (figures.cancelled_orders, figures.cancelled_orders_with_positive_lines) == (2, 1)
    assert {status: n for status, n in figures.orders_by_final_status.items() if n} == {
        "shipped": 1,
        "cancelled": 2,
        "returned": 1,
        "lost": 1,
    }
    assert figures.revenue == {"USD": Revenue(gross=1500, negative=-700, cancelled=500)}


STOCK = """
    INSERT INTO stock (location_id, sku, on_hand, allocated, safety_stock, reserved, damaged, quality_hold)
    VALUES ('us-wh', 'A', 20, 3, 2, 1, 1, 1), ('us-wh', 'B', 5, 0, 0, 0, 0, 0);
    INSERT INTO ledger (location_id, version, line, at, sku, reason, quantity, on_hand_delta, allocated_delta, on_hand,
        allocated, cause, reference)
    SELECT 'us-wh', n, 0, now(), 'A', reason, units, on_hand, allocated, 0, 0, cause, ref
    FROM (VALUES (1, 'receipt', 18, 18, 0, '', 'replay 1f 1'), (2, 'receipt', 7, 7, 0, '', ''), (3, 'return', 2, 2, 0, '', 'shop:9'),
                 (4, 'write_off', -1, -1, 0, '', 'shop:9'), (5, 'count', -2, -2, 0, '', ''), (6, 'allocate', 4, 0, 4, 'us-1.1', ''),
                 (7, 'ship', -4, -4, -4, 'us-1.1', ''), (8, 'allocate', 3, 0, 3, 'us-2.1', ''))
        AS l (n, reason, units, on_hand, allocated, cause, ref);
    INSERT INTO ledger (location_id, version, line, at, sku, reason, quantity, on_hand_delta, allocated_delta, on_hand,
        allocated, cause, reference) VALUES ('us-wh', 9, 0, now(), 'B', 'receipt', 5, 5, 0, 5, 0, '', 'replay 1f 1')
"""


def stored_order(*parts: Fulfilment, lines: list[Line]) -> bytes:
    order = Order("", "online", "", "US", ShipTo("US"), "USD", lines, list(parts), 0, 0)
    return msgspec.msgpack.encode(order)


def test_stock_of_the_real_schema_is_misread_or_another_sku_counts(postgres_url: str) -> None:
    migrate(postgres_url)
    states = {
        "us-1": ("shipped", "shop:1", stored_order(Fulfilment(1, "us-wh", "shipped", [("A", 4)]), lines=[Line("A", 4, 1)])),
        # Of somebody else, and half of it of a SKU that is none of the trace's.
        "us-2": ("allocated", "theirs", stored_order(
            Fulfilment(1, "us-wh", "allocated", [("A", 3), ("B", 1)]), lines=[Line("A", 3, 1), Line("B", 1, 1)])),
    }  # fmt: skip
    with psycopg.connect(postgres_url) as connection:
        connection.execute("TRUNCATE orders, ledger, stock")
        connection.execute(STOCK)
        # An hour ago is another month as one begins, and a new database has none of before.
        connection.execute(
            "CREATE TABLE ledger_of_before PARTITION OF ledger FOR VALUES"
            " FROM (date_trunc('month', now(), 'UTC') - interval '1 month') TO (date_trunc('month', now(), 'UTC'))"
        )
        connection.execute(
            "UPDATE ledger SET at = now() - interval '1 hour' WHERE reference = 'replay 1f 1' AND sku = 'B'"
        )
        for order_id, (status, reference, state) in states.items():
            connection.execute(
                "INSERT INTO orders (order_id, version, status, channel, order_ref, customer_ref, country, currency,"
                " line_count, units, total_minor, placed_at, updated_at, state)"
                " VALUES (%s, 1, %s, 'online', %s, '', 'US', 'USD', 1, 1, 1, now(), now(), %s)",
                (order_id, status, f"digest of {reference}", state),
            )
    with PostgresFigures(postgres_url, digest) as source:
        assert 3590 <= source.received_age_s("replay 1f") <= 3700
        assert source.received_age_s("replay 1") == 0
        source.name_orders({"shop:1": OrderEntry("shipped", "USD", AT)})
        report = source.read_stock({"A"}, "replay 1f", {("us-wh", "A"): 18}, {"shop:1"})
        assert report.problems == []
        figures = {figure.name.partition(":")[0]: (figure.found, figure.compared) for figure in report.figures}
        assert figures["units received"] == (18, 1)
        assert figures["units on hand"] == (20, 1)
        assert figures["units allocated"] == (3, 1)
        assert figures["units shipped"] == (4, 2)
        assert not source.read_stock({"A", "B"}, "replay 1f", None, ()).equal
