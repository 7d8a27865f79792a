"""The comparison systems' database: the schema, and the same orders and stock as OCEFS gets."""

import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import psycopg

from perf.compare import rules
from perf.goods import PLACES

QUIET_S = 0.2
QUIET_WITHIN_S = 30.0
LOOK_S = 0.02
SQL_FILES = ("schema.sql", "tuned.sql", "batched.sql")


def install(url: str) -> None:
    """Drops and makes the schema `compare`, and fills in its rules and places."""
    with psycopg.connect(url) as connection:
        for name in SQL_FILES:
            connection.execute(files(__package__).joinpath(name).read_bytes())
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO compare.transition VALUES (%s, %s, %s)",
                [(present, update, after) for (present, update), after in rules.LEGAL.items()],
            )
            cursor.executemany(
                "INSERT INTO compare.locations VALUES (%s, %s, %s)",
                [(place, lat, lon) for place, _, lat, lon, _ in PLACES],
            )


def fill(url: str, order_ids: Sequence[str], stock: dict[str, int]) -> None:
    """Puts the orders in, allocated, with one line each, and `stock` units of each SKU at each place.

    Everything that earlier works wrote is thrown away, so that each work starts with tables of the same size. What they
    left under way is waited for, or it would stand in the way of that, or be written afterwards. Raises
    TimeoutError when it does not end.
    """
    tables = "orders, order_lines, fulfilments, history, commands, stock, ledger"
    with psycopg.connect(url, autocommit=True) as connection:
        _wait_quiet(connection)
        connection.execute("SET search_path TO compare")
        connection.execute("TRUNCATE " + tables)
        connection.execute(
            "INSERT INTO orders (order_id, version, status, channel, order_ref, customer_ref, country, currency, "
            "total_minor) SELECT o, 1, 'allocated', 'online', 'ref-' || o, 'cust-1', 'US', 'USD', 1999 "
            "FROM unnest(%s::text[]) o",
            [list(order_ids)],
        )
        connection.execute("INSERT INTO order_lines SELECT order_id, 1, 'BENCH-STEADY', 1, 1999 FROM orders")
        connection.execute("INSERT INTO history SELECT order_id, 1, now(), 'placed', 'fill' FROM orders")
        connection.execute(
            "INSERT INTO stock (sku, location_id, on_hand) SELECT s.sku, l.location_id, s.units "
            "FROM unnest(%s::text[], %s::int[]) AS s (sku, units) CROSS JOIN locations l",
            [list(stock), list(stock.values())],
        )
        connection.execute("VACUUM (ANALYZE) " + tables)
        connection.execute("CHECKPOINT")


def _wait_quiet(connection: psycopg.Connection[Any]) -> None:
    """Until nobody else has had a transaction for a while: a worker whose callers are gone has
    theirs in its queue still."""
    deadline, quiet_since = time.monotonic() + QUIET_WITHIN_S, time.monotonic()
    while (now := time.monotonic()) - quiet_since < QUIET_S:
        if now > deadline:
            raise TimeoutError(f"the comparison before still works on its database after {QUIET_WITHIN_S:.0f} s")
        time.sleep(LOOK_S)
        busy = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND state <> 'idle'"
        ).fetchone()
        if busy is None or busy[0]:
            quiet_since = time.monotonic()


def promised_twice(url: str) -> list[str]:
    """What is wrong with the stock, one sentence each; empty when no unit was promised twice.

    Reserved must equal both what the fulfilments hold and what the ledger says, and never exceed what is on hand.
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            """
            SELECT s.sku, s.location_id, s.on_hand, s.reserved, coalesce(f.units, 0), coalesce(l.units, 0)
            FROM compare.stock s
            LEFT JOIN (SELECT sku, location_id, sum(quantity) AS units FROM compare.fulfilments GROUP BY 1, 2) f
                USING (sku, location_id)
            LEFT JOIN (SELECT sku, location_id, sum(reserved_delta) AS units FROM compare.ledger GROUP BY 1, 2) l
                USING (sku, location_id)
            WHERE s.reserved > s.on_hand OR s.reserved <> coalesce(f.units, 0) OR s.reserved <> coalesce(l.units, 0)
            """
        ).fetchall()
    return [
        f"{sku} at {place}: on hand {on_hand}, reserved {reserved}, in fulfilments {told}, in ledger {ledger}"
        for sku, place, on_hand, reserved, told, ledger in rows
    ]


def settings(url: str) -> dict[str, str]:
    """The PostgreSQL settings that make the comparison honest, as the server reports them."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")
    with psycopg.connect(url) as connection:
        return {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names}  # type: ignore[index]
