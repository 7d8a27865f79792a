"""Turns, rows and batches for the tests of the storage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.rows import ApprovalRow, BreachRow, DeviceRow, LedgerRow, OrderChange, OrderRow
from actors.runtime.pages import page_by_page
from actors.runtime.ports import DrainBatch, DrainedTurn, Due, OutboxEntry, Store
from actors.runtime.sharding import fingerprint
from actors.runtime.wire import OK, Turn
from actors.storage.schema import metadata
from actors.storage.schema.columns import Instant

NOW_MS = int(time.time() * 1000)


def turn(number: int, entity_id: str = "us-order", **changed: Any) -> Turn:
    """The turn of command `key-<number>`."""
    fields: dict[str, Any] = {
        "kind": "order", "entity_id": entity_id, "version": number, "at_ms": NOW_MS + number,
        "command_id": f"key-{number}", "digest": number,
        "cause": f"request-{number}", "events": b'[{"number":%d}]' % number, "status": OK, "reply": b'{"done":%d}' % number,
    }  # fmt: skip
    if "fingerprint" not in changed:
        fields["fingerprint"] = fingerprint(entity_id, fields["command_id"])
    return Turn(**(fields | changed))


def drained(shard: int, position: int, *turns: Turn) -> list[DrainedTurn]:
    """The turns of one entry."""
    return [DrainedTurn(shard, position, line, one) for line, one in enumerate(turns)]


async def due_of(store: Store, shards: Sequence[int], limit: int = 2_000) -> list[Due]:
    """All that want to be woken, in pages of `limit`."""
    found: list[Due] = []
    await page_by_page(lambda after: store.due(shards, after, limit), found.append)
    return found


async def outbox_of(store: Store, shards: Sequence[int], limit: int = 2_000) -> list[OutboxEntry]:
    """All entries of the outbox, in pages of `limit`."""
    found: list[OutboxEntry] = []
    await page_by_page(lambda after: store.outbox(shards, after, limit), found.append)
    return found


def batch(
    marks: dict[int, tuple[int, int]],
    turns: list[DrainedTurn] | None = None,
    rows: dict[str, list[Any]] | None = None,
    **outbox: Any,
) -> DrainBatch:
    """A drain of host-0."""
    return DrainBatch("host-0", marks, turns or [], rows or {}, **outbox)


def order_row(order_id: str, **changed: Any) -> OrderRow:
    """A row of `orders`."""
    fields: dict[str, Any] = {
        "order_id": order_id, "version": 1, "status": "allocated", "channel": "online", "order_ref": "ref",
        "customer_ref": "cust-1", "owner": "", "email_digest": "", "country": "US", "currency": "USD", "line_count": 1, "units": 2,
        "total_minor": 1_999, "placed_at": NOW_MS, "updated_at": NOW_MS + 1, "due_at": None,
        "sealed": b"", "state": b"\x00\xff state",
    }  # fmt: skip
    return OrderRow(**(fields | changed))


def order_change(order_id: str, **changed: Any) -> OrderChange:
    """What changes in a row of `orders`."""
    fields: dict[str, Any] = {
        "order_id": order_id, "version": 2, "status": "picking", "updated_at": NOW_MS + 2, "due_at": None, "state": b"later",
    }  # fmt: skip
    return OrderChange(**(fields | changed))


def ledger_row(version: int, line: int = 0, **changed: Any) -> LedgerRow:
    """A row of `ledger`."""
    fields: dict[str, Any] = {
        "location_id": "us-wh", "version": version, "line": line, "at": NOW_MS, "sku": "A", "reason": "receive",
        "quantity": 5, "on_hand_delta": 5, "allocated_delta": 0, "on_hand": 5, "allocated": 0, "cause": "key",
        "reference": "ref", "value_minor": None, "currency": None,
    }  # fmt: skip
    return LedgerRow(**(fields | changed))


def device_row(device_id: str, **changed: Any) -> DeviceRow:
    """A row of `devices`."""
    fields: dict[str, Any] = {
        "device_id": device_id, "version": 2, "location_id": "us-wh", "status": "enrolled", "name": "dock 3", "model": "scanner",
        "seen_at": NOW_MS, "state": b"\x00\xff state",
    }  # fmt: skip
    return DeviceRow(**(fields | changed))


def approval_row(approval_id: str, **changed: Any) -> ApprovalRow:
    """A row of `approvals`."""
    fields: dict[str, Any] = {
        "approval_id": approval_id, "version": 1, "status": "pending", "action": "stock.adjust", "location_id": "us-wh",
        "target_kind": "location", "target_id": "us-wh", "size": 600, "reasons": "loss,found", "asked_by": "us-acct-m",
        "decided_by": "", "asked_at": NOW_MS, "expires_at": NOW_MS + 5, "due_at": NOW_MS + 5, "state": b"\x00\xff state",
    }  # fmt: skip
    return ApprovalRow(**(fields | changed))


def breach_row(breach_id: str, **changed: Any) -> BreachRow:
    """A row of `breaches`."""
    fields: dict[str, Any] = {
        "breach_id": breach_id, "version": 1, "status": "open", "law": "gdpr", "risk": "likely", "persons": 240,
        "discovered_at": NOW_MS, "deadline_at": NOW_MS + 9, "due_at": NOW_MS + 5, "state": b"\x00\xff state",
    }  # fmt: skip
    return BreachRow(**(fields | changed))


def filling(table: str, count: int, values: dict[str, str]) -> str:
    """A statement that puts `count` rows into a table. values: column → SQL, of n, id (us-000000 and on), moment (a
    second later each) and place (one of 100); the other columns have something of their type."""
    plain = {
        sa.Text: "''",
        sa.Integer: "0",
        sa.BigInteger: "0",
        sa.Boolean: "false",
        sa.LargeBinary: "'s'",
        Instant: "now()",
    }
    columns = {
        column.name: values.get(column.name) or plain[type(column.type)]
        for column in metadata.tables[table].columns
        if column.name in values or not (column.nullable or column.computed)
    }
    return f"""
        INSERT INTO {table} ({", ".join(columns)}) SELECT {", ".join(columns.values())} FROM (
            SELECT n, 'us-' || lpad(n::text, 6, '0') AS id, 'us-wh-' || n % 100 AS place,
                   to_timestamp({NOW_MS} / 1000 + n) AS moment
            FROM generate_series(0, {count - 1}) AS n
        ) AS made
    """
