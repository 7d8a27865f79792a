"""Reads from Postgres what `stock.py` compares: the stock and the ledger of the trace's SKUs, and every order
that has to do with them."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import psycopg

from actors.domain.order_state import Order, restored, wanted_of
from perf.replay.stock import OrderStock, Spot, SpotStock

# It says itself why it does not ask for what may lie free: docs/domain/backorder.md.
_ASKS_LATER: Final = ("split_limit", "asking_again", "not_released")

# What became of units under an order's id ("<order id>.<part>"), summed up per order; the trace's orders, and all
# others that ever had any of its SKUs.
_ORDERS: Final = """
    WITH moved AS (
        SELECT split_part(cause, '.', 1) AS order_id, location_id, sku,
               coalesce(-sum(on_hand_delta) FILTER (WHERE reason = 'ship'), 0)::bigint AS shipped,
               sum(allocated_delta)::bigint AS allocated
        FROM ledger JOIN replay_skus USING (sku) WHERE cause <> '' GROUP BY 1, 2, 3
    ), by_order AS (
        SELECT order_id, json_agg(json_build_array(location_id, sku, shipped, allocated)) AS moved
        FROM moved GROUP BY 1
    )
    SELECT coalesce(n.reference, ''), o.order_id, o.status, o.state, m.moved
    FROM orders o LEFT JOIN by_order m USING (order_id) LEFT JOIN replay_names n ON n.name = o.order_ref
    WHERE m.order_id IS NOT NULL OR n.name IS NOT NULL
"""
_SPOTS: Final = """
    WITH booked AS (
        SELECT location_id, sku,
               sum(on_hand_delta) FILTER (WHERE reason = 'receipt' AND starts_with(reference, %(ours)s)) AS received,
               sum(on_hand_delta) FILTER (WHERE reason = 'receipt' AND NOT starts_with(reference, %(ours)s))
                   AS others_received,
               sum(on_hand_delta) FILTER (WHERE reason = 'return') AS returned,
               -sum(on_hand_delta) FILTER (WHERE reason = 'write_off') AS written_off,
               sum(on_hand_delta) FILTER (WHERE reason NOT IN ('receipt', 'return', 'write_off', 'ship')) AS corrected
        FROM ledger JOIN replay_skus USING (sku) GROUP BY 1, 2
    ), counts AS (
        SELECT location_id, sku, on_hand, allocated,
               on_hand - allocated - reserved - damaged - quality_hold - safety_stock AS free
        FROM stock JOIN replay_skus USING (sku)
    )
    SELECT location_id, sku, coalesce(received, 0)::bigint, coalesce(others_received, 0)::bigint,
           coalesce(returned, 0)::bigint, coalesce(written_off, 0)::bigint, coalesce(corrected, 0)::bigint,
           coalesce(on_hand, 0), coalesce(allocated, 0), coalesce(free, 0)
    FROM booked FULL JOIN counts USING (location_id, sku)
"""


def name_skus(cursor: psycopg.Cursor[Any], skus: Iterable[str]) -> None:
    """Says which SKUs are meant."""
    cursor.execute("DROP TABLE IF EXISTS replay_skus")
    cursor.execute("CREATE TEMPORARY TABLE replay_skus (sku text PRIMARY KEY)")
    with cursor.copy("COPY replay_skus FROM STDIN") as copy:
        for sku in skus:
            copy.write_row((sku,))
    cursor.execute("ANALYZE replay_skus")


def read_spots(cursor: psycopg.Cursor[Any], receipts_reference: str) -> dict[Spot, SpotStock]:
    """Every place and SKU. `receipts_reference`: head of the references of this replay's receipts."""
    rows = cursor.execute(_SPOTS, {"ours": f"{receipts_reference} "})
    return {(row[0], row[1]): SpotStock(*row[2:]) for row in rows}


def read_orders(connection: psycopg.Connection[Any], skus: Collection[str]) -> Iterator[OrderStock]:
    """The orders, a part of them in memory at a time, with what they have of these SKUs. Needs a transaction."""
    with connection.cursor(name="replay_orders") as cursor:
        cursor.itersize = 5_000
        for reference, order_id, status, state, moved in cursor.execute(_ORDERS):
            order = restored(bytes(state))
            parts = [
                (part.location_id, part.status, [line for line in part.lines if line[0] in skus])
                for part in order.fulfilments
            ]
            wanted = {sku: units for sku, units in wanted_of(order.lines, order.kits).items() if sku in skus}
            yield OrderStock(
                reference, order_id, status, wanted, parts, moved or (), _waits_at(order), may_lack=_asks_later(order)
            )


def _waits_at(order: Order) -> frozenset[str]:
    # Eight places at most (docs/domain/backorder.md); what lies at others, it hears of when it is asked to look there.
    return frozenset() if order.backorder is None else frozenset(order.backorder.places)


def _asks_later(order: Order) -> bool:
    return order.backorder is not None and order.backorder.parked in _ASKS_LATER
