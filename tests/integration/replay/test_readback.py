"""The queries against the cell's own schema, as its migrations make it."""

import psycopg
import pytest

from actors.storage.migrate import migrate
from perf.replay.figures import Revenue
from perf.replay.orders import OrderEntry
from perf.replay.readback import PostgresFigures

pytestmark = pytest.mark.real

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
        source.name_orders({reference: OrderEntry(status, "USD") for reference, status in STATUSES.items()})
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
