"""Turns with lines of the audit, drained as a host does, and a forger."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from actors.domain.audit import Act, Audited, Who
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.wire import OK, Turn
from actors.storage.audit_check import Break, verify
from actors.storage.connections import engine_url
from actors.storage.postgres_store import PostgresStore

MIA = Who("us-acct-mia", "manager", "s-1", "a-77", "", "")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def sign(message: bytes) -> str:
    return hmac.digest(b"the cell's key", message, hashlib.sha256).hex()


def is_signed(message: bytes, signature: str) -> bool:
    return hmac.compare_digest(sign(message), signature)


def audited(action: str = "order.ship", who: Who = MIA, **more: Any) -> Audited:
    return Audited(who, Act(action, "us-st-austin", "damage", {"A.on_hand": (3, None)}), **more)


def turn(version: int, at_ms: int = ms(NOON), lines: int = 1) -> Turn:
    return Turn(
        "order", "us-1", version, at_ms, f"c{version}", version, 0, "r-1", b"[]", OK, b"{}",
        audited=[audited() for _ in range(lines)],
    )  # fmt: skip


async def drained(store: PostgresStore, shard: int, position: int, *turns: Turn) -> None:
    rows = [DrainedTurn(shard, position, line, one) for line, one in enumerate(turns)]
    await store.drain(DrainBatch("h0", {shard: (7, position)}, rows, {}))


def breaks(owner: psycopg.Connection[Any]) -> list[Break]:
    return verify(owner, "us", is_signed).breaks


def forge(owner: psycopg.Connection[Any], statement: str) -> None:
    """As somebody with all rights would."""
    parts = owner.execute(
        "SELECT relname FROM pg_class WHERE relname ~ '^audit(_seconds)?(_[0-9]{4}_[0-9]{2})?$'"
    ).fetchall()
    with owner.transaction():
        for (part,) in parts:
            owner.execute(f"ALTER TABLE {part} DISABLE TRIGGER USER")
        owner.execute(statement)
        for (part,) in parts:
            owner.execute(f"ALTER TABLE {part} ENABLE TRIGGER USER")


def plan_of(url: str, query: sa.Select[Any]) -> dict[str, Any]:
    """How PostgreSQL runs it when tables are too large to be read whole, and what it met on the way."""
    engine = sa.create_engine(engine_url(url))

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def explain(connection, cursor, statement, parameters, context, executemany):
        return "EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters

    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("SET enable_seqscan = off")
        driver.execute("SET enable_bitmapscan = off")
        ((plan,),) = connection.execute(query).cursor.fetchone()
    engine.dispose()
    return plan["Plan"]


def scans_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where rows of tables are read."""
    if "Relation Name" in plan:
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans_of(part)


NOW = ms(NOON)


def acted(
    number: int, subject: str, action: str, location_id: str = "", why: str = "stock take", **changes: int
) -> Turn:  # fmt: skip
    act = Act(action, location_id, why, {field: (0, value) for field, value in changes.items()})
    line = Audited(Who(subject, address=f"a-{subject[-3:]}"), act)
    return Turn(
        "order", f"us-{number}", 1, NOW + number * 1000, f"c{number}", number, 0, "", b"[]", OK, b"{}", audited=[line]
    )
