"""Months of `history`, `ledger`, `audit` and `audit_seconds`. There is no default partition: a month is made
before its first row comes.

A partition is made as a plain table and then attached, which lets readers and writers of the other months go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

# (year, month), UTC
Month = tuple[int, int]
# Makers of partitions take turns.
_PARTITION_LOCK = 0x0CEF6


def month_of(at_ms: int) -> Month:
    """The UTC month of a time in ms since 1970."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return at.year, at.month


def following(month: Month) -> Month:
    """The next month."""
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def parts_of(connection: psycopg.Connection[Any], *tables: str) -> list[str]:
    """The months of these tables that are attached, by name."""
    found = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = ANY (%s::regclass[]) ORDER BY 1",
        [list(tables)],
    )
    return [name for (name,) in found]


def ensure_partitions(connection: sa.Connection, months: Iterable[Month]) -> None:
    """Makes the partitions that are missing, inside the connection's transaction, by the owner's function: whoever
    writes rows need not own the tables."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PARTITION_LOCK)))
    for year, number in sorted(set(months)):
        connection.execute(sa.select(sa.func.make_month(date(year, number, 1))))


def ensure_partitions_now(connection: sa.Connection) -> list[Month]:
    """This month's and the next's, so that a drain at midnight finds its partition there. Gives the months."""
    this = month_of(int(time.time() * 1000))
    months = [this, following(this)]
    ensure_partitions(connection, months)
    return months
