"""Reads what is in the cell's database after a run, and waits until nothing is under way any more."""

import time

import psycopg

from actors.domain.order_state import restored
from perf.chaos.own_cell import OwnCell
from perf.chaos.verdict import Found, FoundOrder, FoundStock, Turn

SETTLE_S = 90.0


def unsettled(cell: OwnCell) -> str:
    """What is still under way: turns or messages; empty when all is written down."""
    ready = cell.ready()
    if ready.get("status") != "ok":
        return f"/readyz says {ready.get('status', 'nothing')}"
    for host in ready["hosts"]:
        if host["tail_turns"] or host["outbox"] or host["parked"]:
            return (
                f"{host['name']}: {host['tail_turns']} turns not in Postgres, {host['outbox']} messages not acknowledged, "
                f"{host['parked']} parked"
            )
    with psycopg.connect(cell.postgres_url, connect_timeout=3) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM outbox").fetchone() or (0,)
    return f"{rows} rows in the outbox" if rows else ""


def wait_settled(cell: OwnCell, patience_s: float = SETTLE_S) -> str:
    """Waits until nothing is under way, twice in a row (figures of hosts are up to a second
    old); else what still is."""
    deadline = time.monotonic() + patience_s
    calm = 0
    while True:
        try:
            problem = unsettled(cell)
        except psycopg.Error as error:
            problem = f"PostgreSQL: {error}"
        calm = 0 if problem else calm + 1
        if calm >= 2:
            return ""
        if time.monotonic() > deadline:
            return problem or "it only just settled"
        time.sleep(1.2)


def read(cell: OwnCell) -> Found:
    """Everything that the verdict needs."""
    with psycopg.connect(cell.postgres_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        turns = connection.execute(
            "SELECT kind, entity_id, command_id, version, json_array_length(events), status FROM history"
        )
        found = Found(turns=[Turn(*row) for row in turns])
        for order_id, version, status, state in connection.execute(
            "SELECT order_id, version, status, state FROM orders"
        ):
            found.orders[order_id] = FoundOrder(order_id, version, status, _parts(bytes(state)))
        for row in connection.execute(
            "SELECT s.location_id, s.sku, s.on_hand, s.allocated, s.safety_stock,"
            " coalesce(sum(l.on_hand_delta), 0)::bigint, coalesce(sum(l.allocated_delta), 0)::bigint"
            " FROM stock s LEFT JOIN ledger l USING (location_id, sku) GROUP BY s.location_id, s.sku"
        ):
            found.stock[row[0], row[1]] = FoundStock(*row[2:])
        found.ledger_doubles = [
            f"{location_id} version {version} line {line}"
            for location_id, version, line in connection.execute(
                "SELECT location_id, version, line FROM ledger GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT 100"
            )
        ]
        counts = connection.execute("SELECT count(*), count(*) FILTER (WHERE parked) FROM outbox").fetchone()
        found.outbox, found.parked = counts or (0, 0)
    return found


def _parts(state: bytes) -> list[tuple[str, str, dict[str, int]]]:
    parts: list[tuple[str, str, dict[str, int]]] = []
    for fulfilment in restored(state).fulfilments:
        units: dict[str, int] = {}
        for sku, count in fulfilment.lines:
            units[sku] = units.get(sku, 0) + count
        parts.append((fulfilment.location_id, fulfilment.status, units))
    return parts
